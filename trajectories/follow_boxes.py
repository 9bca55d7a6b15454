"""The boxes of paths on a grid: how far each cell is inside, how near to the path, and which boxes
it is in. A grid can be of the whole picture or of a part of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .trajectory import Trajectory


class View(NamedTuple):
    """A part of the picture in shares of it."""

    left: float = 0.0
    top: float = 0.0
    width: float = 1.0
    height: float = 1.0


WHOLE = View()
HALF = 0.5 - 1e-9


def inside(trajectory: Trajectory, height: int, width: int, view: View = WHOLE) -> np.ndarray:
    """[F, N, height, width] in 0..1: which share of a cell is in the box, or, of a box that is
    smaller than a cell, which share of the box is in the cell. A path that moves by a part of a
    cell moves here too."""
    across = _shares(trajectory, 0, width, view.left, view.width)
    down = _shares(trajectory, 1, height, view.top, view.height)
    return down[..., None] * across[..., None, :] * there(trajectory)[..., None, None]


def there(trajectory: Trajectory) -> np.ndarray:
    """[F, N], whether a path is visible and its box in the picture."""
    return trajectory.box_edges()[..., 2] > 0


def _shares(
    trajectory: Trajectory, axis: int, count: int, begin: float, length: float
) -> np.ndarray:
    """[F, N, count], along one axis."""
    half = trajectory.boxes[:, axis, None] / 2  # [N, 1]
    middle = trajectory.points[..., axis, None]  # [F, N, 1]
    cell = length / count
    first = begin + np.arange(count) * cell
    shared = np.minimum(middle + half, first + cell) - np.maximum(middle - half, first)
    return shared.clip(0) / np.minimum(cell, 2 * half)


def nearness(trajectory: Trajectory, height: int, width: int, view: View = WHOLE) -> np.ndarray:
    """[F, N, height, width], a Gaussian about each path: 1 at its place, sigma half of its box, or
    of a cell where that is larger."""
    across = _bell(trajectory, 0, width, view.left, view.width)
    down = _bell(trajectory, 1, height, view.top, view.height)
    return down[..., None] * across[..., None, :]


def _bell(trajectory: Trajectory, axis: int, count: int, begin: float, length: float) -> np.ndarray:
    cell = length / count
    sigma = np.maximum(trajectory.boxes[:, axis, None], cell) / 2
    middles = begin + (np.arange(count) + 0.5) * cell
    return np.exp(-(((middles - trajectory.points[..., axis, None]) / sigma) ** 2) / 2)


def labels(trajectory: Trajectory, height: int, width: int, view: View = WHOLE) -> np.ndarray:
    """[F, height, width], int64: one number for every set of boxes that a cell can be in; 0 is in
    none. A cell is in a box that has half of it, or that has half of itself there, in height and in
    width. Paths beyond the 62nd share one bit."""
    across = _shares(trajectory, 0, width, view.left, view.width) > HALF
    down = _shares(trajectory, 1, height, view.top, view.height) > HALF
    shown = there(trajectory)
    found = np.zeros((len(trajectory), height, width), dtype=np.int64)
    for path in range(trajectory.paths):
        cells = down[:, path, :, None] & across[:, path, None] & shown[:, path, None, None]
        found |= np.where(cells, 1 << min(path, 62), 0)
    return found
