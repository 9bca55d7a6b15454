"""What several of the pictures have in common."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from ..drawing import BLUE, FAINT, INK, ORANGE, PANEL, RAISED, Colour, Frame, Sheet

WIDTH = 360  # as wide as the column of the help, and drawn twice as dense
DENSE = 2
EDGE = 14
INNER = WIDTH - 2 * EDGE
PICKS = (
    *((88, 166, 255), (255, 166, 64), (92, 204, 128), (240, 110, 170)),
    *((245, 215, 60), (150, 130, 250), (70, 205, 215), (235, 95, 80)),
)


def sheet(height: int) -> Sheet:
    return Sheet(WIDTH, height, corner=12, dense=DENSE)


def chosen(clip: Sequence[Frame], count: int) -> list[Frame]:
    """Frames at even distances, the first and the last among them."""
    return [clip[round(at)] for at in np.linspace(0, len(clip) - 1, count)]


def film(
    on: Sheet,
    frames: Sequence[Frame],
    y: float,
    x: float = EDGE,
    width: float = INNER,
    gap: float = 4,
) -> float:
    """Frames in a row; the side of one."""
    side = (width - gap * (len(frames) - 1)) / len(frames)
    for number, frame in enumerate(frames):
        on.card(frame, x + number * (side + gap), y, side, 5)
    return side


def cells(
    on: Sheet, numbers: Sequence[int | str], y: float, colours: Sequence[Colour], x: float = EDGE,
    width: float = INNER, tall: float = 20, size: float = 10,
) -> None:  # fmt: skip
    """Numbered frames in a row."""
    step = width / len(numbers)
    for place, (number, colour) in enumerate(zip(numbers, colours, strict=True)):
        on.box(x + place * step + 0.7, y, step - 1.4, tall, colour, corner=3)
        on.text((x + (place + 0.5) * step, y + tall / 2), str(number), size, ink_on(colour))


def ink_on(colour: Colour) -> Colour:
    bright = 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]
    return (20, 22, 28) if bright > 120 else INK


def span(
    on: Sheet, first: float, last: float, frames: int, y: float, colour: Colour, tall: float = 10
) -> None:
    """A bar over frames first to last (included) of a clip that is as wide as the sheet."""
    step = INNER / frames
    on.box(EDGE + first * step + 1, y, (last - first + 1) * step - 2, tall, colour, corner=3)


def bar_of_frames(
    on: Sheet, frames: int, y: float, colour: Colour = RAISED, tall: float = 12
) -> None:
    """The clip: a small box per frame."""
    step = INNER / frames
    for number in range(frames):
        on.box(EDGE + number * step + 0.6, y, step - 1.2, tall, colour, corner=2)


def axis(on: Sheet, frames: int, y: float, every: int) -> None:
    """Numbers of frames under a clip."""
    step = INNER / frames
    for number in [*range(0, frames - every // 2, every), frames - 1]:
        on.text((EDGE + (number + 0.5) * step, y), str(number), 10, FAINT)


def plot(on: Sheet, y: float, tall: float, *several: tuple[Sequence[float], Colour]) -> None:
    """Curves of 0 to 1 over the frames, in a box; 1 and 0 stand at its left."""
    on.box(EDGE, y, INNER, tall, PANEL, corner=6)
    on.line([(EDGE, y + 8), (EDGE + INNER, y + 8)], RAISED, 1)
    for values, colour in several:
        on.curve(values, EDGE, y + 8, INNER, tall - 14, colour)


def noise(seed: int, size: int = 12, grey: bool = False) -> Frame:
    """A piece of noise as a picture."""
    drawn = torch.randn(size, size, 1 if grey else 3, generator=torch.Generator().manual_seed(seed))
    return as_frame(drawn.expand(-1, -1, 3))


def as_frame(numbers: torch.Tensor) -> Frame:
    """Numbers around 0, [H, W, 3], as a picture of blocks."""
    pixels = (128 + 52 * numbers).clamp(0, 255).byte().numpy()
    return np.kron(pixels, np.ones((8, 8, 1), dtype=np.uint8))


def file_icon(
    on: Sheet, x: float, y: float, name: str = "", colour: Colour = ORANGE, tall: float = 46
) -> None:
    """A sheet with a folded corner, and its name under it."""
    wide, fold = 0.78 * tall, 0.26 * tall
    on.polygon(
        [(x, y), (x + wide - fold, y), (x + wide, y + fold), (x + wide, y + tall), (x, y + tall)],
        colour,
    )
    on.polygon(
        [(x + wide - fold, y), (x + wide, y + fold), (x + wide - fold, y + fold)],
        (255, 255, 255, 150),
    )
    for line in range(3):
        level = y + tall * (0.48 + 0.16 * line)
        on.line([(x + 0.18 * wide, level), (x + 0.82 * wide, level)], (20, 22, 28, 150), 2)
    if name:
        on.text((x + wide / 2, y + tall + 11), name, 10, FAINT)


def chip(
    on: Sheet,
    x: float,
    y: float,
    said: str,
    colour: Colour = BLUE,
    wide: float = 0,
    size: float = 12,
) -> float:
    """A word in a box that begins at x, around y; its width."""
    wide = wide or 7.0 * len(said) * size / 12 + 14
    on.box(x, y - size, wide, 2 * size, colour, corner=size * 0.6)
    on.text((x + wide / 2, y), said, size, ink_on(colour))
    return wide


def shaded(frame: Frame, mask: np.ndarray, least: float = 0.35) -> Frame:
    """A frame, darker where the mask [H, W] of 0 to 1 is 0."""
    large = Image.fromarray((mask * 255).astype(np.uint8)).resize((frame.shape[1], frame.shape[0]))
    factor = least + (1 - least) * np.asarray(large)[..., None] / 255
    return (frame * factor).astype(np.uint8)
