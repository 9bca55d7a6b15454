"""A strength for every frame of a clip."""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from numbers import Real
from typing import Any

from .errors import AnimateDiffError, counted
from .keyed_text import shortened

EXPECTED = "a number, or a list with one number per frame"


class WrongLength(str, Enum):
    """What to do with a list that is not as long as the clip."""

    RESAMPLE = "resample"
    ERROR = "error"


@dataclass(frozen=True)
class FrameStrengths:
    """Factors of a strength, one per frame; node, other: see along_clip."""

    values: tuple[float, ...]
    wrong_length: WrongLength = WrongLength.RESAMPLE
    node: str = ""
    other: str = ""

    @property
    def constant(self) -> float | None:
        """The one value that every frame has, whatever the length of the clip."""
        of_any_length = len(self.values) == 1 or self.wrong_length is WrongLength.RESAMPLE
        return self.values[0] if of_any_length and len(set(self.values)) == 1 else None

    def over(self, frames: int) -> list[float]:
        """As many values as the clip has frames; resampling is linear, from end to end."""
        count = len(self.values)
        if count == frames or count == 1 or self.wrong_length is WrongLength.ERROR:
            return along_clip(self.values, frames, self.node, self.other)
        step = (count - 1) / max(1, frames - 1)
        return [_between(self.values, i * step) for i in range(frames)]


def _between(values: Sequence[float], position: float) -> float:
    below = min(int(position), len(values) - 1)
    above = min(below + 1, len(values) - 1)
    part = position - below
    return values[below] * (1 - part) + values[above] * part


def read_strengths(given: Any) -> tuple[float, ...]:
    """What came over a FLOAT input: a number, a list of them, or an array, as a tuple."""
    given = given.tolist() if hasattr(given, "tolist") else given
    entries = given if isinstance(given, (list, tuple)) else (given,)
    if not entries:
        raise AnimateDiffError(
            "frame_strengths is an empty list.",
            EXPECTED,
            "connect a node that gives numbers, such as Frame Strengths, or none.",
        )
    return tuple(_number(entry) for entry in entries)


def given_strengths(
    given: Any, wrong_length: WrongLength | None = None, node: str = ""
) -> FrameStrengths | None:
    """Of an optional FLOAT input; one number is for clips of any length. wrong_length: None where
    the node has no such choice."""
    if given is None:
        return None
    other = ", or set wrong_length there to 'resample', which stretches it" if wrong_length else ""
    wrong_length = wrong_length or WrongLength.ERROR
    return FrameStrengths(read_strengths(given), wrong_length, node, other)


def along_clip(
    values: Sequence[float], frames: int, node: str = "", other: str = ""
) -> list[float]:
    """One value per frame of a clip, from as many or from one for all.

    node: the title of the one that has the list; other: what else to do than to correct it.
    """
    if len(values) == 1:
        return [values[0]] * frames
    if len(values) != frames:
        of = f" of {node}" if node else ""
        clip = counted(frames, "frame")
        raise AnimateDiffError(
            f"frame_strengths{of} has {counted(len(values), 'value')} for a clip of {clip}.",
            f"{counted(frames, 'value')}, or one number for all frames",
            f"make the list as long as the clip{other}. Frame Strengths makes a list of this "
            f"length with frames {frames}, or with the latent connected that is sampled; where "
            "clips of Apply Motion Module is above 1, it is for one of them.",
        )
    return list(values)


def _number(entry: object) -> float:
    number = math.nan
    if isinstance(entry, Real) and not isinstance(entry, bool):
        with suppress(OverflowError):  # whole numbers and fractions can be beyond every float
            number = float(entry)
    if math.isfinite(number):
        return number
    raise AnimateDiffError(
        f"frame_strengths holds {_shown(entry)}.",
        EXPECTED,
        "connect a node that gives numbers, such as Frame Strengths.",
    )


def _shown(entry: object) -> str:
    try:
        return shortened(repr(entry))
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number beyond all bounds"
