"""Numbers written as text at frames of a clip, or at percents of the sampling.

`0: 0.0, 8: 1.0` ramps from frame 0 to frame 8; `0: 1.0 hold, 8: 0.5` steps there.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .errors import AnimateDiffError
from .keyed_text import Entry, NoEntry, by_commas, frame_number, quote

EXPECTED = "frame: value, separated by commas or lines, such as 0: 0.0, 15: 1.0"
EXPECTED_STEPS = "percent: value, percents from 0 to 1, such as 0: 1.0, 0.5: 0.3"
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)")
_HOLD = re.compile(r"\s+hold$", re.IGNORECASE)


class Keyframe(NamedTuple):
    """hold: the value stays until the next keyframe, instead of going there in a straight line."""

    at: float
    value: float
    hold: bool = False


Keyframes = tuple[Keyframe, ...]  # at least one, ascending


def read_keyframes(text: str) -> Keyframes:
    """Keyframes at frames; AnimateDiffError for any other text."""
    return _read_all(text, _frame, "names a frame a second time", EXPECTED)


def read_step_keyframes(text: str) -> Keyframes:
    """Keyframes at percents of the sampling, 0 to 1; AnimateDiffError for any other text."""
    return _read_all(text, _percent, "names a percent a second time", EXPECTED_STEPS)


def _read_all(
    text: str, key: Callable[[str], float | None], twice: str, expected: str
) -> Keyframes:
    found: dict[float, Keyframe] = {}
    try:
        for entry in by_commas(text):
            at, value = key(entry.at), _HOLD.sub("", entry.value)
            if at is None or not is_number(value):
                raise _wrong(entry, "is no keyframe", expected)
            if at in found:
                raise _wrong(entry, twice, expected)
            found[at] = Keyframe(at, float(value), value != entry.value)
    except NoEntry as problem:
        raise _wrong(problem, "is no keyframe", expected) from problem
    if not found:
        raise AnimateDiffError("there are no keyframes.", expected, "write at least one.")
    return tuple(sorted(found.values()))


def _frame(at: str) -> float | None:
    frame = frame_number(at)
    return None if frame is None or frame < 0 else frame


def _percent(at: str) -> float | None:
    return float(at) if is_number(at) and 0 <= float(at) <= 1 else None


def is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and math.isfinite(float(text))


def _wrong(where: Entry | NoEntry, problem: str, expected: str) -> AnimateDiffError:
    given = f"line {where.line}: {quote(where.raw)} {problem}."
    return AnimateDiffError(given, expected, "correct the text.")


def values_along(keyframes: Sequence[Keyframe], frames: int) -> list[float]:
    """One value per frame: linear between keyframes, held before the first and after the last."""
    last = int(keyframes[-1].at)
    if last >= frames:
        raise AnimateDiffError(
            f"there is a keyframe for frame {last} in a clip of {frames} frames.",
            f"frames 0 to {frames - 1}",
            "correct the keyframes, or make the clip longer: batch_size of the latent, and frames "
            "of a node that has it.",
        )
    return [value_at(keyframes, frame) for frame in range(frames)]


def value_at(keyframes: Sequence[Keyframe], position: float) -> float:
    """The value at a frame or percent."""
    before = next((key for key in reversed(keyframes) if key.at <= position), None)
    after = next((key for key in keyframes if key.at > position), None)
    if before is None or after is None or before.hold or before.at == position:
        return (before or after).value  # type: ignore[union-attr]
    part = (position - before.at) / (after.at - before.at)
    return before.value * (1 - part) + after.value * part
