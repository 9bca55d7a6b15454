"""A chart as a picture: axes with round numbers, and lines."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1024, 576  # of the result, in pixels
SMOOTH = 2  # as large is it drawn first, so that lines are smooth once it is made smaller
LEFT, TOP, RIGHT, BOTTOM = 116, 76, 36, 96  # margins around the axes
FONT_SIZE, TITLE_SIZE = 30, 32  # 10 pixels and more on a node, which is a third as wide
PAPER, INK, GRID = (255, 255, 255), (60, 64, 72), (228, 230, 235)
FAINT, STRONG = (178, 203, 232), (28, 92, 168)
TICKS = 6
DOT = 5  # half the width of a point, in pixels

Colour = tuple[int, int, int]


def ticks(low: float, high: float) -> list[float]:
    """Round numbers between two others: multiples of 1, 2 or 5 times a power of ten."""
    apart = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(apart))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= apart * (1 - 1e-9))
    return [step * number for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def whole_ticks(first: int, frames: int) -> list[int]:
    """Numbers of frames among so many."""
    found = sorted({round(mark) for mark in ticks(first, first + max(frames, 2))})
    return [mark for mark in found if first <= mark < first + frames]


class Chart:
    """One drawing; all lengths in the larger pixels that are drawn in.

    across, up: the least and the greatest value that the axes show; marks: where the horizontal
    axis has numbers.
    """

    def __init__(
        self,
        title: str,
        below: str,
        across: tuple[float, float],
        up: tuple[float, float],
        marks: Sequence[float],
    ):
        self._picture = Image.new("RGB", (WIDTH * SMOOTH, HEIGHT * SMOOTH), PAPER)
        self._on = ImageDraw.Draw(self._picture)
        self._across, self._up = across, up
        self._x0, self._x1 = LEFT * SMOOTH, (WIDTH - RIGHT) * SMOOTH
        self._y0, self._y1 = TOP * SMOOTH, (HEIGHT - BOTTOM) * SMOOTH
        self._font = ImageFont.load_default(FONT_SIZE * SMOOTH)
        self._grid(marks)
        self._words(title, below)

    def line(
        self, xs: Sequence[float], ys: Sequence[float], colour: Colour, width: int = 1
    ) -> None:
        """A line through points, or the one point that there is."""
        points = [(self._x(x), self._y(y)) for x, y in zip(xs, ys, strict=True)]
        if len(points) > 1:
            self._on.line(points, colour, width * SMOOTH, joint="curve")
        else:
            self._dot(*points[0], colour, width * SMOOTH)

    def dots(self, xs: Sequence[float], ys: Sequence[float], colour: Colour) -> None:
        for x, y in zip(xs, ys, strict=True):
            self._dot(self._x(x), self._y(y), colour, DOT * SMOOTH)

    def image(self) -> torch.Tensor:
        """An IMAGE, [1, HEIGHT, WIDTH, 3] in 0 to 1."""
        self._on.rectangle((self._x0, self._y0, self._x1, self._y1), outline=INK, width=SMOOTH)
        picture = self._picture.resize((WIDTH, HEIGHT), Image.Resampling.BOX)
        return torch.from_numpy(np.array(picture, dtype=np.float32) / 255)[None]

    def _x(self, value: float) -> float:
        low, high = self._across
        return self._x0 + (self._x1 - self._x0) * (value - low) / (high - low or 1)

    def _y(self, value: float) -> float:
        low, high = self._up
        along = (value - low) / (high - low)
        return self._y1 - (self._y1 - self._y0) * min(max(along, 0.0), 1.0)

    def _dot(self, x: float, y: float, colour: Colour, radius: float) -> None:
        self._on.ellipse((x - radius, y - radius, x + radius, y + radius), colour)

    def _grid(self, marks: Sequence[float]) -> None:
        gap = 10 * SMOOTH
        for value in ticks(*self._up):
            y = self._y(value)
            self._on.line((self._x0, y, self._x1, y), GRID, SMOOTH)
            self._on.text((self._x0 - gap, y), f"{value:.4g}", INK, self._font, anchor="rm")
        for mark in marks:
            x = self._x(mark)
            self._on.line((x, self._y0, x, self._y1), GRID, SMOOTH)
            self._on.text((x, self._y1 + gap), f"{mark:g}", INK, self._font, anchor="mt")

    def _words(self, title: str, below: str) -> None:
        large = ImageFont.load_default(TITLE_SIZE * SMOOTH)
        middle = (self._x0 + self._x1) / 2
        self._on.text((middle, TOP * SMOOTH / 2), title, INK, large, anchor="mm")
        place = middle, (HEIGHT - 26) * SMOOTH
        self._on.text(place, below, INK, self._font, anchor="mm")
