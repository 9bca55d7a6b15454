"""Poses of the incumbent's camera, computed as its nodes do, and as moves where they are such.

A pose is [R | T], from the world to the camera, in rows of 4 numbers. A move of speed 1 goes 1.5
units, or turns by 60 degrees, in 16 frames. Poses behind others begin where these end, and the
first of them stands still there.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

WAY, ANGLE, FRAMES = 1.5, math.pi / 3, 16
MOST_FRAMES, MOST_MOVES = 4096, 12  # that are read of a file; that are written as nodes
FASTEST = 10.0  # of Camera Path
MIDDLE = (0.5, 0.5)
# Their names: ours, then translation and rotation about x, y, z, each times way and angle
MOVES = {
    "Static": ("still", (0, 0, 0), (0, 0, 0)),
    "Pan Up": ("pan up", (0, 1, 0), (0, 0, 0)),
    "Pan Down": ("pan down", (0, -1, 0), (0, 0, 0)),
    "Pan Left": ("pan left", (1, 0, 0), (0, 0, 0)),
    "Pan Right": ("pan right", (-1, 0, 0), (0, 0, 0)),
    "Zoom In": ("zoom in", (0, 0, -2), (0, 0, 0)),
    "Zoom Out": ("zoom out", (0, 0, 2), (0, 0, 0)),
    "Roll Clockwise": ("roll clockwise", (0, 0, 0), (0, 0, -1)),
    "Roll Anticlockwise": ("roll anticlockwise", (0, 0, 0), (0, 0, 1)),
    "Tilt Down": ("tilt down", (0, 0, 0), (1, 0, 0)),
    "Tilt Up": ("tilt up", (0, 0, 0), (-1, 0, 0)),
    "Tilt Left": ("tilt left", (0, 0, 0), (0, 1, 0)),
    "Tilt Right": ("tilt right", (0, 0, 0), (0, -1, 0)),
}
STILL = "still"
Rows = tuple[tuple[float, ...], ...]  # of a matrix


class Lens(NamedTuple):
    """Shares of the picture's width and height."""

    fx: float = 0.474812461
    fy: float = 0.844111024
    cx: float = 0.5
    cy: float = 0.5


class Pose(NamedTuple):
    """rt: 3 rows of 4; size: width and height of the picture that the lens is of."""

    rt: Rows
    lens: Lens = Lens()
    size: tuple[float, float] = (1280, 720)


class Move(NamedTuple):
    """One Camera Path; after: what was there before, else at the same time."""

    name: str
    speed: float
    frames: int
    after: bool = False


@dataclass(frozen=True)
class Poses:
    """moves: as which Camera Paths give the same poses, with one lens; None where none do."""

    poses: tuple[Pose, ...]
    moves: tuple[Move, ...] | None = None

    def with_lens(self, lens: Lens) -> "Poses":
        return replace(self, poses=tuple(pose._replace(lens=lens) for pose in self.poses))

    def with_size(self, width: float, height: float) -> "Poses":
        size = (width, height)
        return replace(self, poses=tuple(pose._replace(size=size) for pose in self.poses))

    @property
    def one_lens(self) -> Lens | None:
        """That of all poses, where Camera Path can have it."""
        lens = self.poses[0].lens
        alike = all(pose.lens == lens for pose in self.poses)
        return lens if alike and lens[2:] == MIDDLE else None

    @property
    def text(self) -> str:
        """As in files of RealEstate10K: a line about their origin, then one for each pose."""
        lines = (_line(pose) for pose in self.poses)
        return "\n".join(("poses of AnimateDiff-Evolved", *lines))


def _line(pose: Pose) -> str:
    numbers = (0, *pose.lens, 0, 0, *(number for row in pose.rt for number in row))
    return " ".join(f"{number + 0.0:.10g}" for number in numbers)


def moved(parts: Sequence[tuple[str, float]], speed: float, frames: int) -> Poses:
    """Moves with their strengths, all at once. Their translations and angles are summed."""
    way = [sum(MOVES[name][1][axis] * strength for name, strength in parts) for axis in range(3)]
    turn = [sum(MOVES[name][2][axis] * strength for name, strength in parts) for axis in range(3)]
    poses = []
    for frame in range(frames):
        share = frame / FRAMES * speed
        rotation = _turned([share * ANGLE * angle for angle in turn])
        rows = zip(rotation, [share * WAY * step for step in way], strict=True)
        poses.append(Pose(tuple((*row, step) for row, step in rows)))
    return Poses(tuple(poses), _moves(parts, speed, frames))


def _moves(
    parts: Sequence[tuple[str, float]], speed: float, frames: int
) -> tuple[Move, ...] | None:
    """The same, one Camera Path after the other; each is of the camera that those before turned.
    So turns come first: about x, then y, then z."""
    acting = [(name, strength) for name, strength in parts if strength and any(_axes(name))]
    ordered = sorted(acting, key=lambda part: _order(part[0]))
    found = tuple(Move(MOVES[name][0], speed * by, frames) for name, by in ordered)
    if any(abs(move.speed) > FASTEST for move in found):
        return None
    return found or (Move(STILL, 1.0, frames),)


def _axes(name: str) -> tuple[int, ...]:
    return (*MOVES[name][1], *MOVES[name][2])


def _order(name: str) -> int:
    turn = MOVES[name][2]
    return next((axis for axis in range(3) if turn[axis]), len(turn))


def joined(first: Poses, then: Poses) -> Poses:
    """The second behind the first: each of its poses is one of the camera where that ended."""
    last = first.poses[-1].rt
    turned = (pose._replace(rt=_product(pose.rt, last)) for pose in then.poses)
    return Poses((*first.poses, *turned), _moves_behind(first.moves, then.moves))


def _moves_behind(
    first: tuple[Move, ...] | None, then: tuple[Move, ...] | None
) -> tuple[Move, ...] | None:
    """Camera Path goes on at once: a frame that stands still comes between."""
    if first is None or then is None:
        return None
    if len(then) > 1 and not all(move.after for move in then[1:]):
        return None  # several at once are so for the whole path
    behind: list[Move] = []
    for number, move in enumerate(then):
        rest = move.frames if number else move.frames - 1
        behind += [] if number else [Move(STILL, 1.0, 1, True)]
        behind += [move._replace(frames=rest, after=True)] if rest else []
    return (*first, *behind) if len(first) + len(behind) <= MOST_MOVES else None


def _product(second: Rows, first: Rows) -> Rows:
    """The second [R | T] after the first."""
    return tuple(tuple(_entries(row, first)) for row in second)


def _entries(row: Sequence[float], first: Rows) -> Iterator[float]:
    for column in range(4):
        moved_on = row[3] if column == 3 else 0.0
        yield sum(row[k] * first[k][column] for k in range(3)) + moved_on


def _turned(angles: Sequence[float]) -> Rows:
    """Rz Ry Rx."""
    (cx, cy, cz), (sx, sy, sz) = map(math.cos, angles), map(math.sin, angles)
    return (
        (cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx),
        (sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx),
        (-sy, cy * sx, cy * cx),
    )
