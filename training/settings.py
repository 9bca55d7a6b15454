"""How a training runs."""

import math
from dataclasses import dataclass
from enum import Enum

import torch


class Precision(str, Enum):
    """What the UNet computes in; what is trained stays in fp32."""

    FP32 = "fp32"
    BF16 = "bf16"

    @property
    def dtype(self) -> torch.dtype:
        return torch.float32 if self is Precision.FP32 else torch.bfloat16


class Decay(str, Enum):
    """How the learning rate goes on after the warm-up."""

    CONSTANT = "constant"
    COSINE = "cosine"


COSINE_FLOOR = 0.05  # of the learning rate is left at the end


def cosine(step: int, steps: int, warm_up: int) -> float:
    """Factor of the learning rate: an even rise, then half a cosine down to the floor."""
    if step < warm_up:
        return (step + 1) / warm_up
    along = (step - warm_up) / max(1, steps - warm_up)
    return COSINE_FLOOR + (1 - COSINE_FLOOR) * 0.5 * (1 + math.cos(math.pi * along))


@dataclass(frozen=True)
class TrainingSettings:
    """The recipe of Guo et al., "AnimateDiff", ICLR 2024 (supplementary, training details), and
    its reference's optimiser settings, by default.

    clips_per_step: clips in one optimiser step; text_dropout: share of clips that are trained
    without their prompt, for classifier-free guidance; ema: decay of the running mean of the
    weights, which then is the result; debias: MotionDirector's appearance-debiased loss is added;
    least_timestep: only this much noise and more is trained on
    (where a clip moves to is decided in much noise, where it makes little of the loss);
    hidden_motion: share of clips that are trained in noise in which the camera's motion cannot be
    seen, so that it has to be known by heart.
    """

    steps: int
    learning_rate: float = 1e-4
    seed: int = 0
    clips_per_step: int = 1
    warm_up: int = 0
    decay: Decay = Decay.CONSTANT
    text_dropout: float = 0.1
    weight_decay: float = 1e-2
    max_gradient_norm: float = 1.0
    ema: float | None = None
    debias: bool = False
    least_timestep: int = 0
    hidden_motion: float = 0.0
    precision: Precision = Precision.FP32
    checkpointing: bool = False

    def __post_init__(self):
        if self.steps < 1 or self.clips_per_step < 1:
            raise ValueError(f"steps and clips_per_step must be at least 1: {self}")
        if not 0 <= self.text_dropout <= 1:
            raise ValueError(f"text_dropout is a share, 0 to 1: {self.text_dropout}")
        if not 0 <= self.hidden_motion <= 1:
            raise ValueError(f"hidden_motion is a share, 0 to 1: {self.hidden_motion}")
        if self.least_timestep < 0:
            raise ValueError(f"least_timestep is a timestep, 0 or more: {self.least_timestep}")
        if self.ema is not None and not 0 < self.ema < 1:
            raise ValueError(f"ema is a decay between 0 and 1: {self.ema}")

    def rate_in(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        if self.decay is Decay.CONSTANT and step >= self.warm_up:
            return self.learning_rate
        return self.learning_rate * cosine(step, self.steps, self.warm_up)
