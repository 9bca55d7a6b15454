"""What travels between nodes: MotionLoRAs, each with how strongly and when it takes part."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..motion.frame_strengths import FrameStrengths
from ..motion.step_range import ALL_STEPS, StepRange
from .pairs import LowRank


@dataclass(frozen=True, eq=False)
class MotionLora:
    """The content of a file; pairs by key of the motion network's state dict."""

    file: str
    pairs: Mapping[str, LowRank]


@dataclass(frozen=True, eq=False)
class LoraUse:
    """One MotionLoRA in a composition W' = W + sum_i s_i * (B_i A_i)
    (Guo et al., "AnimateDiff", section 4.3)."""

    lora: MotionLora
    strength: float = 1.0
    frames: FrameStrengths | None = None  # factors of the strength
    steps: StepRange = ALL_STEPS

    @property
    def constant(self) -> float | None:
        """The strength that it has in every frame and step, if there is one."""
        if self.strength == 0:
            return 0.0
        factor = 1.0 if self.frames is None else self.frames.constant
        return self.strength * factor if factor is not None and self.steps.whole else None

    def over(self, frames: int) -> list[float]:
        """The strength of each frame of a clip."""
        factors = [1.0] * frames if self.frames is None else self.frames.over(frames)
        return [self.strength * factor for factor in factors]


MotionLoraChain = tuple[LoraUse, ...]
