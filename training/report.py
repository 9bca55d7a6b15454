"""What a training is and what came of it, in two lines of the log."""

from collections.abc import Sequence
from dataclasses import dataclass

from .curve import ends
from .settings import Precision


@dataclass(frozen=True)
class TrainingReport:
    """Of one MotionLoRA; clips are counted with their mirrored copies."""

    module: str  # file and version
    clips: int
    mirrored: bool
    frames: int
    width: int
    height: int
    rank: int
    steps: int
    precision: Precision

    def __str__(self) -> str:
        mirrored = " (half of them mirrored)" if self.mirrored else ""
        return (
            f"training a MotionLoRA on {self.module}: {self.clips} clips{mirrored} of "
            f"{self.frames} frames, {self.width}x{self.height}, rank {self.rank}, "
            f"{self.steps} steps, {self.precision.value}"
        )

    def done(self, losses: Sequence[float], seconds: float) -> str:
        return (
            f"trained a MotionLoRA on {self.module}: {len(losses)} steps in {seconds:.0f} s, "
            f"loss {ends(losses)}"
        )
