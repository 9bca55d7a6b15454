"""A trajectory as pictures: its paths with their boxes and a moving dot, and the boxes as masks.

On the dark ground a disc fills every box, and the paths are faint: what moves there is as large as
what is meant to, so that the pictures show its motion to a model too (see reference_motion.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageOps

from .trajectory import Trajectory

GROUND = (24, 26, 31)
COLOURS = (
    (255, 196, 61), (84, 190, 255), (255, 112, 112), (126, 221, 130),
    (201, 145, 255), (255, 158, 92), (94, 226, 212), (255, 138, 200),
)  # fmt: skip
FINE = 1024  # pixels: sides up to here are drawn in double size first, so that lines are smooth
LINE, DOT = 1 / 160, 1 / 48  # shares of the shorter side: width of a path, radius of a dot
OPAQUE, FAINT, BOX_LINE, BOX_INSIDE = 255, 70, 200, 36
FAR_OUT = 4.0  # pictures: lines end there
MOST_MARKS = 64  # a dot per frame on a path: more would be a thick line

Colour = tuple[int, int, int]


def preview(trajectory: Trajectory, images: torch.Tensor | None = None) -> torch.Tensor:
    """[F, height, width, 3] in 0..1. images: [1 or F, H, W, 3 or more], behind it; they are cropped
    around the middle. Without them the ground is dark."""
    drawing = _Drawing(trajectory, discs=images is None)
    frames = torch.empty(len(trajectory), trajectory.height, trajectory.width, 3)
    behind = None
    for frame in range(len(trajectory)):
        if behind is None or (images is not None and len(images) > 1):
            behind = drawing.ground(None if images is None else images[frame])
        shown = Image.alpha_composite(behind, drawing.frame(frame)).convert("RGB")
        frames[frame] = torch.from_numpy(np.asarray(shown, dtype=np.float32) / 255)
    return frames


class _Drawing:
    """discs: whether a disc fills every box, and all else is faint."""

    def __init__(self, trajectory: Trajectory, discs: bool):
        self._discs = discs
        width, height = trajectory.width, trajectory.height
        self._fine = 2 if max(width, height) <= FINE else 1
        self._size = width, height
        self._canvas = width * self._fine, height * self._fine
        self._line = max(1, round(min(self._canvas) * LINE))
        self._dot = max(2.0, min(self._canvas) * DOT)
        self._mark = 1.2 * self._line
        self._trajectory = trajectory
        self._edges = trajectory.box_edges()
        self._points = trajectory.points.clip(-FAR_OUT, FAR_OUT) * self._canvas
        self._paths = self._drawn_paths()

    def ground(self, image: torch.Tensor | None) -> Image.Image:
        if image is None:
            return Image.new("RGBA", self._size, GROUND)
        pixels = (image[..., :3].float().clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
        pixels = np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels
        picture = Image.fromarray(np.ascontiguousarray(pixels))
        return ImageOps.fit(picture, self._size, Image.Resampling.LANCZOS).convert("RGBA")

    def frame(self, frame: int) -> Image.Image:
        """What lies over the ground."""
        picture = self._paths.copy()
        boxes = Image.new("RGBA", self._canvas)
        on, over = ImageDraw.Draw(boxes), ImageDraw.Draw(picture)
        for path in range(self._trajectory.paths):
            colour = colour_of(path)
            if self._edges[frame, path, 2] > 0:
                self._box(on, frame, path, colour)
            if self._trajectory.visible[frame, path] and not self._discs:
                self._circle(over, self._points[frame, path], self._dot, colour, self._line)
        return Image.alpha_composite(boxes, picture).resize(self._size, Image.Resampling.BOX)

    def _box(self, on: ImageDraw.ImageDraw, frame: int, path: int, colour: Colour) -> None:
        if self._discs:  # round about its middle also where the box is cut at the picture's edge
            half = self._trajectory.boxes[path] * self._canvas / 2
            middle = self._points[frame, path]
            on.ellipse((*(middle - half), *(middle + half)), (*colour, OPAQUE))
            return
        edges = tuple(self._edges[frame, path] * (*self._canvas, *self._canvas))
        on.rectangle(edges, (*colour, BOX_INSIDE), (*colour, BOX_LINE), self._line)

    def _drawn_paths(self) -> Image.Image:
        picture = Image.new("RGBA", self._canvas)
        on = ImageDraw.Draw(picture)
        for path in range(self._trajectory.paths):
            points, colour = self._points[:, path], colour_of(path)
            if len(points) > 1:
                flat = [tuple(point) for point in points]
                opaque = FAINT if self._discs else OPAQUE
                on.line(flat, (*colour, opaque), self._line, joint="curve")
            for point in points if len(points) <= MOST_MARKS and not self._discs else ():
                self._circle(on, point, self._mark, colour, 0)
        return picture

    def _circle(
        self, on: ImageDraw.ImageDraw, at: Sequence[float], radius: float, colour: Colour, edge: int
    ) -> None:
        x, y = at
        around = (x - radius, y - radius, x + radius, y + radius)
        on.ellipse(around, (*colour, OPAQUE), (*GROUND, OPAQUE), edge)


def colour_of(path: int) -> Colour:
    return COLOURS[path % len(COLOURS)]


def box_masks(trajectory: Trajectory) -> torch.Tensor:
    """[F, height, width], 1 inside of any path's box; a box in the picture has a pixel at least."""
    masks = torch.zeros(len(trajectory), trajectory.height, trajectory.width)
    sides = np.array((trajectory.width, trajectory.height) * 2)
    for mask, edges in zip(masks, trajectory.box_edges(), strict=True):
        for left, top, right, bottom in edges * sides:
            if right > left:
                mask[_pixels(top, bottom), _pixels(left, right)] = 1
    return masks


def _pixels(first: float, last: float) -> slice:
    """Those whose middles lie between, or the one that both are in."""
    begin = min(round(first), math.ceil(last) - 1)
    return slice(begin, max(begin + 1, round(last)))
