"""A noise predictor small enough that a training takes milliseconds."""

import torch
from animatediff_native.training.clip_set import Batch, ClipSet
from animatediff_native.training.settings import Decay, TrainingSettings
from animatediff_native.training.trainer import Trainer

CHANNELS, CLIPS, FRAMES = 4, 5, 3
PLAIN = TrainingSettings(steps=20, learning_rate=0.02)
EVERYTHING = TrainingSettings(
    steps=25,
    learning_rate=0.02,
    seed=7,
    clips_per_step=2,
    warm_up=5,
    decay=Decay.COSINE,
    text_dropout=0.3,
    ema=0.9,
    debias=True,
    hidden_motion=0.4,
)
Tensors = dict[str, torch.Tensor]


class LinearNoise:
    """Predicts the noise as a linear function of the channels of what is seen, and of the text.

    Its clips are faint beside the noise, which can therefore be learnt. Notes every call.
    """

    amounts = torch.arange(1, 11) / 11  # of noise, by timestep
    sigmas = amounts / (1 - amounts**2).sqrt()

    def __init__(self, frames: int = FRAMES):
        generator = torch.Generator().manual_seed(11)
        weight = torch.randn(CHANNELS, CHANNELS, generator=generator) * 0.3
        self.parameters = {
            "weight": torch.nn.Parameter(weight),
            "bias": torch.nn.Parameter(torch.zeros(CHANNELS)),
        }
        self.clips = ClipSet(
            torch.randn(CLIPS, frames, CHANNELS, 4, 4, generator=generator) * 0.2,
            torch.randn(2, 3, CHANNELS, generator=generator),
            torch.arange(CLIPS) % 2,
            torch.zeros(3, CHANNELS),
            still=torch.randn(CLIPS, frames, CHANNELS, 4, 4, generator=generator) * 0.2,
        )
        self.calls: list[tuple[Batch, torch.Tensor, torch.Tensor]] = []

    def __call__(self, batch: Batch, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        self.calls.append((batch, noise, t))
        amount = self.amounts[t][:, None, None, None, None]
        seen = (1 - amount**2).sqrt() * batch.latents + amount * noise
        text = batch.context.mean(1)[:, None, :, None, None]
        mixed = torch.einsum("oc,bfchw->bfohw", self.parameters["weight"], seen + 0.1 * text)
        return mixed + self.parameters["bias"][:, None, None]


def trainer_of(settings: TrainingSettings, predict: LinearNoise | None = None) -> Trainer:
    predict = predict or LinearNoise()
    return Trainer(predict.parameters, predict, predict.clips, settings)


def trained(settings: TrainingSettings, predict: LinearNoise | None = None) -> Trainer:
    trainer = trainer_of(settings, predict)
    trainer.run()
    return trainer


def weights(trainer: Trainer) -> Tensors:
    return {name: value.detach().clone() for name, value in trainer.parameters.items()}


def same(a: Tensors, b: Tensors) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def assert_same_state(one: Trainer, other: Trainer) -> None:
    """Losses, weights, the running mean and the optimiser's moments."""
    assert one.losses == other.losses
    assert same(weights(one), weights(other))
    assert same(one.result(), other.result())
    assert same(_moments(one), _moments(other))


def _moments(trainer: Trainer) -> Tensors:
    states = trainer.optimizer.state_dict()["state"]
    return {
        f"{index}.{key}": torch.as_tensor(value)
        for index, state in states.items()
        for key, value in state.items()
    }
