"""The first window as a reference: what the others predict has its colours.

Windows of a long clip are predicted apart, and what the prompt leaves open can come out otherwise
in each of them. A window's latents have a mean and a deviation per channel, over its frames and
pixels; those of the first window are given to the others (adaptive instance normalization, Huang
& Belongie 2017, eq. 8). What moves where is left to each window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from ..motion.step_range import ALL_STEPS, StepRange
from .frame_window import WindowCall

LEAST_DEVIATION = 1e-4  # of a channel; below, there is nothing to scale


@dataclass(frozen=True)
class Reference:
    """weight: 0 leaves the windows alone, 1 gives them the first one's colours."""

    weight: float = 0.0
    steps: StepRange = ALL_STEPS

    def __str__(self) -> str:
        return f", the first one's colours at {self.weight:g}" if self.weight else ""

    def begin(self, model_sampling, sigmas: torch.Tensor, frames: int) -> ReferenceStep | None:
        """For the windows of a model call; None where it takes no part in that."""
        if self.weight == 0 or not self.steps.contains(model_sampling, sigmas):
            return None
        return ReferenceStep(self.weight, frames)


@dataclass
class ReferenceStep:
    """frames: of a clip; seen: by conditioning and clip, what the first window's colours are."""

    weight: float
    frames: int
    seen: dict[tuple[int, int], tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)

    def given(self, call: WindowCall, predicted: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The predictions of a call, [(windows L), C, h, w] per conditioning, in these colours."""
        return [self._of_cond(number, call, each) for number, each in enumerate(predicted)]

    def _of_cond(self, cond: int, call: WindowCall, predicted: torch.Tensor) -> torch.Tensor:
        windows = predicted.split(call.window.clip_length)
        given = []
        for share, window in zip(call.parts, windows, strict=True):
            key = cond, share.window.index_list[0] // self.frames
            own = _colours(window)
            first = self.seen.setdefault(key, own)
            given.append(window if first is own else self._in_colours(window, own, first))
        return torch.cat(given)

    def _in_colours(self, x: torch.Tensor, own, first) -> torch.Tensor:
        (mean, deviation), (wanted_mean, wanted_deviation) = own, first
        moved = (x.float() - mean) * (wanted_deviation / deviation) + wanted_mean
        return torch.lerp(x.float(), moved, self.weight).to(x.dtype)


def _colours(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation, [1, C, 1, 1] each, of latents [L, C, h, w]."""
    deviation, mean = torch.std_mean(x.float(), dim=(0, 2, 3), keepdim=True)
    return mean, deviation.clamp(min=LEAST_DEVIATION)
