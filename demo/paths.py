"""Paths that a shape is asked to follow, by kind and seed, and how well clips followed them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch
from animatediff_native.trajectories.trajectory import Trajectory

from . import world
from .track import Track

MARGIN = world.RADIUS[1] + 2  # pixels from the picture's edge, so that every shape stays inside
BOX = 28.0  # pixels, the side of a path's box: the largest shape
SHORTEST, LONGEST = 32.0, 45.0  # pixels from the first place to the last of a straight path
RIGHT = 0.7  # cosine from which a direction counts as right
ENDS = 3  # frames at each end whose mean place is where a clip begins or ends, as in Track
FINE = 512  # points of a curve, of which some are taken at even distances


class Kind(str, Enum):
    """Shapes of paths."""

    STRAIGHT = "straight"
    CURVED = "curved"
    STOPPING = "stopping"  # goes straight until half time, then stands
    CROSSING = "crossing"  # a loop: it crosses itself


def asked_path(kind: Kind, seed: int, frames: int = world.FRAMES, box: float = BOX) -> Trajectory:
    """One path, at even speed, in which a shape of any size stays in the picture.

    box: pixels, the side of the path's box.
    """
    rng = np.random.default_rng([list(Kind).index(kind), seed])
    curve = _CURVES[kind](rng)
    going = (frames + 1) // 2 if kind is Kind.STOPPING else frames
    places = _evenly(curve, going)
    places = np.concatenate([places, np.repeat(places[-1:], frames - going, axis=0)])
    return Trajectory(
        places[:, None] / world.SIZE,
        np.ones((frames, 1), dtype=bool),
        np.full((1, 2), box / world.SIZE),
        world.SIZE,
        world.SIZE,
    )


def asked_paths(
    kind: Kind, count: int, first_seed: int = 0, frames: int = world.FRAMES, box: float = BOX
) -> list[Trajectory]:
    return [asked_path(kind, first_seed + i, frames, box) for i in range(count)]


def _straight(rng: np.random.Generator) -> np.ndarray:
    while True:
        begin, end = rng.uniform(MARGIN, world.SIZE - MARGIN, (2, 2))
        if SHORTEST <= np.linalg.norm(end - begin) <= LONGEST:
            return begin + np.linspace(0, 1, FINE)[:, None] * (end - begin)


def _curved(rng: np.random.Generator) -> np.ndarray:
    """A parabola over a chord of 24 to 36 pixels, 8 to 14 pixels high."""
    time = np.linspace(0, 1, FINE)[:, None]
    while True:
        begin, end = rng.uniform(MARGIN, world.SIZE - MARGIN, (2, 2))
        chord = end - begin
        length = np.linalg.norm(chord)
        height = rng.uniform(8, 14) * rng.choice([-1, 1])
        if not 24 <= length <= 36:
            continue
        side = np.array([-chord[1], chord[0]]) / length
        curve = begin + time * chord + 4 * height * time * (1 - time) * side
        if _inside(curve):
            return curve


def _crossing(rng: np.random.Generator) -> np.ndarray:
    """The nodal cubic (a (1 - t^2), t - t^3), turned, as large as fits: it crosses itself where
    t = -1 and t = 1, and ends as far apart as its loop is wide."""
    t = np.linspace(-1.3, 1.3, FINE)
    curve = np.stack([1 - t**2, t - t**3], axis=1)
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    curve = curve @ turn
    low, high = curve.min(0), curve.max(0)
    return (curve - (low + high) / 2) * (world.SIZE - 2 * MARGIN) / (high - low).max() + (
        world.SIZE / 2
    )


_CURVES: dict[Kind, Callable[[np.random.Generator], np.ndarray]] = {
    Kind.STRAIGHT: _straight,
    Kind.CURVED: _curved,
    Kind.STOPPING: _straight,
    Kind.CROSSING: _crossing,
}


def _inside(curve: np.ndarray) -> bool:
    return bool((curve >= MARGIN).all() and (curve <= world.SIZE - MARGIN).all())


def _evenly(curve: np.ndarray, count: int) -> np.ndarray:
    """[count, 2], points of a curve at even distances along it."""
    steps = np.linalg.norm(np.diff(curve, axis=0), axis=1)
    way = np.concatenate([[0.0], np.cumsum(steps)])
    along = np.linspace(0, way[-1], count)
    return np.stack([np.interp(along, way, curve[:, axis]) for axis in range(2)], axis=1)


@dataclass(frozen=True)
class Followed:
    """How well clips followed their paths. N clips of F frames; frames without a shape count in
    nothing but `lost`.

    error: pixels from the place asked for, of every frame that shows a shape.
    cosine: [N], between the way made and the way asked for, from the first frames to the last;
    0 where a clip has no shape there. made: [N], the way made along the one asked for, of that.
    lost: frames without a shape; frames: of all clips.
    """

    error: torch.Tensor
    cosine: torch.Tensor
    made: torch.Tensor
    lost: int
    frames: int

    @property
    def mean(self) -> float:
        return self.error.mean().item()

    @property
    def median(self) -> float:
        return self.error.median().item()

    @property
    def right(self) -> float:
        """Share of the clips that go in the right direction."""
        return (self.cosine > RIGHT).float().mean().item()

    @property
    def said_lost(self) -> str:
        return f"; {self.lost} of {self.frames} frames without a shape" if self.lost else ""

    def __str__(self) -> str:
        return (
            f"{self.mean:.1f} / {self.median:.1f} px; {100 * self.right:.0f} %; "
            f"{self.made.median():.2f}{self.said_lost}"
        )


def followed(clips: torch.Tensor, asked: Sequence[Trajectory]) -> Followed:
    """clips: [N, F, 3, SIZE, SIZE] of one shape; asked: a path for each, of F frames."""
    track = Track(clips)
    there = track.found.present.unflatten(0, clips.shape[:2])
    wanted = torch.stack([torch.from_numpy(path.pixels[:, 0]).float() for path in asked])
    away = (track.place - wanted).norm(dim=2)
    way, of = (_way(places, there) for places in (track.place, wanted))
    length = of.norm(dim=1)
    return Followed(
        away[there],
        torch.nn.functional.cosine_similarity(way, of, dim=1),
        (way * of).sum(1) / length**2,
        int((~there).sum()),
        there.numel(),
    )


def _way(places: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """[N, 2], from the mean of the first frames to that of the last ones, of those with a shape;
    0 where one end has none."""
    ends = []
    for end in (slice(None, ENDS), slice(-ENDS, None)):
        shown = there[:, end, None]
        ends.append((places[:, end] * shown).sum(1) / shown.sum(1).clamp(min=1))
    both = there[:, :ENDS].any(1) & there[:, -ENDS:].any(1)
    return torch.where(both[:, None], ends[1] - ends[0], torch.zeros(()))
