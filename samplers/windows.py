"""Which frames a motion module sees at once: overlapping windows along a clip.

The schedules that move follow the context scheduler of animatediff-cli (neggles, 2023): their
windows begin elsewhere at every step, by a van der Corput sequence, so that no join stays at one
place. A window is a tuple of frame indices; one that goes around a loop more than once holds some
of them again, and then only their last place counts (`fuse.py`).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

from ..motion.errors import AnimateDiffError

Window = tuple[int, ...]


class Schedule(str, Enum):
    """How windows are laid along a clip."""

    STATIC = "static"
    UNIFORM = "uniform"
    LOOPED = "looped"
    BATCHED = "batched"
    LOOPED_OPEN = "looped open"
    UNIFORM_EVOLVED = "uniform (Evolved)"

    @property
    def moves(self) -> bool:
        """Whether the windows depend on the step."""
        return self not in (Schedule.STATIC, Schedule.BATCHED)

    @property
    def evolved(self) -> bool:
        """Whether it is AnimateDiff-Evolved's own, weights included."""
        return self in (Schedule.LOOPED_OPEN, Schedule.UNIFORM_EVOLVED)

    @property
    def wraps(self) -> bool:
        """Whether windows run over the end of the clip into its beginning."""
        return self in (Schedule.LOOPED, Schedule.LOOPED_OPEN)


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

    stride: schedules that move add windows that take every 2nd, 4th ... frame, one more such
    layer for each stride above 1; the other schedules do without. `batched` has no overlap, and
    the two schedules of AnimateDiff-Evolved share less at the place where they are open.
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
        return list(_SCHEDULES[self.schedule](self.fitted(frames), frames, step))

    def turns(self, frames: int) -> bool:
        """Whether the one window of a clip moves."""
        return self.schedule is Schedule.LOOPED and 1 < frames <= self.length

    def fitted(self, frames: int) -> "WindowPlan":
        """The plan with the largest stride that a clip has room for, if that is less than asked.

        Where windows wrap, the last layer may go around once; else its window has to fit.
        """
        if frames <= self.length:
            return self
        if self.schedule.wraps:
            most = math.ceil(math.log2(frames / self.length)) + 1
        else:
            most = int(math.log2((frames - 1) / (self.length - 1))) + 1
        return self if self.stride <= most else replace(self, stride=most)

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


def _looped(plan: WindowPlan, frames: int, step: int) -> Iterator[Window]:
    """Windows that run over the end of the clip into its beginning."""
    for spacing in plan.spacings:
        for start in _starts(plan, frames, step, spacing):
            yield tuple((start + i * spacing) % frames for i in range(plan.length))


def _uniform_evolved(plan: WindowPlan, frames: int, step: int) -> list[Window]:
    """AnimateDiff-Evolved's: a window that would wrap is moved to the end, and where the next one
    lacks the frame at which it wrapped, one that begins there follows. What is still left out,
    with wide spacings, is filled."""
    waiting = list(_looped(plan, frames, step))
    placed: list[Window] = []
    while waiting:
        window = waiting.pop(0)
        wrapped = next((b for a, b in pairwise(window) if b < a), None)
        if wrapped is not None:
            window = _at_the_end(window, frames)
            following = [*waiting, *placed, window][0]
            if wrapped not in following:
                waiting.insert(0, tuple(range(wrapped, wrapped + plan.length)))
        placed.append(window)
    windows = list(dict.fromkeys(placed))
    covered = set().union(*windows)
    gaps = [frame for frame in range(frames) if frame not in covered]
    last = frames - plan.length
    return windows + [tuple(range(s, s + plan.length)) for s in _covering(gaps, plan.length, last)]


def _at_the_end(window: Window, frames: int) -> Window:
    moved = [(frame - window[0]) % frames for frame in window]
    return tuple(frame + frames - 1 - moved[-1] for frame in moved)


def _covering(gaps: list[int], length: int, last: int) -> Iterator[int]:
    """Where windows of neighbours have to begin to hold these frames."""
    behind = -1
    for frame in gaps:
        if frame > behind:
            start = min(frame, last)
            behind = start + length - 1
            yield start


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
    Schedule.LOOPED_OPEN: _looped,
    Schedule.UNIFORM_EVOLVED: _uniform_evolved,
}
