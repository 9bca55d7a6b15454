"""What a training of a MotionLoRA is given."""

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import VAE

from ..lora.chain import MotionLoraChain
from ..motion.errors import AnimateDiffError
from .augment import Augmentation
from .prompts import Conditioning
from .settings import Precision, TrainingSettings

LATENT_PIXELS = 8  # the side of what one latent pixel stands for
LAST_TIMESTEP = 999  # of the noise schedules of SD1.5 and AnimateDiff
SMALLEST_SIDE = 64  # at which the UNet's lowest level still has one pixel
AUTO = "auto"  # precision: what suits the device
PRECISIONS = (AUTO, Precision.BF16.value, Precision.FP32.value)


@dataclass(frozen=True)
class MotionLoraJob:
    """The inputs of the node Train MotionLoRA, under their names there."""

    model: ModelPatcher
    vae: VAE
    positive: Conditioning
    rank: int = 32
    learning_rate: float = 3e-4
    steps: int = 500
    seed: int = 0
    augmentation: Augmentation = Augmentation.NONE
    images: torch.Tensor | None = None
    frames_per_clip: int = 16
    video_folder: Path | None = None
    frame_stride: int = 4
    width: int = 256
    height: int = 256
    negative: Conditioning | None = None
    clips_per_step: int = 1
    appearance_debias: bool = False
    text_dropout: float = 0.1
    precision: str = AUTO
    gradient_checkpointing: bool = True
    continue_from: MotionLoraChain | None = None
    sample_every: int = 0
    least_timestep: int = 0
    hidden_motion: float = 0.0

    def __post_init__(self):
        """The page keeps to the ranges; a number that comes over a link need not."""
        for name in ("rank", "steps", "clips_per_step"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        rate = self.learning_rate
        _require(0 < rate < math.inf, "learning_rate", rate, "a number above 0, such as 0.0003")
        for name, usual in (("text_dropout", 0.1), ("hidden_motion", 0.5)):
            share = getattr(self, name)
            _require(0 <= share <= 1, name, share, f"a share from 0 to 1, such as {usual:g}")
        self._require_camera()
        least = self.least_timestep
        expected = f"a timestep from 0 to {LAST_TIMESTEP}, such as 850"
        _require(0 <= least <= LAST_TIMESTEP, "least_timestep", least, expected)
        for name in ("width", "height"):
            side = getattr(self, name)
            fits = side >= SMALLEST_SIDE and side % LATENT_PIXELS == 0
            expected = f"a multiple of {LATENT_PIXELS}, at least {SMALLEST_SIDE}"
            _require(fits, name, side, expected)

    def _require_camera(self) -> None:
        if self.hidden_motion and self.augmentation is Augmentation.NONE:
            raise AnimateDiffError(
                f"hidden_motion is {self.hidden_motion:g}, and augmentation is none.",
                "an augmentation, whose camera is known without its motion",
                "choose what the camera does in augmentation, or set hidden_motion to 0.",
            )

    def settings(self, precision: Precision) -> TrainingSettings:
        return TrainingSettings(
            steps=self.steps,
            learning_rate=self.learning_rate,
            seed=self.seed,
            clips_per_step=self.clips_per_step,
            text_dropout=self.text_dropout,
            debias=self.appearance_debias,
            least_timestep=self.least_timestep,
            hidden_motion=self.hidden_motion,
            precision=precision,
            checkpointing=self.gradient_checkpointing,
        )


def _require(holds: bool, name: str, value: float, expected: str) -> None:
    if not holds:
        raise AnimateDiffError(f"{name} is {value:g}.", expected, f"change {name}.")
