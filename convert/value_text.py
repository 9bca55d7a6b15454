"""Schedules of numbers: as the incumbent writes them, by frame, and as our nodes read them."""

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ..motion.keyed_text import frame_number, quote
from .prompt_text import Unreadable

MOST_VALUES = 100_000  # of Frame Strengths
TOLERANCE = 1e-6  # to which a straight line stands for numbers
_ENTRY = re.compile(
    r'\s*(?:"(?P<json>[\d:.\-]+)\s*"\s*:|(?P<at>[\d:.\-]+)\s*=)\s*(?P<value>[^,]+),?'
)
_PAIRS = ("()", "[]", "{}", '""', "''")


class Value(NamedTuple):
    """A number at a frame. hold: it stays until the next one, instead of changing into it."""

    frame: int
    number: float
    hold: bool = False


def their_values(text: str, frames: int) -> list[float]:
    """One number per frame, of `0 = 1.0, 16 = 1.3` or `"0": 1.0, "16": 1.3`. frames: for how many,
    0 for as many as it names. Frames -1 for the last, 0.5 for the middle, 8: to hold, 0:8 for a
    range without its end."""
    keys = [key for at, number in _entries(text) for key in _at(at, number, frames)]
    if not keys:
        raise Unreadable("it has no values")
    count = frames or max(key.frame for key in keys) + 1
    if count > MOST_VALUES:
        raise Unreadable(f"it has more than {MOST_VALUES} values")
    return _filled(keys, count)


def _entries(text: str) -> list[tuple[str, float]]:
    text = text.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1].strip()
    found, position = [], 0
    while position < len(text):
        entry = _ENTRY.match(text, position)
        number = _float(entry["value"]) if entry else None
        if entry is None or number is None:
            raise Unreadable(f"its values cannot be read at {quote(text[position:])}")
        found.append((entry["json"] or entry["at"], number))
        position = entry.end()
    return found


def _float(text: str) -> float | None:
    text = text.strip()
    while any(text.startswith(a) and text.endswith(b) and len(text) > 1 for a, b in _PAIRS):
        text = text[1:-1].strip()
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _at(where: str, number: float, frames: int) -> list[Value]:
    first, colon, end = where.partition(":")
    if not first or ":" in end:
        raise Unreadable(f"{quote(where)} is not a frame")
    if not end:
        frame = _frame(first, frames)
        if frame < 0:
            raise Unreadable(f"frame {first} lies before a clip of {frames} frames")
        return [Value(frame, number, bool(colon))]
    start, stop = sorted(max(0, _frame(part, frames)) for part in (first, end))
    if stop - start > MOST_VALUES:
        raise Unreadable(f"it has more than {MOST_VALUES} values")
    return [Value(frame, number) for frame in range(start, stop if stop > start else start + 1)]


def _frame(text: str, frames: int) -> int:
    frame = frame_number(text)
    if frame is not None and frame >= 0:
        return frame
    share = _float(text) if frame is None and "." in text else None
    if frame is None and (share is None or not 0 <= share <= 1):
        raise Unreadable(f"{quote(text)} is not a frame")
    if not frames:
        raise Unreadable(f"frame {text} counts from a length, which it does not have")
    if frame is not None:
        return frames + frame
    return frames - 1 if math.isclose(share or 0.0, 1.0) else int((share or 0.0) * frames)


def _filled(keys: list[Value], count: int) -> list[float]:
    """Keys are in the order of the text, each drawn over what was before it."""
    numbers: list[float | None] = [None] * count

    def put(frames: range, number: float) -> None:
        for frame in frames[: max(0, count - frames.start)]:
            numbers[frame] = number

    put(range(keys[0].frame + 1), keys[0].number)
    for before, key in pairwise(keys):
        if before.hold and key.frame != before.frame + 1:
            put(range(before.frame + 1, key.frame), before.number)
        elif key.frame != before.frame + 1:
            _draw_line(numbers, *sorted((before, key)))
        again = key.frame == before.frame and not before.hold  # a line of one frame has its start
        put(range(key.frame, key.frame + 1), before.number if again else key.number)
    for frame in range(1, count):
        if numbers[frame] is None:
            numbers[frame] = numbers[frame - 1]
    return [number or 0.0 for number in numbers]


def _draw_line(numbers: list[float | None], start: Value, end: Value) -> None:
    for frame in range(start.frame, min(end.frame + 1, len(numbers))):
        part = (frame - start.frame) / max(1, end.frame - start.frame)
        numbers[frame] = start.number * (1 - part) + end.number * part


def fitted(numbers: Sequence[float], frames: int) -> list[float]:
    """As many as a clip has frames, as the incumbent makes them: the last one goes on."""
    return [*numbers[:frames], *[numbers[-1]] * (frames - len(numbers))]


def our_keyframes(numbers: Sequence[float]) -> str:
    """Keyframes of as few straight lines as give these numbers, one per frame."""
    at = [0]
    while at[-1] < len(numbers) - 1:
        at.append(_line_from(numbers, at[-1]))
    while len(at) > 1 and _close(numbers[at[-1]], numbers[at[-2]]):
        at.pop()  # it stays the same behind the last keyframe
    return ", ".join(f"{frame}: {shown(numbers[frame])}" for frame in at)


def _line_from(numbers: Sequence[float], start: int) -> int:
    """The last frame of the straight line that begins at one."""
    slope = numbers[start + 1] - numbers[start]
    end = start + 1
    while end + 1 < len(numbers) and _close(
        numbers[end + 1], numbers[start] + slope * (end + 1 - start)
    ):
        end += 1
    return end


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= TOLERANCE * max(1.0, abs(a))


def our_steps(values: Sequence[tuple[float, float]]) -> str:
    """Keyframes at percents of the sampling, each number held until the next one."""
    kept = [pair for i, pair in enumerate(values) if not i or pair[1] != values[i - 1][1]]
    written = [f"{shown(percent)}: {shown(number)} hold" for percent, number in kept]
    return ", ".join(written).removesuffix(" hold")


def shown(number: float) -> str:
    """A number as our nodes read one, without an exponent."""
    text = f"{number:.9g}"
    return f"{number:.12f}".rstrip("0").rstrip(".") if "e" in text else text
