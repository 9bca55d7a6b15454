"""Camera motions made by crops along time, for training a MotionLoRA from clips that need not move
(Guo et al., "AnimateDiff", ICLR 2024, section 4.3: rule-based data augmentation)."""

import math
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F

ZOOM = 1.5  # by which a zoom's content grows or shrinks along the clip
PAN_SIDE = 0.7  # of the picture's side is what a pan shows at a time
ROLL = math.radians(30)  # that a roll turns along the clip
SAMPLES = 2  # per target pixel and direction; with one, sharpness pulses as pixels meet or miss


class Augmentation(str, Enum):
    """What the camera does; for a roll, which way the content turns."""

    NONE = "none"
    ZOOM_IN = "zoom in"
    ZOOM_OUT = "zoom out"
    PAN_LEFT = "pan left"
    PAN_RIGHT = "pan right"
    PAN_UP = "pan up"
    PAN_DOWN = "pan down"
    ROLL_CLOCKWISE = "roll clockwise"
    ROLL_COUNTER_CLOCKWISE = "roll counter-clockwise"


class Window(NamedTuple):
    """The part of the picture that a frame shows, the picture being the largest centred part of
    the target's aspect ratio.

    side: of the picture's; x, y: its centre, from -1 at the left or top edge to 1; turn: of the
    content, in radians clockwise.
    """

    side: float = 1.0
    x: float = 0.0
    y: float = 0.0
    turn: float = 0.0


def _pan(along: float) -> float:
    """The centre of a pan's window: right or bottom edge at 0, left or top edge at 1."""
    return (1 - PAN_SIDE) * (1 - 2 * along)


# By the time along the clip, 0 to 1. The sides of rolls come after, from all their turns.
_PATHS: dict[Augmentation, Callable[[float], Window]] = {
    Augmentation.ZOOM_IN: lambda t: Window(ZOOM**-t),
    Augmentation.ZOOM_OUT: lambda t: Window(ZOOM ** (t - 1)),
    Augmentation.PAN_LEFT: lambda t: Window(PAN_SIDE, x=_pan(t)),
    Augmentation.PAN_RIGHT: lambda t: Window(PAN_SIDE, x=_pan(1 - t)),
    Augmentation.PAN_UP: lambda t: Window(PAN_SIDE, y=_pan(t)),
    Augmentation.PAN_DOWN: lambda t: Window(PAN_SIDE, y=_pan(1 - t)),
    Augmentation.ROLL_CLOCKWISE: lambda t: Window(turn=ROLL * (t - 0.5)),
    Augmentation.ROLL_COUNTER_CLOCKWISE: lambda t: Window(turn=ROLL * (0.5 - t)),
}

_FLIPS = (
    Augmentation.ZOOM_IN,
    Augmentation.ZOOM_OUT,
    Augmentation.PAN_UP,
    Augmentation.PAN_DOWN,
)


def flips(augmentation: Augmentation) -> bool:
    """Whether a clip flipped left to right shows the same camera motion.

    Not where nothing is added: the clip's own motion is to be learned, sides and all.
    """
    return augmentation in _FLIPS


def flipped(frames: torch.Tensor) -> torch.Tensor:
    """Left and right exchanged; frames: [F, H, W, 3]."""
    return frames.flip(2)


View = Callable[[torch.Tensor], torch.Tensor]  # of one frame


def views(
    augmentation: Augmentation, frames: int, width: int, height: int, still: bool = False
) -> list[View]:
    """How a camera in this motion sees each frame of a clip; still: one that stays in the middle
    of its path.

    Each takes [H, W, 3], numbers in 0 to 1 or bytes, and gives [height, width, 3] in 0 to 1: of a
    long or large clip, no more than a frame need be in memory at its own size.
    """
    if augmentation is Augmentation.NONE:
        return [lambda frame: _seen_whole(frame, width, height)] * frames
    path = _path(augmentation, frames, width / height, still)
    return [partial(_seen_through, window, width, height) for window in path]


def augmented(
    frames: torch.Tensor,
    augmentation: Augmentation,
    width: int,
    height: int,
    still: bool = False,
) -> torch.Tensor:
    """A clip as `views` has it; frames: [F, H, W, 3], result: [F, height, width, 3]."""
    each = views(augmentation, len(frames), width, height, still)
    return torch.stack([view(frame) for view, frame in zip(each, frames, strict=True)])


def _seen_whole(frame: torch.Tensor, width: int, height: int) -> torch.Tensor:
    return _finished(_resized(_cropped(_image(frame), width, height), height, width))


def _seen_through(window: Window, width: int, height: int, frame: torch.Tensor) -> torch.Tensor:
    return _finished(_seen(_image(frame), window, width, height))


def _image(frame: torch.Tensor) -> torch.Tensor:
    """[H, W, 3] to [1, 3, H, W] in 0 to 1."""
    image = frame.movedim(-1, 0)[None]
    return image / 255 if image.dtype == torch.uint8 else image.float()


def _finished(images: torch.Tensor) -> torch.Tensor:
    """[1, 3, H, W] to [H, W, 3]; bicubic kernels go a little beyond what they are given."""
    return images[0].clamp(0, 1).movedim(0, -1).contiguous()


def _cropped(images: torch.Tensor, width: int, height: int) -> torch.Tensor:
    """The largest centred part of about the target's aspect ratio, in whole pixels."""
    rows, columns = images.shape[2:]
    fit = min(columns / width, rows / height)
    down, across = max(1, round(height * fit)), max(1, round(width * fit))
    top, left = (rows - down) // 2, (columns - across) // 2
    return images[:, :, top : top + down, left : left + across]


def _resized(images: torch.Tensor, height: int, width: int) -> torch.Tensor:
    if images.shape[2:] == (height, width):
        return images
    return F.interpolate(
        images, (height, width), mode="bicubic", antialias=True, align_corners=False
    )


def _path(augmentation: Augmentation, frames: int, aspect: float, still: bool) -> list[Window]:
    """A window per frame, evenly along the clip, or all in the middle."""
    at = _PATHS[augmentation]
    windows = [at(index / max(1, frames - 1)) for index in range(frames)]
    side = min(_largest_side(window.turn, aspect) for window in windows)
    if still:
        windows = [at(0.5)] * frames
    return [window._replace(side=window.side * side) for window in windows]


def _largest_side(turn: float, aspect: float) -> float:
    """The side, as a part of the picture's, at which no corner of a turned window leaves it."""
    cos, sin = abs(math.cos(turn)), abs(math.sin(turn))
    return min(aspect / (aspect * cos + sin), 1 / (aspect * sin + cos))


def _seen(image: torch.Tensor, window: Window, width: int, height: int) -> torch.Tensor:
    """One frame through its window; image: [1, 3, H, W], result: [1, 3, height, width].

    The frame is resized first to about the resolution that it is sampled in, so that nothing
    aliases.
    """
    rows, columns = image.shape[2:]
    fit = min(columns / width, rows / height)  # the frame's pixels per target pixel, side 1
    theta = _sampling(window, width * fit / columns, height * fit / rows, columns / rows)
    step = max(1.0, fit * window.side / SAMPLES)
    image = _resized(image, max(1, round(rows / step)), max(1, round(columns / step)))
    size = [1, 1, height * SAMPLES, width * SAMPLES]
    grid = F.affine_grid(theta.to(image), size, align_corners=False)
    seen = F.grid_sample(image, grid, "bicubic", padding_mode="border", align_corners=False)
    return _resized(seen, height, width)


def _sampling(window: Window, across: float, down: float, ratio: float) -> torch.Tensor:
    """Where in the frame the target's points lie, both from -1 to 1 between edges; [1, 2, 3].

    across, down: the picture's part of the frame's width and height; ratio: width by height.
    """
    cos, sin = math.cos(window.turn) * window.side, math.sin(window.turn) * window.side
    rows = [
        [across * cos, down * sin / ratio, across * window.x],
        [-across * sin * ratio, down * cos, down * window.y],
    ]
    return torch.tensor([rows])
