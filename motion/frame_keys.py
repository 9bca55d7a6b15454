"""Which frame of a clip a key means: `8`, `-1`, `50%`, `0.5`, `+8`, `max_f/2`, `0:8`."""

import re
from typing import NamedTuple

from .errors import counted
from .expressions import NoFormula, read_formula
from .keyed_text import frame_number, quote

_PERCENT = re.compile(r"(\d+(?:\.\d*)?|\.\d+)[ \t]*%")
_DECIMAL = re.compile(r"\d+\.\d*|\.\d+")
_MOST_DIGITS = 9


class NoFrame(Exception):
    """Why a key is no frame, as a clause."""


class FrameKey(NamedTuple):
    """hold: the value stays until the next key."""

    frame: int
    hold: bool


def frames_of(at: str, hold: bool, frames: int, before: int = 0) -> list[FrameKey]:
    """One, or the first and the last of a range, which ends before its second number.

    frames: of the clip; before: the frame of the key written before, which `+8` counts from.
    """
    first, colon, end = at.partition(":")
    if not colon:
        return [FrameKey(frame_of(at, frames, before), hold)]
    start, stop = sorted((frame_of(first, frames, before), frame_of(end, frames, before)))
    if stop - start < 2:
        return [FrameKey(start, hold)]
    return [FrameKey(start, True), FrameKey(stop - 1, hold)]


def is_absolute(at: str) -> bool:
    """Whether a key means the same frame in every clip."""
    frame = frame_number(at)
    return frame is not None and frame >= 0


def frame_of(at: str, frames: int, before: int = 0) -> int:
    """NoFrame where a key is none of a clip of so many frames; it may lie behind its end."""
    at = at.strip()
    if at.startswith("+"):
        step = frame_number(at[1:])
        if step is None or step < 0:
            raise NoFrame(f"{quote(at)} is not a frame number")
        return before + step
    found = frame_number(at)
    if found is None:
        found = _share(at, frames)
    elif found < 0:
        found += frames
    if found is None:
        found = _computed(at, frames)
    if found < 0:
        raise NoFrame(f"{quote(at)} lies before a clip of {counted(frames, 'frame')}")
    return found


def _share(at: str, frames: int) -> int | None:
    """Of a percent, or of a share of the clip as AnimateDiff-Evolved has it: 1.0 is the last."""
    percent, decimal = _PERCENT.fullmatch(at), _DECIMAL.fullmatch(at)
    if percent is None and decimal is None:
        return None
    number = float(percent[1] if percent else at)
    if decimal and number > 1 and number.is_integer() and number < 10**_MOST_DIGITS:
        return int(number)  # 8.0: a program wrote it
    most = 100 if percent else 1
    if number > most:
        raise NoFrame(f"{quote(at)} is more than the clip")
    return min(int(number * frames / most), frames - 1)


def _computed(at: str, frames: int) -> int:
    try:
        found = read_formula(at).at(0, frames)
    except NoFormula as problem:
        why = f": {problem}" if "max_f" in at else ""
        raise NoFrame(f"{quote(at)} is not a frame number{why}") from None
    if abs(found) >= 10**_MOST_DIGITS:
        raise NoFrame(f"{quote(at)} is beyond every clip")
    return int(found)
