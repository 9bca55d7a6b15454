"""Stage 3: a MotionLoRA, low-rank pairs on the temporal self-attention
(Guo et al., "AnimateDiff", section 4.3)."""

from collections.abc import Iterator
from contextlib import contextmanager

from comfy.model_patcher import ModelPatcher
from torch import nn

from ..lora.chain import MotionLora, MotionLoraChain
from ..lora.compose import compose
from ..lora.fit import fitting_pairs
from ..motion.application import applications
from ..motion.errors import AnimateDiffError, counted
from ..motion.network import MotionNetwork
from .clip_set import ClipSet
from .low_rank import TrainableLowRank
from .session import in_place, motion_networks, training_session
from .settings import TrainingSettings
from .trainer import Trainer


class MotionLoraTraining:
    """A MotionLoRA in the making, on the motion module that is applied to a model."""

    def __init__(
        self,
        model: ModelPatcher,
        clips: ClipSet,
        rank: int,
        settings: TrainingSettings,
        start: MotionLora | None = None,
    ):
        network = the_motion_network(model)
        self.model = in_place(model)
        self.clips = clips
        self.settings = settings
        require_frames(clips.frames, network)
        shapes = {name: tuple(layer.weight.shape) for name, layer in attention_layers(network)}
        self.lora = TrainableLowRank(shapes, rank, settings.seed)
        if start is not None:
            self.lora.take(start.pairs)
        self.trainer: Trainer | None = None

    @contextmanager
    def session(self) -> Iterator[Trainer]:
        """The trainer, ready to run, for as long as the block lasts; it can be entered again
        after the model was used for something else."""
        settings = self.settings
        with (
            training_session(
                self.model, settings.precision, settings.checkpointing, self.clips.frames
            ) as predict,
            self.attached(),
        ):
            self.lora.to(predict.device)
            if self.trainer is None:
                parameters = dict(self.lora.named_parameters())
                self.trainer = Trainer(parameters, predict, self.clips, settings)
            self.trainer.predict = predict
            yield self.trainer

    @property
    def step(self) -> int:
        """Steps done."""
        return 0 if self.trainer is None else self.trainer.step

    def attached(self):
        """The pairs take part in whatever the model computes, for the length of the block."""
        return self.lora.attached(dict(attention_layers(the_motion_network(self.model))))

    def result(self, name: str) -> MotionLora:
        """What was trained so far."""
        weights = None if self.trainer is None else self.trainer.result()
        return MotionLora(name, self.lora.pairs(weights))


def attention_layers(network: MotionNetwork) -> Iterator[tuple[str, nn.Linear]]:
    """The projections of the temporal attention, by the key of their weight."""
    for name, layer in network.named_modules():
        if ".attention_blocks." in name and isinstance(layer, nn.Linear):
            yield f"{name}.weight", layer


def the_motion_network(model: ModelPatcher) -> MotionNetwork:
    """That of the one motion module on the model, which must work at every step."""
    networks = motion_networks(model)
    if len(networks) != 1:
        raise AnimateDiffError(
            f"{len(networks) or 'no'} motion modules are applied to this model.",
            "a model with one motion module",
            "put Apply Motion Module between the checkpoint and this node, once.",
        )
    (application,) = applications(model)
    if not application.steps.whole:
        steps = application.steps
        raise AnimateDiffError(
            f"the motion module takes part from {steps.start_percent:g} to {steps.end_percent:g} "
            "of the sampling only, but training needs it at every step.",
            "start_percent 0 and end_percent 1",
            "set them so on Apply Motion Module for the training.",
        )
    if application.clips != 1:
        raise AnimateDiffError(
            f"clips of Apply Motion Module is {application.clips}.",
            "1 for a training, which takes the clips apart itself",
            "set clips to 1 on Apply Motion Module for the training.",
        )
    return networks[0]


def require_frames(frames: int, network: MotionNetwork) -> None:
    """Raise AnimateDiffError for clips that are longer than the network's position table."""
    limit = network.config.position_length
    if frames > limit:
        raise AnimateDiffError(
            f"the clips have {counted(frames, 'frame')}, and this motion module can see {limit} at "
            "once.",
            f"clips of at most {limit} frames",
            "lower frames_per_clip; 16 is what motion modules are made for.",
        )


def start_from(chain: MotionLoraChain | None, model: ModelPatcher, rank: int) -> MotionLora | None:
    """What a training goes on from: the chain as one, if there is one; AnimateDiffError where a
    training of this rank on this model cannot go on from it."""
    if not chain:
        return None
    lora = MotionLora(" + ".join(use.lora.file for use in chain), compose(chain))
    (application,) = applications(model)
    pairs = fitting_pairs(lora, application.config, application.file)
    trained = {key for key, _ in attention_layers(the_motion_network(model))}
    beside = [key for key in pairs if key not in trained]
    if beside:
        raise AnimateDiffError(
            f"'{lora.file}' changes {counted(len(beside), 'weight')} beside the temporal "
            f"attention, such as {beside[0]}.",
            "a MotionLoRA of the temporal attention alone, as the official files are",
            "give it to Apply Motion Module instead: it then takes part while another one is "
            "trained.",
        )
    largest = max(pair.rank for pair in pairs.values())
    if largest > rank:
        raise AnimateDiffError(
            f"rank is {rank}, and '{lora.file}' has rank {largest}.",
            f"a rank of at least {largest} to go on from it",
            f"set rank to {largest}, or make it smaller first: Save MotionLoRA with rank {rank}, "
            "then Load MotionLoRA.",
        )
    return MotionLora(lora.file, pairs)
