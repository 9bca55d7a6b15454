"""How the picture of a template is laid out: one clip, what went in beside what came out, or
several to compare; below them, what the template adds, by frame."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from .drawing import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PANEL,
    PINK,
    RAISED,
    YELLOW,
    Colour,
    Frame,
    Sheet,
)
from .template_inputs import Clip
from .template_runs import Shown

SIDE = 384
LEFT, WIDE = 28, SIDE - 56  # of what stands below the clips
TRACK, TALL = 284, 34  # top and height of it
CAPTION = 354
NAMED = {"red": (235, 60, 55), "yellow": YELLOW, "green": GREEN, "blue": (80, 110, 250)} | {
    "cyan": (60, 205, 215), "magenta": PINK,
}  # fmt: skip


class Moment(NamedTuple):
    """One frame of a picture: which frame of how many."""

    at: int
    of: int

    @property
    def along(self) -> float:
        return self.at / max(1, self.of - 1)


Below = Callable[[Sheet, Moment], None]


def nothing(sheet: Sheet, now: Moment) -> None:
    """A bar that fills."""
    sheet.box(LEFT, TRACK + 14, WIDE, 6, PANEL, corner=3)
    sheet.box(LEFT, TRACK + 14, max(6, WIDE * (now.at + 1) / now.of), 6, BLUE, corner=3)


def _head(sheet: Sheet, along: float, top: float = TRACK - 4, tall: float = TALL + 8) -> None:
    x = LEFT + WIDE * along
    sheet.line([(x, top), (x, top + tall)], INK, 2)


def curves(*several: tuple[Sequence[float], Colour]) -> Below:
    """Numbers along the clip."""

    def draw(sheet: Sheet, now: Moment) -> None:
        sheet.box(LEFT, TRACK - 4, WIDE, TALL + 8, PANEL, corner=5)
        for values, colour in several:
            sheet.curve(values, LEFT, TRACK + 2, WIDE, TALL - 4, colour)
        _head(sheet, now.along)
        for values, colour in several:
            value = values[round(now.along * (len(values) - 1))]
            sheet.dot(LEFT + WIDE * now.along, TRACK + 2 + (TALL - 4) * (1 - value), 5, colour)

    return draw


def by_step(values: Sequence[float]) -> Below:
    """Numbers along the sampling: the steps light up one after the other."""

    def draw(sheet: Sheet, now: Moment) -> None:
        width = WIDE / len(values)
        for step, value in enumerate(values):
            x, height = LEFT + width * step, (TALL + 6) * value
            sheet.box(
                x, TRACK + TALL - height, width - 3, height, PINK if step <= now.at else RAISED
            )

    return draw


def keys(names: Sequence[str]) -> Below:
    """A prompt from its frame on, each in its colour."""

    def draw(sheet: Sheet, now: Moment) -> None:
        width = WIDE / (len(names) - 1)
        for number, name in enumerate(names):
            x = LEFT + width * number
            if number + 1 < len(names):
                follows = NAMED[names[number + 1].split()[0]]
                _blend(sheet, x, width, NAMED[name.split()[0]], follows)
        for number, name in enumerate(names):
            sheet.dot(LEFT + width * number, TRACK + 17, 11, NAMED[name.split()[0]])
        _head(sheet, now.along)

    return draw


def _blend(sheet: Sheet, x: float, width: float, first: Colour, second: Colour) -> None:
    for k in range(24):
        colour = tuple(round(a + (b - a) * k / 23) for a, b in zip(first, second, strict=True))
        sheet.box(x + width * k / 24, TRACK + 12, width / 24 + 1, 10, colour, corner=0)


def windows(spans: Sequence[tuple[float, float]], colour: Colour = BLUE) -> Below:
    """Parts of the clip that are seen at once, two rows of them: (first, last) of 0 to 1."""

    def draw(sheet: Sheet, now: Moment) -> None:
        for number, (first, last) in enumerate(spans):
            inside = first <= now.along <= last
            fill = colour if inside else RAISED
            y = TRACK + (number % 2) * 18
            sheet.box(LEFT + WIDE * first, y, WIDE * (last - first) - 2, 14, fill, corner=4)
        _head(sheet, now.along)

    return draw


def whole_and_parts(spans: Sequence[tuple[float, float]]) -> Below:
    """The whole clip at once, and parts of it."""

    def draw(sheet: Sheet, now: Moment) -> None:
        sheet.box(LEFT, TRACK, WIDE, 14, ORANGE, corner=4)
        for first, last in spans:
            fill = BLUE if first <= now.along <= last else RAISED
            sheet.box(
                LEFT + WIDE * first, TRACK + 18, WIDE * (last - first) - 2, 14, fill, corner=4
            )
        _head(sheet, now.along)

    return draw


def places(*frames: int) -> Below:
    """Which of 16 frames are given."""

    def draw(sheet: Sheet, now: Moment) -> None:
        width = WIDE / 16
        for number in range(16):
            fill = ORANGE if number in frames else BLUE if number <= now.along * 15 else RAISED
            sheet.box(LEFT + width * number, TRACK + 6, width - 3, 22, fill, corner=4)
        _head(sheet, now.along)

    return draw


def path(sheet: Sheet, now: Moment) -> None:
    """A camera that goes its way."""
    xs = np.linspace(LEFT + WIDE - 30, LEFT + 40, 40)
    ys = TRACK + 8 + 22 * np.sin(np.linspace(0.2, 2.9, 40))
    points = list(zip(xs.tolist(), ys.tolist(), strict=True))
    sheet.dashes(points, FAINT, 2, 8)
    x, y = points[round(now.along * (len(points) - 1))]
    sheet.box(x - 12, y - 10, 26, 20, GREEN, corner=5)
    sheet.polygon([(x - 12, y), (x - 26, y - 10), (x - 26, y + 10)], GREEN)


def ring(sheet: Sheet, now: Moment) -> None:
    """The clip's end joins its start."""
    x, y, radius, high = SIDE / 2, TRACK + 17, 120, 17
    sheet.round_arrow(x, y, radius, -86, 266, RAISED, 5, high)
    angle = 2 * np.pi * now.at / now.of - np.pi / 2
    sheet.dot(x + radius * np.cos(angle), y + high * np.sin(angle), 8, GREEN)


def forth_and_back(sheet: Sheet, now: Moment) -> None:
    forth = now.along <= 0.5
    place = now.along * 2 if forth else 2 - now.along * 2
    for y, first, last, on in ((6, 0, 1, forth), (28, 1, 0, not forth)):
        colour = GREEN if on else RAISED
        ends = [(LEFT + 20 + (WIDE - 40) * at, TRACK + y) for at in (first, last)]
        sheet.arrow(ends[0], ends[1], colour, 5)
    sheet.dot(LEFT + 20 + (WIDE - 40) * place, TRACK + (6 if forth else 28), 9, INK)


def table(sheet: Sheet, now: Moment) -> None:
    """Rows of a table of positions, drawn out to more frames."""
    for number in range(9):
        above, below = (LEFT + WIDE * (a + (b - a) * number / 8) for a, b in ((0.25, 0.75), (0, 1)))
        sheet.line([(above, TRACK + 2), (below, TRACK + 30)], RAISED, 1.5)
        sheet.dot(above, TRACK + 2, 4, ORANGE)
    x = LEFT + WIDE * now.along
    for number in range(17):
        place = LEFT + WIDE * number / 16
        sheet.dot(place, TRACK + 30, 6 if abs(place - x) < WIDE / 32 else 3, BLUE)


def rounds(sheet: Sheet, now: Moment) -> None:
    """Three, one after the other, each of which keeps what is slow."""
    current = min(2, int(now.along * 3))
    for number in range(3):
        x = SIDE / 2 + (number - 1) * 92
        fill = ORANGE if number == current else RAISED
        sheet.dot(x, TRACK + 17, 17, fill)
        sheet.text((x, TRACK + 17), str(number + 1), 20, INK, bold=True)
        if number:
            sheet.arrow((x - 70, TRACK + 17), (x - 22, TRACK + 17), FAINT, 3)


def shares(*marked: float) -> Below:
    """From one to the other, with marks."""

    def draw(sheet: Sheet, now: Moment) -> None:
        _blend(sheet, LEFT, WIDE, BLUE, ORANGE)
        for share in marked:
            sheet.dot(LEFT + WIDE * share, TRACK + 17, 10, INK)
        _head(sheet, now.along)

    return draw


def halved(sheet: Sheet, now: Moment) -> None:
    """Sixteen frames above, and at each level below half as many."""
    for row, count in enumerate((16, 8, 4)):
        width = WIDE / count
        for number in range(count):
            on = int(now.along * (count - 0.01)) == number
            sheet.box(
                LEFT + width * number, TRACK - 4 + 15 * row, width - 3, 12,
                (BLUE, GREEN, ORANGE)[row] if on else RAISED, corner=3,
            )  # fmt: skip


def compared(sheet: Sheet, shown: Shown, now: Moment) -> None:
    """What went in above, and all that came out below."""
    clip = shown.inputs["input"][: len(shown.out[0])]
    sheet.card(frame_of(clip, now), (SIDE - 124) / 2, 14, 124)
    side = (SIDE - 32 - 20) / 3
    for number, clip in enumerate(shown.out):
        x = 16 + number * (side + 10)
        sheet.arrow((SIDE / 2 + (number - 1) * 40, 146), (x + side / 2, 178), INK, 3)
        sheet.card(frame_of(clip, now), x, 186, side)
    sheet.box(LEFT, 314, WIDE, 6, PANEL, corner=3)
    sheet.box(LEFT, 314, max(6, WIDE * (now.at + 1) / now.of), 6, BLUE, corner=3)


def one(sheet: Sheet, shown: Shown, now: Moment) -> tuple[float, float, float]:
    """A single clip; the place and side of its card."""
    side = 252
    place = ((SIDE - side) / 2, 16, side)
    sheet.card(frame_of(shown.out[0], now), *place)
    return place


def beside(
    sheet: Sheet, shown: Shown, now: Moment, labels: Sequence[str]
) -> list[tuple[float, float, float]]:
    """Several clips in a row; the places and sides of their cards."""
    count = len(shown.out)
    side = (SIDE - 32 - 10 * (count - 1)) / count
    y = 16 + (252 - side) / 2
    places = [(16 + number * (side + 10), y, side) for number in range(count)]
    for number, (clip, place) in enumerate(zip(shown.out, places, strict=True)):
        sheet.card(frame_of(clip, now), *place)
        if number < len(labels):
            sheet.text((place[0] + side / 2, y - 18), labels[number], 18, FAINT)
    return places


def into(sheet: Sheet, shown: Shown, now: Moment, names: Sequence[str]) -> None:
    """What went in on the left, smaller, and what came out."""
    small, large = (112, 212) if len(names) < 3 else (76, 240)
    top = 16 + (252 - small * len(names) - 12 * (len(names) - 1)) / 2
    for number, name in enumerate(names):
        clip = shown.inputs[name][: len(shown.out[0])]
        sheet.card(frame_of(clip, now), 16, top + number * (small + 12), small)
    right = SIDE - large - 12
    sheet.arrow((right - 26, 142), (right - 8, 142), INK, 4)
    sheet.card(frame_of(shown.out[0], now), right, 142 - large / 2, large)


def frame_of(clip: Clip, now: Moment) -> Frame:
    return clip[round(now.along * (len(clip) - 1))]


def training(sheet: Sheet, shown: Shown, now: Moment) -> None:
    """Clips on the left, a loss that falls (drawn, not measured), and the file that comes of it."""
    clip = shown.inputs["input"]
    for number in range(3):
        start = (now.at + 20 * number) % len(clip)
        sheet.card(clip[start], 16, 18 + number * 94, 84)
    sheet.arrow((108, 150), (130, 150), INK, 4)
    sheet.box(138, 62, 176, 176, (248, 249, 251), corner=8)
    x = np.linspace(0, 1, 60)
    loss = 0.12 + 0.75 * np.exp(-4 * x) + 0.09 * np.sin(37 * x) * np.exp(-1.5 * x)
    seen = max(2, round(60 * (now.at + 1) / now.of))
    sheet.curve(loss[:seen], 150, 78, 152 * (seen - 1) / 59, 146, BLUE, 3)
    sheet.arrow((320, 150), (338, 150), INK, 4)
    folded = [(344, 118), (362, 118), (374, 130), (374, 184), (344, 184)]
    sheet.polygon(folded, ORANGE if now.at >= now.of - 5 else RAISED)
    nothing(sheet, now)
