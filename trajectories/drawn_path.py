"""A path as it is drawn or written, before it has a place in every frame."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..motion.errors import AnimateDiffError

KEPT_POINTS = 2000  # of a path with more, evenly: a hand draws no finer
FARTHEST = 100.0  # pictures away from this one
_PLACE = re.compile(r"[\[(]?\s*([^\s,]+)(?:\s*,\s*|\s+)([^\s,]+?)\s*[\])]?\s*,?")


@dataclass(frozen=True, eq=False)
class DrawnPath:
    """points: [P, 2], at least one, shares of the picture; times: [P], when it is at each, as
    shares of the clip in ascending order, or None where nothing says that; visible: [P], or None
    where it is everywhere."""

    points: np.ndarray
    times: np.ndarray | None = None
    visible: np.ndarray | None = None

    def thinned(self) -> DrawnPath:
        """With as many points as are of use, the first and the last among them."""
        count = len(self.points)
        if count <= KEPT_POINTS:
            return self
        kept = np.rint(np.linspace(0, count - 1, KEPT_POINTS)).astype(int)

        def of(values: Any) -> Any:
            return None if values is None else values[kept]

        return DrawnPath(self.points[kept], of(self.times), of(self.visible))


def in_samples(points: np.ndarray, visible: np.ndarray | None = None) -> DrawnPath:
    """A path of places at even times, the first at the clip's begin and the last at its end."""
    times = np.linspace(0, 1, len(points)) if len(points) > 1 else None
    return DrawnPath(points, times, visible)


def read_place(text: str) -> list[float]:
    """`0.2, 0.5`, in brackets or not; ValueError for what is no place."""
    found = _PLACE.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    numbers = [float(found[1]), float(found[2])]
    if not all(map(math.isfinite, numbers)):
        raise ValueError(text)
    return numbers


def require_near(points: np.ndarray, path: int) -> None:
    """AnimateDiffError for points, [P, 2] in shares, so far away that they are a mistake."""
    far = (abs(points) > FARTHEST).any(1)
    if far.any():
        point = int(far.argmax())
        x, y = points[point]
        raise AnimateDiffError(
            f"point {point + 1} of path {path} is {x:g}, {y:g} pictures away.",
            f"shares from 0 to 1, or outside of the picture by at most {FARTHEST:g} of them",
            "correct this point, and width and height where the points are pixels.",
        )
