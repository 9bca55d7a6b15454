"""Numbers along a clip, written as text: `0: 0.0, 8: 1.0` ramps from frame 0 to frame 8."""

import re

from ..motion.errors import AnimateDiffError

EXPECTED = "frame: value, separated by commas or lines, such as 0: 0.0, 15: 1.0"
_ENTRY = re.compile(r"^(\d+)\s*:\s*([-+]?(?:\d+\.?\d*|\.\d+))$")


def read_keyframes(text: str) -> dict[int, float]:
    """Value by frame, the frames ascending."""
    found: dict[int, float] = {}
    for entry in filter(None, (part.strip() for part in re.split(r"[,\n]", text))):
        match = _ENTRY.match(entry)
        if match is None or int(match[1]) in found:
            problem = "is no keyframe" if match is None else "names a frame a second time"
            raise AnimateDiffError(f"'{entry}' {problem}.", EXPECTED, "correct the text.")
        found[int(match[1])] = float(match[2])
    if not found:
        raise AnimateDiffError("there are no keyframes.", EXPECTED, "write at least one.")
    return dict(sorted(found.items()))


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
