"""A schedule as a picture, on the node and as an output."""

from collections.abc import Sequence
from typing import Any

import torch
from comfy_api.latest import ui

from ..motion.keyframes import Keyframes, value_at
from ..motion.plot import STRONG, TICKS, Chart, ticks

PERCENTS = [percent / 100 for percent in range(101)]  # of a sampling, that a plot shows
MOST_DOTS = 64  # on a line: more would be a thick line
MOST_POINTS = 2048  # without a line


def plot(
    values: Sequence[float],
    title: str,
    along: str = "frame",
    xs: Sequence[float] | None = None,
    first: int = 0,
    line: bool = True,
) -> torch.Tensor:
    """An IMAGE, [1, H, W, 3]: values over the frames, the first of them of this number, or over
    xs."""
    places = list(range(first, first + len(values)) if xs is None else xs)
    across = places[0], places[-1] if len(places) > 1 else places[0] + 1
    chart = Chart(title, along, across, _range(values), _marks(*across, whole=xs is None))
    if line:
        chart.line(places, values, STRONG, 3)
    if not line or len(places) <= MOST_DOTS:
        thin = -(-len(places) // MOST_POINTS)
        chart.dots(places[::thin], values[::thin], STRONG)
    return chart.image()


def plot_steps(steps: Keyframes, times: float, title: str) -> torch.Tensor:
    """An IMAGE of values at percents of the sampling, each multiplied."""
    values = [times * value_at(steps, percent) for percent in PERCENTS]
    return plot(values, title, "how far the sampling is", PERCENTS)


def on_node(picture: torch.Tensor, node) -> ui.PreviewImage:
    """What shows the picture on a node."""
    return ui.PreviewImage(picture, cls=node)


def curve_on_node(values: Sequence[float], title: str, node) -> Any:
    """The same of a curve; none where there is one number for all frames."""
    return on_node(plot(values, title), node) if len(values) > 1 else None


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(*values, 0.0), max(*values, 0.0)
    room = 0.05 * (high - low) or 1.0
    return low - (room if low < 0 else 0.0), high + room


def _marks(low: float, high: float, whole: bool) -> list[float]:
    if whole and high - low <= TICKS:
        return list(range(int(low), int(high) + 1))
    return ticks(low, high)
