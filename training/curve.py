"""The losses of a training as a picture.

A single loss says little: it is that of a random clip at a random noise level. What can be read
is the running mean.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from ..motion.plot import FAINT, STRONG, TICKS, Chart, ticks

TENTH = 10  # of the steps is what is averaged
OUTLIERS = 2  # percent of the losses at either end that the vertical axis need not show


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
    """An IMAGE, [1, H, W, 3] in 0 to 1, with single losses faint and their mean strong."""
    values, mean = np.asarray(losses, dtype=np.float64), running_mean(losses)
    steps = range(1, len(values) + 1)
    marks = _step_ticks(len(values))
    title = f"Loss: {ends(values.tolist())}"
    chart = Chart(title, "step", (1, max(2, len(values))), _range(values, mean), marks)
    chart.line(steps, values.tolist(), FAINT)
    chart.line(steps, mean.tolist(), STRONG, 3)
    return chart.image()


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
