"""Picture of frames that deep levels share."""

from collections.abc import Callable

from animatediff_native.motion.frame_sharing import FrameSharing
from PIL import Image

from ..drawing import FAINT, INK
from . import parts
from .parts import EDGE, INNER, PICKS

FRAMES, TALL = 16, 30
SHARING = FrameSharing(4, 2)


def shared_frames() -> Image.Image:
    """Which frames each level of the UNet computes, and which frames have them."""
    on = parts.sheet(4 * TALL + 62)
    on.text((EDGE, 18), "levels 2", 13, INK, "lm", bold=True)
    step = INNER / FRAMES
    for level in range(SHARING.levels):
        y, stride = 36 + level * TALL, SHARING.stride(level)
        for first in range(0, FRAMES, stride):
            wide = stride * step - 1.4
            colour = PICKS[(first // 4) % 4]
            on.box(EDGE + first * step + 0.7, y, wide, TALL - 8, colour, corner=3)
            middle = (EDGE + (first + stride / 2) * step, y + TALL / 2 - 4)
            on.text(middle, str(first), 10, parts.ink_on(colour))
    on.text((EDGE, 4 * TALL + 46), "64 x 64 at the top, 8 x 8 below", 11, FAINT, "lm")
    return on.image()


PICTURES: dict[str, Callable[[], Image.Image]] = {"ADN_SpaceTime": shared_frames}
