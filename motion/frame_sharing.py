"""Frames that the deep levels of a UNet share: where it halves height and width, it halves the
frames too.

Bar-Tal et al., "Lumiere", 2024 (arXiv 2401.12945), section 3.1: a space-time U-Net has a temporal
down-sampler behind every spatial one and a temporal up-sampler behind every spatial one on the way
up. Both begin as nearest neighbours, and without training they are that: of every two frames the
first goes down, and comes up twice. Where their number is odd, the last one has no partner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch

from .config import Site, resolution_of
from .errors import counted


@dataclass(frozen=True)
class FrameSharing:
    """levels: resolutions of the UNet; halvings: how many of its deepest steps from one to the next
    halve the frames."""

    levels: int
    halvings: int

    @property
    def halving_levels(self) -> range:
        """The resolutions, 0 the finest, in which there are half as many frames as before."""
        return range(self.levels - self.halvings, self.levels)

    def stride(self, level: int) -> int:
        """Every how many frames of a clip one is computed at this resolution."""
        return 2 ** max(0, level - (self.levels - 1 - self.halvings))

    def frames_at(self, level: int, frames: int) -> int:
        """How many there are at a resolution, of a clip's."""
        return -(-frames // self.stride(level))

    def stride_at(self, site: Site) -> int:
        return self.stride(resolution_of(site, self.levels))

    def __str__(self) -> str:
        shares = ", ".join(f"1/{self.stride(level)}" for level in self.halving_levels)
        return f"{shares} of the frames in the UNet's {counted(self.halvings, 'deep level')}"


class Resampling(Protocol):
    """Fewer frames and more frames of [(clips F), C, h, w]; level: the coarser resolution."""

    def down(self, level: int, x: torch.Tensor, frames: int) -> torch.Tensor:
        """Every second of the frames, of each clip: half of them, rounded up."""
        ...

    def up(self, level: int, x: torch.Tensor, frames: int, wanted: int) -> torch.Tensor:
        """From these frames of each clip to as many as are wanted, at most twice as many."""
        ...


class Nearest:
    """The first of every two frames, which comes back as both."""

    def down(self, level: int, x: torch.Tensor, frames: int) -> torch.Tensor:
        return x.unflatten(0, (-1, frames))[:, ::2].flatten(0, 1)

    def up(self, level: int, x: torch.Tensor, frames: int, wanted: int) -> torch.Tensor:
        return repeated(x.unflatten(0, (-1, frames)), wanted).flatten(0, 1)


def repeated(clips: torch.Tensor, wanted: int) -> torch.Tensor:
    """[clips, wanted, ...] of [clips, F, ...]: every frame twice."""
    return clips.repeat_interleave(2, dim=1)[:, :wanted]


@dataclass(frozen=True, eq=False)
class SharedFrames:
    """Frame sharing in one call of the UNet, whose batch is clips of F frames.

    resampling: how frames become fewer and more.
    """

    sharing: FrameSharing
    frames: int
    resampling: Resampling
    _picked: dict[tuple[int, int], tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)

    def frames_at(self, level: int) -> int:
        """Of each clip at a resolution."""
        return self.sharing.frames_at(level, self.frames)

    def down(self, level: int, x: torch.Tensor) -> torch.Tensor:
        return self.resampling.down(level, x, self.frames_at(level - 1))

    def up(self, level: int, x: torch.Tensor) -> torch.Tensor:
        frames, wanted = self.frames_at(level), self.frames_at(level - 1)
        return self.resampling.up(level, x, frames, wanted)

    def pick(self, level: int, values: torch.Tensor, batch: int) -> torch.Tensor:
        """Of values [batch, ...] those of the frames that are computed at a resolution; others
        stay as they are. batch: of the call."""
        stride = self.sharing.stride(level)
        if stride == 1 or len(values) != batch:
            return values
        key = (stride, id(values))
        if key not in self._picked:  # the same for all layers of a resolution
            picked = values.unflatten(0, (-1, self.frames))[:, ::stride].flatten(0, 1)
            self._picked[key] = (values, picked)
        return self._picked[key][1]

    def places(self, level: int, places: Sequence[int]) -> list[int]:
        """The same of places in the run's batch, one for each entry of one conditioning."""
        clips = [places[i : i + self.frames] for i in range(0, len(places), self.frames)]
        return [place for clip in clips for place in clip[:: self.sharing.stride(level)]]

    def end(self) -> None:
        """Let go of what was picked in the call."""
        self._picked.clear()


def rows_shared(count: int, batch: int, frames: int) -> list[int] | None:
    """Which entries of a batch, clips of so many frames, a layer has that is given count of them;
    None where no sharing gives it so many."""
    for stride in (2**halvings for halvings in range(1, frames.bit_length() + 1)):
        if count * frames == batch * -(-frames // stride):
            clips = range(0, batch, frames)
            return [clip + frame for clip in clips for frame in range(0, frames, stride)]
    return None
