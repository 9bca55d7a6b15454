"""Paths as flow: for every pixel of every frame, how what is there is to move.

Zhang et al., "Tora" (arXiv 2407.21705), section 3.3, and alibaba/Tora: where a path was a frame
ago stands how far it has come since, and a Gaussian of peak 1 spreads that over the pixels around.
Two things are not as there. Nothing is rounded to whole pixels but the place that is written to,
or slow paths would stand still; and the flow is not divided by the clip's largest one, as its
colour wheel does, which says nothing of the speed.
"""

from __future__ import annotations

import numpy as np

from .trajectory import Trajectory

CANVAS, SIGMA, KERNEL = 256, 10.0, 99  # Tora's, in pixels of its canvas
SCALE = 32.0  # the flow of a path that crosses the picture in 32 frames is 1


def path_flow(trajectory: Trajectory, height: int, width: int) -> np.ndarray:
    """[F, height, width, 2] in fp32: u and v, the way since the frame before in shares of the
    picture's shorter side, times SCALE. The first frame has none.

    A path says something where it can be seen in both frames and was in the picture. Beyond the
    picture's edges there is nothing: they do not mirror what is near.
    """
    side = min(height, width)
    points = trajectory.points * (width, height)  # [F, N, 2], pixels
    way = np.diff(points, axis=0) * (SCALE / side)
    seen = trajectory.visible[1:] & trajectory.visible[:-1]
    pixel = np.floor(points[:-1])
    seen &= ((pixel >= 0) & (pixel < (width, height))).all(axis=2)
    way = np.where(seen[..., None], way, 0.0).astype(np.float32)
    across, down = (
        _bell(pixel[..., axis], count, side) for axis, count in enumerate((width, height))
    )
    flow = np.zeros((len(points), height, width, 2), np.float32)
    for axis in range(2):  # the Gaussian is one of x times one of y
        moved = way[..., axis, None] * down  # [F - 1, N, height]
        flow[1:, ..., axis] = moved.transpose(0, 2, 1) @ across
    return flow


def kernel_of(side: int) -> tuple[int, float]:
    """Pixels that the Gaussian reaches to each side, and its deviation in pixels, for a picture
    whose shorter side this is."""
    return max(1, round(KERNEL // 2 * side / CANVAS)), SIGMA * side / CANVAS


def _bell(middle: np.ndarray, count: int, side: int) -> np.ndarray:
    """[..., count], a Gaussian around pixels of an axis; middle: [...]."""
    reach, sigma = kernel_of(side)
    apart = np.arange(count) - middle[..., None]
    bell = np.exp(-0.5 * (apart / sigma) ** 2)
    return np.where(np.abs(apart) <= reach, bell, 0.0).astype(np.float32)
