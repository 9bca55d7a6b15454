"""What the trainings of image and camera conditions have in common: clips that come with what they
are conditioned on, and a loss that asks for where things are."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import torch
from animatediff_native.training.clip_set import Batch, ClipSet
from animatediff_native.training.session import training_session
from animatediff_native.training.settings import TrainingSettings
from animatediff_native.training.trainer import NoisePredictor, Trainer
from comfy.model_patcher import ModelPatcher
from torch import nn

MOST = 4.0  # the greatest factor of the noise's error


class ConditionedBatch(NamedTuple):
    """A batch with what it is conditioned on: [clips, F, ...]."""

    latents: torch.Tensor
    context: torch.Tensor
    still: torch.Tensor | None
    condition: torch.Tensor


class ConditionedClips(ClipSet):
    """Clips with prompts and conditions; conditions: [N, F, ...]."""

    def __init__(self, plain: ClipSet, conditions: torch.Tensor):
        super().__init__(
            plain.latents, plain.contexts, plain.prompt_of, plain.no_prompt, plain.still
        )
        self.conditions = conditions

    def batch(self, picked: torch.Tensor, context: torch.Tensor) -> Batch:
        condition = self.conditions[picked].float()
        return ConditionedBatch(*super().batch(picked, context), condition)  # type: ignore[return-value]


class OfPictures:
    """Predicts noise; to the loss, errors count almost as those of the picture that is meant.

    What a condition says of places is a small part of strong noise: an error e of the noise is one
    of sigma e in the picture. Counted as sqrt(1 + sigma^2) e, as the loss of v does, up to 4 e.
    """

    def __init__(self, predict: NoisePredictor):
        self.predict = predict

    @property
    def sigmas(self) -> torch.Tensor:
        return self.predict.sigmas

    def __call__(self, batch: Batch, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        predicted = self.predict(batch, noise, t)
        factor = (1 + self.sigmas[t].to(predicted) ** 2).sqrt().clamp(max=MOST)
        noise = noise.to(predicted)
        return noise + factor.view(-1, 1, 1, 1, 1) * (predicted - noise)


class InTraining(Protocol):
    """A part of a model's calls that has weights in training."""

    def take(self, condition: torch.Tensor) -> None:
        """The conditions of the batch whose call comes next: [clips, F, ...]."""


class TakesConditions:
    """Predicts noise with a part that is given each batch's conditions."""

    def __init__(self, part: InTraining, predict: NoisePredictor):
        self.part, self.predict = part, predict

    @property
    def sigmas(self) -> torch.Tensor:
        return self.predict.sigmas

    def __call__(self, batch: Batch, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        self.part.take(batch.condition)  # type: ignore[attr-defined]
        return self.predict(batch, noise, t)


def train(
    model: ModelPatcher,
    part: InTraining,
    parameters: Callable[[ModelPatcher], Mapping[str, nn.Parameter]],
    clips: ClipSet,
    settings: TrainingSettings,
    prepare: Callable,
    on_step: Callable,
    around: Callable[[NoisePredictor], NoisePredictor] = lambda predict: predict,
) -> dict[str, torch.Tensor]:
    """The trained weights. model: one whose calls the part takes part in; parameters: what is
    trained, of the model as it is loaded; prepare, on_step: see Workshop.supervised; around: what
    asks for the prediction in the trainer's place."""
    with training_session(model, settings.precision, False) as noise:
        trained = parameters(model)
        for each in trained.values():
            each.requires_grad_(True)
        try:
            predict = around(OfPictures(TakesConditions(part, noise)))
            trainer = Trainer(trained, predict, clips, settings)
            prepare(trainer)
            trainer.run(on_step=on_step)
            return trainer.result()
        finally:
            for each in trained.values():
                each.requires_grad_(False)
