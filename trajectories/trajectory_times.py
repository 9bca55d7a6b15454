"""From points to a place in every frame: the curve through them, and when it is where.

Smooth is a Catmull-Rom spline in its centripetal form (Yuksel, Schaefer and Keyser 2011), which
goes through every point and makes no loops between two near ones. Its knots are the square roots of
the points' distances in pixels; behind the ends a point goes on as far as the last one came, so
that two points are a straight line.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np

from ..motion.clip_part import ClipPart
from .drawn_path import DrawnPath
from .trajectory import Trajectory

# in how many steps a curve is measured: between two points, and all of it
FINEST, MOST_STEPS = 2048, 65_536


class Interpolation(str, Enum):
    """How a path goes from point to point."""

    SMOOTH = "smooth"
    LINEAR = "linear"


class Timing(str, Enum):
    """When it is where."""

    AS_DRAWN = "as drawn"
    EVEN = "even"
    EASE = "ease"


def trajectory_of(
    paths: Sequence[DrawnPath],
    part: ClipPart,
    size: tuple[int, int],
    box: float,
    how: Interpolation = Interpolation.SMOOTH,
    timing: Timing = Timing.AS_DRAWN,
) -> Trajectory:
    """size: width and height of the picture, pixels; box: the side of the square box around each
    path, as a share of the picture's shorter side."""
    found = [along(path, part, size, how, timing) for path in paths]
    points = np.zeros((part.frames, len(paths), 2))
    visible = np.ones((part.frames, len(paths)), dtype=bool)
    for number, (places, seen) in enumerate(found):
        points[:, number], visible[:, number] = places, seen
    box_shares = box * min(size) / np.array(size, dtype=float)
    return Trajectory(points, visible, np.tile(box_shares, (len(paths), 1)), *size)


def along(
    path: DrawnPath, part: ClipPart, size: tuple[int, int], how: Interpolation, timing: Timing
) -> tuple[np.ndarray, np.ndarray]:
    """Places [F, 2] in a part's frames, and [F] whether the path is visible there."""
    curve = Curve(path.points * size, how)
    clip = np.array(part.of_the_whole) / max(part.whole - 1, 1)  # 0 is its first frame, 1 its last
    if timing is Timing.AS_DRAWN and path.times is not None:
        marks, at = path.times, clip
    else:
        shares = clip * clip * (3 - 2 * clip) if timing is Timing.EASE else clip
        marks, at = curve.ways, shares * curve.ways[-1]
    near = np.rint(np.interp(at, marks, np.arange(len(marks)))).astype(int)
    visible = np.ones(len(at), dtype=bool) if path.visible is None else path.visible[near]
    return curve.at(np.interp(at, marks, curve.ways)) / size, visible


class Curve:
    """A curve through points, [P, 2] in pixels. ways: [P], how far along the curve each is."""

    def __init__(self, points: np.ndarray, how: Interpolation):
        apart = np.linalg.norm(np.diff(points, axis=0), axis=1) > 0
        which = np.concatenate(([0], np.cumsum(apart)))  # points in one place are one
        self._points = points[np.concatenate(([True], apart))]
        self._smooth = how is Interpolation.SMOOTH and len(self._points) > 2
        pieces = len(self._points) - 1
        steps = max(1, min(FINEST, MOST_STEPS // pieces)) if self._smooth else 1
        self._places = np.arange(pieces * steps + 1) / steps
        along = self.place(self._places)
        steps_far = np.linalg.norm(np.diff(along, axis=0), axis=1)
        self._ways = np.concatenate(([0.0], np.cumsum(steps_far)))
        self.ways = self._ways[which * steps]

    def at(self, ways: np.ndarray) -> np.ndarray:
        """[F, 2]: where the curve is, so far along it."""
        return self.place(np.interp(ways, self._ways, self._places))

    def place(self, places: np.ndarray) -> np.ndarray:
        """[F, 2], at places counted in points: 1.5 is between the second and the third."""
        last = len(self._points) - 1
        if last == 0:
            return np.repeat(self._points, len(places), axis=0)
        piece = np.clip(places.astype(int), 0, last - 1)
        share = (places - piece)[:, None]
        begin, end = self._points[piece], self._points[piece + 1]
        if not self._smooth:
            return begin + share * (end - begin)
        leave, arrive = (slopes[piece] for slopes in self._slopes())
        square, cube = share**2, share**3
        return (
            (2 * cube - 3 * square + 1) * begin
            + (cube - 2 * square + share) * leave
            + (3 * square - 2 * cube) * end
            + (cube - square) * arrive
        )

    def _slopes(self) -> tuple[np.ndarray, np.ndarray]:
        """[P - 1, 2] each, of every piece in its own length: at its begin, and at its end."""
        points = self._points
        around = np.concatenate(
            ([2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]])
        )
        ways = np.diff(around, axis=0)  # [P + 1, 2]
        knots = np.linalg.norm(ways, axis=1, keepdims=True) ** 0.5
        before, own, after = knots[:-2], knots[1:-1], knots[2:]
        speed = ways / knots
        both_before = (ways[:-2] + ways[1:-1]) / (before + own)
        both_after = (ways[1:-1] + ways[2:]) / (own + after)
        leave = speed[:-2] - both_before + speed[1:-1]
        arrive = speed[1:-1] - both_after + speed[2:]
        return own * leave, own * arrive
