"""What the project's pictures are drawn with: cards with frames, bars, curves, arrows, few words.

Everything is drawn larger and made smaller at the end, so that edges are smooth. Lengths are those
of the sheet, which has `dense` pixels for each.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

LARGER = 2
GROUND, PANEL, RAISED = (23, 26, 32), (38, 43, 52), (62, 69, 82)
INK, FAINT = (238, 240, 244), (140, 148, 162)
BLUE, ORANGE, GREEN, PINK, YELLOW = (
    *((88, 166, 255), (255, 166, 64), (92, 204, 128), (240, 110, 170)),
    (245, 215, 60),
)
Colour = tuple[int, ...]
Point = tuple[float, float]
Frame = np.ndarray  # [height, width, 3], 8 bits


class Sheet:
    """One picture in the making."""

    def __init__(
        self, width: int, height: int, ground: Colour = GROUND, corner: float = 0, dense: int = 1
    ):
        self.width, self.height, self._dense = width, height, dense
        self._scale = LARGER * dense
        size = (width * self._scale, height * self._scale)
        self._picture = Image.new("RGB", size, ground)
        self._on = ImageDraw.Draw(self._picture, "RGBA")
        self._corner = corner

    def image(self) -> Image.Image:
        """RGB, or RGBA where the corners are round."""
        size = (self.width * self._dense, self.height * self._dense)
        small = self._picture.resize(size, Image.Resampling.BOX)
        if self._corner:
            small.putalpha(_rounded(size, self._corner * self._dense))
        return small

    def card(self, frame: Frame, x: float, y: float, side: float, corner: float = 8) -> None:
        """A frame with round corners."""
        large = (self._large(side), self._large(side))
        picture = Image.fromarray(frame).resize(large, Image.Resampling.LANCZOS)
        self._picture.paste(
            picture, (self._large(x), self._large(y)), _rounded(large, corner * self._scale)
        )
        self.box(x, y, side, side, None, (255, 255, 255, 46), corner, 1)

    def box(
        self, x: float, y: float, width: float, height: float, fill: Colour | None = None,
        outline: Colour | None = None, corner: float = 4, line: float = 1.5,
    ) -> None:  # fmt: skip
        place = [value * self._scale for value in (x, y, x + width, y + height)]
        self._on.rounded_rectangle(place, corner * self._scale, fill, outline, self._large(line))

    def line(self, points: Sequence[Point], colour: Colour, width: float = 2) -> None:
        scaled = [(x * self._scale, y * self._scale) for x, y in points]
        self._on.line(scaled, colour, self._large(width), joint="curve")

    def dot(self, x: float, y: float, radius: float, colour: Colour) -> None:
        self._on.ellipse(
            [v * self._scale for v in (x - radius, y - radius, x + radius, y + radius)], colour
        )

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        self._on.polygon([(x * self._scale, y * self._scale) for x, y in points], colour)

    def arrow(self, begin: Point, end: Point, colour: Colour = INK, width: float = 3) -> None:
        """Straight, with a filled head."""
        angle = math.atan2(end[1] - begin[1], end[0] - begin[0])
        head = 3.2 * width
        neck = (end[0] - head * math.cos(angle), end[1] - head * math.sin(angle))
        self.line([begin, neck], colour, width)
        self._head(end, angle, head, colour)

    def _head(self, tip: Point, angle: float, length: float, colour: Colour) -> None:
        back = [angle + math.pi + turn for turn in (0.5, -0.5)]
        sides = [
            (tip[0] + length * 1.15 * math.cos(a), tip[1] + length * 1.15 * math.sin(a))
            for a in back
        ]
        self.polygon([tip, *sides], colour)

    def round_arrow(
        self, x: float, y: float, radius: float, first: float, last: float,
        colour: Colour = INK, width: float = 3, high: float | None = None,
    ) -> None:  # fmt: skip
        """Along an ellipse, from one angle to another (degrees, clockwise from the right)."""
        high = radius if high is None else high
        angles = np.radians(np.linspace(first, last, 120))
        points = [(x + radius * math.cos(a), y + high * math.sin(a)) for a in angles]
        head = 3.2 * width
        neck = next(n for n in range(-2, -120, -1) if math.dist(points[n], points[-1]) > 0.8 * head)
        self.line(points[:neck], colour, width)
        (x0, y0), (x1, y1) = points[neck], points[-1]
        self._head(points[-1], math.atan2(y1 - y0, x1 - x0), head, colour)

    def text(
        self, at: Point, said: str, size: float = 16, colour: Colour = INK, anchor: str = "mm",
        bold: bool = False,
    ) -> None:  # fmt: skip
        place = (at[0] * self._scale, at[1] * self._scale)
        heavy = self._large(size / 42) if bold else 0
        self._on.text(
            place, said, colour, font(size * self._scale), anchor=anchor, stroke_width=heavy
        )

    def times(self, x: float, y: float, size: float = 10, colour: Colour = INK) -> None:
        """A multiplication sign, which the font lacks."""
        half = size / 2
        for way in (1, -1):
            self.line([(x - half, y - way * half), (x + half, y + way * half)], colour, size / 6)

    def curve(
        self, values: Sequence[float] | np.ndarray, x: float, y: float, width: float, height: float,
        colour: Colour = BLUE, line: float = 2.5, filled: bool = True,
    ) -> None:  # fmt: skip
        """Values of 0 to 1 from left to right, in a box."""
        xs = np.linspace(x, x + width, len(values))
        points = [(px, y + height * (1 - v)) for px, v in zip(xs, values, strict=True)]
        if filled:
            self.polygon([(x, y + height), *points, (x + width, y + height)], (*colour[:3], 60))
        self.line(points, colour, line)

    def dashes(
        self, points: Sequence[Point], colour: Colour, width: float = 2, dash: float = 6
    ) -> None:
        for begin, end in pairwise(points):
            length = math.dist(begin, end)
            steps = max(1, round(length / dash))
            for k in range(0, steps, 2):
                ends = [
                    tuple(
                        b + (e - b) * min(t, steps) / steps for b, e in zip(begin, end, strict=True)
                    )
                    for t in (k, k + 1)
                ]
                self.line(ends, colour, width)  # type: ignore[arg-type]

    def paste(self, picture: Image.Image, x: float, y: float) -> None:
        """A picture that is there already, at its own size."""
        size = (self._large(picture.width), self._large(picture.height))
        large = picture.resize(size, Image.Resampling.LANCZOS)
        self._picture.paste(
            large, (self._large(x), self._large(y)), large if large.mode == "RGBA" else None
        )

    def _large(self, length: float) -> int:
        return round(length * self._scale)


def font(size: float) -> ImageFont.FreeTypeFont:
    """The one that comes with Pillow, so that pictures are the same everywhere."""
    return ImageFont.load_default(size)  # type: ignore[return-value]


def _rounded(size: tuple[int, int], corner: float) -> Image.Image:
    """How much of each pixel a rectangle with round corners covers."""
    mask = Image.new("L", (size[0] * 2, size[1] * 2), 0)
    box = (0, 0, size[0] * 2 - 1, size[1] * 2 - 1)
    ImageDraw.Draw(mask).rounded_rectangle(box, corner * 2, 255)
    return mask.resize(size, Image.Resampling.BOX)


def save_moving(
    file: Path, frames: Sequence[Image.Image], milliseconds: int = 125, quality: int = 75
) -> None:
    """As an animated WEBP that goes on for ever, whatever the file's name ends in."""
    first, *others = frames
    with file.open("wb") as out:
        first.save(
            out, "WEBP", save_all=True, append_images=others, duration=milliseconds, loop=0,
            quality=quality, method=6, minimize_size=True, allow_mixed=False,
        )  # fmt: skip
