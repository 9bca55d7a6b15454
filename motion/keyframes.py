"""Numbers written as text at frames of a clip, or at percents of the sampling.

`0: 0.0, 8: 1.0` ramps from frame 0 to frame 8; `0: 1.0 hold, 8: 0.5` steps there. A formula is
computed for every frame until the next keyframe: `0: 0.5+0.5*sin(t/12)`.
"""

import logging
import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from .clip_part import ClipPart
from .errors import AnimateDiffError
from .expressions import Formula, NoFormula, read_formula
from .frame_keys import NoFrame, frames_of, is_absolute
from .keyed_entries import read_keyed, without_marks
from .keyed_text import Entry, NoEntry, quote

log = logging.getLogger("animatediff_native")

EXPECTED = "frame: value, separated by commas or lines, such as 0: 0.0, 15: 1.0"
EXPECTED_STEPS = "percent: value, percents from 0 to 1, such as 0: 1.0, 0.5: 0.3"
TWICE = "names a frame a second time"
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,4})?")
_PERCENT = re.compile(rf"({_NUMBER.pattern})\s*%")


class Keyframe(NamedTuple):
    """hold: the value stays until the next keyframe, instead of going there in a straight line.
    entry: where it is written, of one whose frame depends on the clip: `at` is 0 until it is known.
    """

    at: float
    value: float | Formula
    hold: bool = False
    entry: Entry | None = None


Keyframes = tuple[Keyframe, ...]  # at least one; ascending where no frame depends on the clip


def read_keyframes(text: str) -> Keyframes:
    """Keyframes at frames; AnimateDiffError for any other text."""
    found: list[Keyframe] = []
    for entry in _entries(text, EXPECTED):
        value = _value(entry)
        if isinstance(value, str):
            raise _wrong(entry, f"is no keyframe{value}", EXPECTED)
        if is_absolute(entry.at):
            if any(key.at == float(entry.at) and not key.entry for key in found):
                raise _wrong(entry, TWICE, EXPECTED)
            found.append(Keyframe(float(entry.at), value, entry.hold))
        else:
            _require_frame(entry)
            found.append(Keyframe(0.0, value, entry.hold, entry))
    if any(key.entry for key in found):
        return tuple(found)
    return _in_order(found)


def _require_frame(entry: Entry) -> None:
    """AnimateDiffError for a key that is a frame in no clip."""
    try:
        frames_of(entry.at, False, 10**9)
    except NoFrame as problem:
        raise _wrong(entry, f"is no keyframe: {problem}", EXPECTED) from None


def read_step_keyframes(text: str) -> Keyframes:
    """Keyframes at percents of the sampling, 0 to 1; AnimateDiffError for any other text."""
    found = []
    for entry in _entries(text, EXPECTED_STEPS):
        at, value = _plain(entry.at), _value(entry)
        if at is None or not 0 <= at <= 1 or not isinstance(value, float):
            raise _wrong(entry, "is no keyframe", EXPECTED_STEPS)
        if any(key.at == at for key in found):
            raise _wrong(entry, "names a percent a second time", EXPECTED_STEPS)
        found.append(Keyframe(at, value, entry.hold))
    return tuple(sorted(found))


def _entries(text: str, expected: str) -> list[Entry]:
    try:
        found = read_keyed(text, numbers=True).entries
    except NoEntry as problem:
        raise _wrong(problem, "is no keyframe", expected) from problem
    if not found:
        raise AnimateDiffError("there are no keyframes.", expected, "write at least one.")
    return found


def _value(entry: Entry) -> float | Formula | str:
    """What stands at a keyframe; text, as the end of a sentence, where that is no value."""
    if isinstance(entry.value, float) and math.isfinite(entry.value):
        return entry.value  # of JSON
    if not isinstance(entry.value, str):
        return ""
    text = without_marks(entry.value).strip("` \t")
    number = _plain(_without_brackets(text))
    if number is not None:
        return number
    try:
        return read_formula(text)
    except NoFormula as problem:
        return f": {problem}"


def _without_brackets(text: str) -> str:
    while len(text) > 1 and text[0] == "(" and text[-1] == ")":
        text = text[1:-1].strip()
    return text


def _plain(text: str) -> float | None:
    """A number, or percents of 1."""
    percent = _PERCENT.fullmatch(text)
    number = float(percent[1]) / 100 if percent else float(text) if is_number(text) else math.nan
    return number if math.isfinite(number) else None


def is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and math.isfinite(float(text))


def _wrong(where: Entry | NoEntry, problem: str, expected: str) -> AnimateDiffError:
    given = f"line {where.line}: {quote(where.raw)} {problem}."
    return AnimateDiffError(given, expected, "correct the text.")


def in_clip(keyframes: Sequence[Keyframe], frames: int) -> Keyframes:
    """With the frames that they have in a clip of so many, in order."""
    found: list[Keyframe] = []
    for key in keyframes:
        if key.entry is None:
            found.append(key)
            continue
        before = int(found[-1].at) if found else 0
        try:
            places = frames_of(key.entry.at, key.hold, frames, before)
        except NoFrame as problem:
            raise _wrong(key.entry, f"is no keyframe: {problem}", EXPECTED) from None
        found += [Keyframe(float(frame), key.value, hold) for frame, hold in places]
    return _in_order(found)


def _in_order(keyframes: Sequence[Keyframe]) -> Keyframes:
    ordered = sorted(keyframes, key=lambda key: key.at)
    for key, following in pairwise(ordered):
        if key.at == following.at:
            raise AnimateDiffError(
                f"the text {TWICE}: {int(key.at)}.", EXPECTED, "keep one of the two."
            )
    return tuple(ordered)


def values_along(
    keyframes: Sequence[Keyframe], frames: int, part: ClipPart | None = None
) -> list[float]:
    """One value per frame: linear between keyframes, held before the first and after the last.

    part: which frames these are, of a longer clip whose frames the keyframes name.
    """
    part = part or ClipPart(frames, 0, frames)
    keys = in_clip(keyframes, part.whole)
    if keys[-1].at >= part.whole:
        log.info(
            "AnimateDiff: there is a keyframe for frame %d, and the clip ends with frame %d: the "
            "values are on their way there.", keys[-1].at, part.whole - 1
        )  # fmt: skip
    places = [key.at for key in keys]
    found = []
    for frame in part.of_the_whole:
        number = bisect_right(places, frame)
        around = keys[max(0, number - 1) : number + 1]
        found.append(_between(around, number > 0, frame, part.whole - 1))
    return found


def value_at(keyframes: Sequence[Keyframe], position: float) -> float:
    """The value at a percent of the sampling."""
    number = sum(key.at <= position for key in keyframes)
    return _between(keyframes[max(0, number - 1) : number + 1], number > 0, position, 0)


def _between(around: Sequence[Keyframe], begun: bool, position: float, last: int) -> float:
    """Of one keyframe, or of the two around a position. begun: the first is not behind it."""
    before = around[0]
    if begun and isinstance(before.value, Formula):
        return _computed(before.value, int(position), last)
    value = _computed(before.value, int(before.at), last)
    if not begun or before.hold or before.at == position or len(around) == 1:
        return value
    after = around[1]
    part = (position - before.at) / (after.at - before.at)
    return value * (1 - part) + _computed(after.value, int(after.at), last) * part


def _computed(value: float | Formula, frame: int, last: int) -> float:
    if not isinstance(value, Formula):
        return value
    try:
        return float(value.at(frame, last))
    except NoFormula as problem:
        raise AnimateDiffError(
            f"the formula {quote(value.text)}: {problem}.",
            "a number for every frame",
            "correct the formula.",
        ) from None


def last_frame(keyframes: Sequence[Keyframe]) -> int:
    """The last one that is named as a number, 0 where none is."""
    return max((int(key.at) for key in keyframes), default=0)
