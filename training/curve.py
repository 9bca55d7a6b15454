"""The losses of a training as a picture.

A single loss says little: it is that of a random clip at a random noise level. What can be read
is the running mean.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1024, 576  # of the result, in pixels
SMOOTH = 2  # as large is it drawn first, so that lines are smooth once it is made smaller
LEFT, TOP, RIGHT, BOTTOM = 84, 62, 28, 64  # margins around the axes
FONT_SIZE, TITLE_SIZE = 17, 20
PAPER, INK, GRID = (255, 255, 255), (60, 64, 72), (228, 230, 235)
FAINT, STRONG = (178, 203, 232), (28, 92, 168)
TENTH = 10  # of the steps is what is averaged
OUTLIERS = 2  # percent of the losses at either end that the vertical axis need not show
TICKS = 6


class Ends(NamedTuple):
    """Mean losses of as many steps at the beginning and at the end."""

    first: float
    last: float
    steps: int

    def __str__(self) -> str:
        means = f" (means of {self.steps} steps)" if self.steps > 1 else ""
        return f"{self.first:.4g} at first, {self.last:.4g} at last{means}"


def ends(losses: Sequence[float]) -> Ends:
    """What the loss was at first and at last."""
    steps = max(1, len(losses) // TENTH)
    return Ends(float(np.mean(losses[:steps])), float(np.mean(losses[-steps:])), steps)


def running_mean(losses: Sequence[float]) -> np.ndarray:
    """The mean of the steps around each step, half as many at both ends; [steps]."""
    values, reach = np.asarray(losses, dtype=np.float64), max(1, len(losses) // TENTH // 2)
    sums, at = np.concatenate([[0.0], values.cumsum()]), np.arange(len(values))
    begin, end = np.maximum(at - reach, 0), np.minimum(at + reach + 1, len(values))
    return (sums[end] - sums[begin]) / (end - begin)


def loss_curve(losses: Sequence[float]) -> torch.Tensor:
    """An IMAGE, [1, HEIGHT, WIDTH, 3] in 0 to 1, with single losses faint and their mean strong."""
    picture = Image.new("RGB", (WIDTH * SMOOTH, HEIGHT * SMOOTH), PAPER)
    _Plot(ImageDraw.Draw(picture), losses).draw()
    picture = picture.resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    return torch.from_numpy(np.array(picture, dtype=np.float32) / 255)[None]


def ticks(low: float, high: float) -> list[float]:
    """Round numbers between two others: multiples of 1, 2 or 5 times a power of ten."""
    apart = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(apart))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= apart * (1 - 1e-9))
    return [step * number for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


class _Plot:
    """One drawing; all lengths in the larger pixels that are drawn in."""

    def __init__(self, draw: ImageDraw.ImageDraw, losses: Sequence[float]):
        self.draw_on = draw
        self.losses = np.asarray(losses, dtype=np.float64)
        self.mean = running_mean(losses)
        self.low, self.high = _range(self.losses, self.mean)
        self.x0, self.x1 = LEFT * SMOOTH, (WIDTH - RIGHT) * SMOOTH
        self.y0, self.y1 = TOP * SMOOTH, (HEIGHT - BOTTOM) * SMOOTH
        self.font = ImageFont.load_default(FONT_SIZE * SMOOTH)
        self.title_font = ImageFont.load_default(TITLE_SIZE * SMOOTH)

    def draw(self) -> None:
        self._grid()
        self._line(self.losses, FAINT, SMOOTH)
        self._line(self.mean, STRONG, 3 * SMOOTH)
        self.draw_on.rectangle((self.x0, self.y0, self.x1, self.y1), outline=INK, width=SMOOTH)
        self._words()

    def _x(self, step: float) -> float:
        """Of a step, counted from 1."""
        return self.x0 + (self.x1 - self.x0) * (step - 1) / max(1, len(self.losses) - 1)

    def _y(self, loss: float) -> float:
        along = (loss - self.low) / (self.high - self.low)
        return self.y1 - (self.y1 - self.y0) * min(max(along, 0.0), 1.0)

    def _grid(self) -> None:
        gap = 8 * SMOOTH
        for loss in ticks(self.low, self.high):
            y = self._y(loss)
            self.draw_on.line((self.x0, y, self.x1, y), GRID, SMOOTH)
            self.draw_on.text((self.x0 - gap, y), f"{loss:.4g}", INK, self.font, anchor="rm")
        for step in _step_ticks(len(self.losses)):
            x = self._x(step)
            self.draw_on.line((x, self.y0, x, self.y1), GRID, SMOOTH)
            self.draw_on.text((x, self.y1 + gap), str(step), INK, self.font, anchor="mt")

    def _line(self, values: np.ndarray, colour: tuple[int, int, int], width: int) -> None:
        points = [(self._x(i + 1), self._y(value)) for i, value in enumerate(values)]
        if len(points) > 1:
            self.draw_on.line(points, colour, width, joint="curve")
        else:
            ((x, y),) = points
            self.draw_on.ellipse((x - width, y - width, x + width, y + width), colour)

    def _words(self) -> None:
        title = f"Loss: {ends(self.losses.tolist())}"
        middle = (self.x0 + self.x1) / 2
        self.draw_on.text((middle, TOP * SMOOTH / 2), title, INK, self.title_font, anchor="mm")
        below = (HEIGHT - 20) * SMOOTH
        self.draw_on.text((middle, below), "step", INK, self.font, anchor="mm")


def _range(losses: np.ndarray, mean: np.ndarray) -> tuple[float, float]:
    """What the vertical axis shows: all of the mean, and the losses but for outliers."""
    low, high = np.percentile(losses, [OUTLIERS, 100 - OUTLIERS])
    low, high = min(low, mean.min()), max(high, mean.max())
    room = 0.05 * (high - low) or max(abs(high), 1e-6) * 0.1
    return max(0.0, float(low - room)), float(high + room)


def _step_ticks(steps: int) -> list[int]:
    """Whole numbers, the first step among them."""
    if steps <= TICKS:
        return list(range(1, steps + 1))
    return [1, *(round(step) for step in ticks(1, steps) if step >= steps / TICKS / 2)]
