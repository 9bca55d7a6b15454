"""Which frames a motion module sees at once: overlapping windows along a clip.

The schedules `uniform` and `looped` follow the context scheduler of animatediff-cli
(neggles, 2023): their windows begin elsewhere at every step, by a van der Corput sequence,
so that no join stays at one place. A window is a tuple of frame indices without repeats.
"""

import math
from dataclasses import dataclass
from enum import Enum

from ..motion.errors import AnimateDiffError

Window = tuple[int, ...]


class Schedule(str, Enum):
    """How windows are laid along a clip."""

    STATIC = "static"
    UNIFORM = "uniform"
    LOOPED = "looped"
    BATCHED = "batched"

    @property
    def moves(self) -> bool:
        """Whether the windows depend on the step."""
        return self in (Schedule.UNIFORM, Schedule.LOOPED)


def van_der_corput(step: int) -> float:
    """The step's binary digits mirrored at the point: 0, 1/2, 1/4, 3/4, 1/8, ..."""
    value, place = 0.0, 0.5
    while step:
        value += place * (step & 1)
        step, place = step >> 1, place / 2
    return value


@dataclass(frozen=True)
class WindowPlan:
    """Windows of `length` frames that share at least `overlap` frames with the next one.

    stride: `uniform` and `looped` add windows that take every 2nd, 4th ... frame, one more
    such layer for each stride above 1; the other schedules do without. `batched` has no overlap.
    name: of the inputs that it comes from, for messages.
    """

    length: int = 16
    overlap: int = 4
    stride: int = 1
    schedule: Schedule = Schedule.STATIC
    name: str = "context"

    def __post_init__(self):
        if self.length < 2:
            raise _refused(f"{self.name}_length", self.length, "at least 2 frames", "set it to 16")
        if not 0 <= self.overlap < self.length:
            raise _refused(
                f"{self.name}_overlap",
                self.overlap,
                f"0 or more, and less than {self.name}_length, which is {self.length}",
                f"set it to a quarter of {self.name}_length",
            )
        if self.stride < 1:
            raise _refused("context_stride", self.stride, "at least 1", "set it to 1")

    def windows(self, frames: int, step: int = 0) -> list[Window]:
        """The windows of a clip at a step; one window where the clip is not longer than that.

        Of `looped` windows also that one begins elsewhere in each step: the last frame and the
        first are neighbours in all steps but those that begin at 0.
        """
        if frames <= self.length:
            start = int(frames * van_der_corput(step)) if self.turns(frames) else 0
            return [tuple((start + i) % frames for i in range(frames))]
        self.require_stride(frames)
        return _SCHEDULES[self.schedule](self, frames, step)

    def turns(self, frames: int) -> bool:
        """Whether the one window of a clip moves."""
        return self.schedule is Schedule.LOOPED and 1 < frames <= self.length

    def require_stride(self, frames: int) -> None:
        """AnimateDiffError unless the most widely spaced window fits into the clip."""
        span = (self.length - 1) * self.spacings[-1] + 1
        if frames <= self.length or span <= frames:
            return
        largest = int(math.log2((frames - 1) / (self.length - 1))) + 1
        raise AnimateDiffError(
            f"context_stride is {self.stride}: a window of {self.length} frames, every "
            f"{self.spacings[-1]}th one, spans {span} frames, and the clip has {frames}.",
            f"a context_stride of at most {largest} for this clip",
            "lower context_stride; 1 takes neighbouring frames only.",
        )

    @property
    def spacings(self) -> list[int]:
        """Distances between neighbouring frames of a window: 1, 2, 4 ..."""
        return [1 << layer for layer in range(self.stride if self.schedule.moves else 1)]


def _refused(name: str, value: int, expected: str, remedy: str) -> AnimateDiffError:
    return AnimateDiffError(f"{name} is {value}.", expected, f"{remedy}.")


def _static(plan: WindowPlan, frames: int, step: int) -> list[Window]:
    last = frames - plan.length
    starts = [*range(0, last, plan.length - plan.overlap), last]
    return [tuple(range(start, start + plan.length)) for start in starts]


def _batched(plan: WindowPlan, frames: int, step: int) -> list[Window]:
    starts = range(0, frames, plan.length)
    return [tuple(range(start, min(start + plan.length, frames))) for start in starts]


def _uniform(plan: WindowPlan, frames: int, step: int) -> list[Window]:
    """Open: what would wrap is moved to the end of the clip, and what that leaves is filled."""
    windows = []
    for spacing in plan.spacings:
        span = (plan.length - 1) * spacing
        last = frames - 1 - span
        starts = {min(start % frames, last) for start in _starts(plan, frames, step, spacing)}
        if spacing == 1:
            starts = _without_gaps(sorted(starts), last, plan.length - plan.overlap)
        windows += [tuple(range(s, s + span + 1, spacing)) for s in sorted(starts)]
    return windows


def _looped(plan: WindowPlan, frames: int, step: int) -> list[Window]:
    """Closed: windows run over the end of the clip into its beginning."""
    windows: dict[frozenset[int], Window] = {}
    for spacing in plan.spacings:
        for start in _starts(plan, frames, step, spacing):
            window = tuple((start + i * spacing) % frames for i in range(plan.length))
            windows.setdefault(frozenset(window), window)
    return list(windows.values())


def _starts(plan: WindowPlan, frames: int, step: int, spacing: int) -> range:
    """First frames of the windows of one spacing, counted on beyond the end of the clip."""
    shift = van_der_corput(step)
    pad = round(frames * shift)
    behind = frames + pad - (0 if plan.schedule is Schedule.LOOPED else plan.overlap)
    return range(int(shift * spacing) + pad, behind, plan.length * spacing - plan.overlap)


def _without_gaps(starts: list[int], last: int, hop: int) -> list[int]:
    """The starts with more put between where two of them, or an end of the clip, are further
    apart than `hop`."""
    filled = [0]
    for start in [*starts, last]:
        while start - filled[-1] > hop:
            filled.append(filled[-1] + hop)
        if start > filled[-1]:
            filled.append(start)
    return filled


_SCHEDULES = {
    Schedule.STATIC: _static,
    Schedule.UNIFORM: _uniform,
    Schedule.LOOPED: _looped,
    Schedule.BATCHED: _batched,
}
