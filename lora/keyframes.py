"""Numbers along a clip, written as text: `0: 0.0, 8: 1.0` ramps from frame 0 to frame 8."""

import math
import re

from ..motion.errors import AnimateDiffError
from ..motion.keyed_text import Entry, NoEntry, by_commas, frame_number, quote

EXPECTED = "frame: value, separated by commas or lines, such as 0: 0.0, 15: 1.0"
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)")


def read_keyframes(text: str) -> dict[int, float]:
    """Value by frame, the frames ascending."""
    found: dict[int, float] = {}
    try:
        for entry in by_commas(text):
            frame, value = _read(entry)
            if frame in found:
                raise _wrong(entry.line, entry.raw, "names a frame a second time")
            found[frame] = value
    except NoEntry as problem:
        raise _wrong(problem.line, problem.raw, "is no keyframe") from problem
    if not found:
        raise AnimateDiffError("there are no keyframes.", EXPECTED, "write at least one.")
    return dict(sorted(found.items()))


def _read(entry: Entry) -> tuple[int, float]:
    frame = frame_number(entry.at)
    value = float(entry.value) if _NUMBER.fullmatch(entry.value) else math.nan
    if frame is None or frame < 0 or not math.isfinite(value):
        raise _wrong(entry.line, entry.raw, "is no keyframe")
    return frame, value


def _wrong(line: int, raw: str, problem: str) -> AnimateDiffError:
    return AnimateDiffError(f"line {line}: {quote(raw)} {problem}.", EXPECTED, "correct the text.")


def values_along(keyframes: dict[int, float], frames: int) -> list[float]:
    """One value per frame: linear between keyframes, held before the first and after the last."""
    last = max(keyframes)
    if last >= frames:
        raise AnimateDiffError(
            f"there is a keyframe for frame {last} in a clip of {frames} frames.",
            f"frames 0 to {frames - 1}",
            "correct the keyframes, or set frames to the batch_size of the latent.",
        )
    return [_value_at(keyframes, frame) for frame in range(frames)]


def _value_at(keyframes: dict[int, float], frame: int) -> float:
    before = max((f for f in keyframes if f <= frame), default=None)
    after = min((f for f in keyframes if f >= frame), default=None)
    if before is None or after is None or before == after:
        return keyframes[after if before is None else before]  # type: ignore[index]
    part = (frame - before) / (after - before)
    return keyframes[before] * (1 - part) + keyframes[after] * part
