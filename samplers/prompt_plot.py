"""Which prompt when, as a picture: a bar per prompt along the frames, as strong as its share."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from ..motion.plot import FONT_SIZE, GRID, INK, PAPER, TITLE_SIZE, WIDTH, Colour, whole_ticks
from .prompt_schedule import Blend, PromptKey

COLOURS: tuple[Colour, ...] = (
    (28, 92, 168), (200, 92, 30), (46, 132, 74), (152, 66, 150), (176, 44, 60), (20, 132, 140),
    (128, 108, 24), (92, 84, 180),
)  # fmt: skip
MOST_ROWS = 14
LONGEST_LABEL = 56  # characters
SIDE, TOP, BOTTOM = 28, 68, 96  # margins, in pixels
LABEL, BAR, GAP = 40, 26, 14  # heights of a row's parts


def plot_prompts(
    keys: Sequence[PromptKey],
    between: Sequence[Blend],
    first: int,
    compounds: bool = False,
) -> torch.Tensor:
    """An IMAGE, [1, H, W, 3]. between: of the frames from `first` on."""
    shares = _shares(len(keys), between, compounds)
    rows = [number for number in range(len(keys)) if shares[number].any()]
    shown = rows[:MOST_ROWS]
    height = TOP + len(shown) * (LABEL + BAR + GAP) + BOTTOM
    picture = np.full((height, WIDTH, 3), PAPER, dtype=np.float32)
    columns = np.arange(WIDTH - 2 * SIDE) * len(between) // (WIDTH - 2 * SIDE)
    for row, number in enumerate(shown):
        top = _top(row) + LABEL
        colour = np.array(COLOURS[number % len(COLOURS)], dtype=np.float32)
        share = shares[number][columns][None, :, None]
        picture[top : top + BAR, SIDE:-SIDE] = GRID * (1 - share) + colour * share
    image = Image.fromarray(picture.round().astype(np.uint8))
    _write(ImageDraw.Draw(image), [keys[number] for number in shown], len(rows) - len(shown))
    _axis(ImageDraw.Draw(image), height, first, len(between))
    return torch.from_numpy(np.array(image, dtype=np.float32) / 255)[None]


def _shares(keys: int, between: Sequence[Blend], compounds: bool) -> np.ndarray:
    """[K, F]: how much of a frame each key has."""
    found = np.zeros((keys, len(between)), dtype=np.float32)
    left = 1.0
    for frame, (before, after, share) in enumerate(between):
        left = left * (1 - share) if compounds and share else 1 - share
        found[before, frame] += left
        found[after, frame] += 1 - left
    return found


def _top(row: int) -> int:
    return TOP + row * (LABEL + BAR + GAP)


def _write(draw: ImageDraw.ImageDraw, keys: Sequence[PromptKey], more: int) -> None:
    font, large = ImageFont.load_default(FONT_SIZE), ImageFont.load_default(TITLE_SIZE)
    title = "Prompts by frame" + (f" (and {more} more)" if more else "")
    draw.text((WIDTH / 2, TOP / 2), title, INK, large, anchor="mm")
    for row, key in enumerate(keys):
        words = "".join(filter(_has_shape, key.prompt)).split()
        label = f"{key.frame}: {' '.join(words)}"
        if len(label) > LONGEST_LABEL:
            label = f"{label[:LONGEST_LABEL]}..."
        draw.text((SIDE, _top(row)), label, INK, font)


def _has_shape(character: str) -> bool:
    """Whether the font of the pictures has it; the rest is in the text beside."""
    return character <= "\u024f" or character in "–—‘’“”…"


def _axis(draw: ImageDraw.ImageDraw, height: int, first: int, frames: int) -> None:
    font = ImageFont.load_default(FONT_SIZE)
    line = height - BOTTOM + 4
    draw.line((SIDE, line, WIDTH - SIDE, line), INK)
    for mark in whole_ticks(first, frames):
        x = SIDE + (mark - first + 0.5) * (WIDTH - 2 * SIDE) / frames
        draw.line((x, line, x, line + 6), INK)
        draw.text((x, line + 10), str(mark), INK, font, anchor="mt")
    draw.text((WIDTH / 2, height - 24), "frame", INK, font, anchor="mm")
