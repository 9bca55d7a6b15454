"""How alike each frame is to PIA's picture: the values of its mask channel.

Zhang et al., "PIA", CVPR 2024. The tables are the statistics of open-mmlab/PIA's
`animatediff/utils/util.py`, there numbers 0 to 8.
"""

from collections.abc import Sequence
from enum import Enum


class PiaMotion(str, Enum):
    """Choices of the node. style: for a checkpoint of another style than the picture's."""

    SMALL = "small motion"
    MEDIUM = "medium motion"
    LARGE = "large motion"
    LOOP_SMALL = "loop - small"
    LOOP_MEDIUM = "loop - medium"
    LOOP_LARGE = "loop - large"
    STYLE_SMALL = "style - small"
    STYLE_MEDIUM = "style - medium"
    STYLE_LARGE = "style - large"


_BY_DISTANCE = {  # from the picture's frame; further frames have the last value
    PiaMotion.SMALL: (1.0, 0.9, 0.85, 0.85, 0.85, 0.8),
    PiaMotion.MEDIUM: (1.0, 0.8, 0.8, 0.8, 0.79, 0.78, 0.75),
    PiaMotion.LARGE: (1.0, 0.8, *(0.7,) * 8, 0.6, 0.5, 0.5),
    PiaMotion.STYLE_SMALL: (0.5, 0.4, 0.4, 0.4, 0.35, 0.3),
    PiaMotion.STYLE_MEDIUM: (0.5, 0.4, 0.4, 0.4, 0.35, 0.35, 0.3, 0.25, 0.2),
    PiaMotion.STYLE_LARGE: (0.5, 0.2),
}
_LOOPS = {  # of 16 frames
    PiaMotion.LOOP_SMALL: (1.0, 0.9, *(0.85,) * 3, *(0.8,) * 7, 0.85, 0.85, 0.9, 1.0),
    PiaMotion.LOOP_MEDIUM: (1.0, *(0.8,) * 3, 0.79, 0.78, *(0.75,) * 5, 0.78, 0.79, 0.8, 0.8, 1.0),
    PiaMotion.LOOP_LARGE: (1.0, 0.8, *(0.7,) * 4, 0.6, 0.5, 0.5, 0.6, *(0.7,) * 4, 0.8, 1.0),
}


def pia_mask(motion: PiaMotion, frames: int, image_frame: int = 0) -> list[float]:
    """A value per frame of a clip; image_frame: which of them, from 0, is the picture."""
    along = _loop(motion, frames) if motion in _LOOPS else _BY_DISTANCE[motion]
    return [_held(along, abs(frame - image_frame)) for frame in range(frames)]


def _loop(motion: PiaMotion, frames: int) -> Sequence[float]:
    """As published for 16 frames; else its first half, held or cut, and the same backwards."""
    published = _LOOPS[motion]
    if frames == len(published):
        return published
    half = published[: len(published) // 2]
    return [_held(half, min(frame, frames - 1 - frame)) for frame in range(frames)]


def _held(values: Sequence[float], index: int) -> float:
    return values[min(index, len(values) - 1)]
