"""Paths through a clip: where each of some things is asked to be, frame by frame."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..motion.errors import counted

log = logging.getLogger("animatediff_native")


@dataclass(frozen=True, eq=False)
class Trajectory:
    """points: [F, N, 2], x and y of N paths in F frames, as shares of the picture's width and
    height; outside of 0 to 1 they have left it. visible: [F, N], whether anything is asked of a
    path in a frame. boxes: [N, 2], width and height of what follows each path, as shares too.
    width, height: of the picture in pixels."""

    points: np.ndarray
    visible: np.ndarray
    boxes: np.ndarray
    width: int
    height: int

    def __len__(self) -> int:
        return len(self.points)

    @property
    def paths(self) -> int:
        return self.points.shape[1]

    @property
    def pixels(self) -> np.ndarray:
        """[F, N, 2], the points in pixels of the picture."""
        return self.points * (self.width, self.height)

    def at(self, frames: Sequence[int]) -> Trajectory:
        """These frames of the clip; behind the end the last place is held."""
        numbers = np.minimum(np.asarray(frames, dtype=int), len(self) - 1)
        return replace(self, points=self.points[numbers], visible=self.visible[numbers])

    def only(self, path: int) -> Trajectory:
        """One of the paths alone."""
        own = slice(path, path + 1)
        return replace(
            self,
            points=self.points[:, own],
            visible=self.visible[:, own],
            boxes=self.boxes[own],
        )

    def with_paths_of(self, other: Trajectory) -> Trajectory:
        """The other's paths behind these; of two lengths the shorter one holds its last place."""
        frames = range(max(len(self), len(other)))
        mine, theirs = self.at(frames), other.at(frames)
        return replace(
            self,
            points=np.concatenate([mine.points, theirs.points], axis=1),
            visible=np.concatenate([mine.visible, theirs.visible], axis=1),
            boxes=np.concatenate([mine.boxes, theirs.boxes]),
        )

    def box_edges(self) -> np.ndarray:
        """[F, N, 4]: left, top, right and bottom as shares, within the picture; all 0 where there
        is none: a path that is not visible, or a box that is outside."""
        half = self.boxes / 2
        edges = np.concatenate([self.points - half, self.points + half], axis=2).clip(0, 1)
        there = self.visible & (edges[..., 2] > edges[..., 0]) & (edges[..., 3] > edges[..., 1])
        return np.where(there[..., None], edges, 0.0)

    def cells(self, height: int, width: int) -> np.ndarray:
        """[F, N, height, width], which cells of a grid over the picture are in each box.

        A box has as many cells in every frame, as near to its size as whole cells are and at least
        one, of which those in the picture are told.
        """
        across, down = (
            self._along(axis, count) for axis, count in enumerate((width, height))
        )  # [F, N, count]
        return down[..., None] & across[..., None, :]

    def _along(self, axis: int, count: int) -> np.ndarray:
        first = self.first_cells(axis, count)[..., None]
        number = np.arange(count)
        there = (self.box_edges()[..., 2] > 0)[..., None]
        return there & (number >= first) & (number < first + self._sides(axis, count)[:, None])

    def first_cells(self, axis: int, count: int) -> np.ndarray:
        """[F, N], the first cell of each box along an axis (0: width) of a grid with so many;
        outside of the picture too."""
        side = self._sides(axis, count)
        return np.rint(self.points[..., axis] * count - side / 2).astype(int)

    def _sides(self, axis: int, count: int) -> np.ndarray:
        """[N], cells."""
        return np.maximum(1, np.rint(self.boxes[:, axis] * count))

    def warn_if_short(self, frames: int, unit: str = "place") -> None:
        """For a clip of so many frames. unit: of what it has too few."""
        if len(self) < frames:
            log.warning(
                "AnimateDiff: the trajectory has %s for a clip of %s: the last place is held. Set "
                "frames of Trajectory to the clip's length.",
                counted(len(self), unit),
                counted(frames, "frame"),
            )
