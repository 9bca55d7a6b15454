"""Pictures of the nodes for long clips."""

import numpy as np
from animatediff_native.samplers.free_noise import NoiseOrder, noise_order
from animatediff_native.samplers.windows import Schedule, WindowPlan
from PIL import Image

from ..drawing import BLUE, FAINT, GREEN, INK, ORANGE, PANEL, PINK, RAISED, Sheet
from ..template_runs import kept
from . import parts
from .parts import EDGE, INNER, PICKS, WIDTH

LONG = 40  # frames of the clips that are cut into windows


def context_windows() -> Image.Image:
    on = parts.sheet(214)
    _laid(on, WindowPlan(), 34, "static")
    _laid(on, WindowPlan(schedule=Schedule.LOOPED), 126, "looped")
    return on.image()


def _laid(on: Sheet, plan: WindowPlan, y: float, name: str) -> None:
    on.text((EDGE, y - 16), name, 13, INK, "lm", bold=True)
    parts.bar_of_frames(on, LONG, y)
    for number, window in enumerate(plan.windows(LONG, 1)):
        level, colour = y + 18 + 12 * number, PICKS[number % len(PICKS)]
        inside = set(window)
        for frame in sorted(inside):
            parts.span(on, frame, frame, LONG, level, colour, 9)
    parts.axis(on, LONG, y + 6, 8)


def views() -> Image.Image:
    """The views of every block, joined again behind it."""
    on = parts.sheet(172)
    clip = kept("views").out[0]
    side = parts.film(on, parts.chosen(clip, 8), 14)
    for layer in range(3):
        y = 34 + side + 32 * layer
        on.box(EDGE - 5, y - 4, INNER + 10, 25, PANEL, corner=5)
        for number, window in enumerate(WindowPlan().windows(LONG)):
            parts.span(on, window[0], window[-1], LONG, y + 9 * (number % 2), PICKS[number], 7)
        if layer < 2:
            on.arrow((WIDTH / 2, y + 20), (WIDTH / 2, y + 29), INK, 2)
    return on.image()


def free_noise() -> Image.Image:
    """Which noise every frame begins with."""
    length, frames = 8, 24
    plan = WindowPlan(length, 2)
    order = noise_order(plan, frames, NoiseOrder.ANY, 1)
    on = parts.sheet(134)
    for row, numbers in enumerate((list(range(frames)), order)):
        y = 18 + 64 * row
        for number in range(frames):
            side = INNER / frames
            tile = parts.noise(numbers[number], 4)
            on.card(tile, EDGE + number * side + 0.5, y, side - 1, 2)
        colours = [PICKS[n % length] if n < length else RAISED for n in numbers]
        parts.cells(on, numbers, y + 18, colours, tall=18, size=9)
    on.arrow((WIDTH / 2, 58), (WIDTH / 2, 78), INK, 3)
    return on.image()


def free_long() -> Image.Image:
    """All frames at once for what is slow, parts for what is fast."""
    on = parts.sheet(190)
    x = np.linspace(0, 1, 200)
    slow = 0.5 + 0.34 * np.sin(2 * np.pi * (x * 1.2 + 0.05))
    fast = 0.5 + 0.24 * np.sin(2 * np.pi * 19 * x) * (0.6 + 0.4 * np.cos(9 * x))
    half = INNER * 0.44
    for y, values, colour, spans in (
        (14, slow, ORANGE, [(0, 1)]),
        (76, fast, BLUE, [(0, 0.4), (0.3, 0.7), (0.6, 1)]),
    ):
        for number, (first, last) in enumerate(spans):
            top = y + 12 + 12 * number if len(spans) > 1 else y + 22
            on.box(EDGE + half * first, top, half * (last - first), 10, colour, corner=4)
        on.arrow((EDGE + half + 8, y + 27), (EDGE + half + 34, y + 27), INK, 3)
        on.box(EDGE + half + 42, y, INNER - half - 42, 54, PANEL, corner=6)
        on.curve(values, EDGE + half + 42, y + 4, INNER - half - 42, 46, colour, 2, filled=False)
    on.text((EDGE + half / 2, 152), "+", 30, INK, bold=True)
    on.arrow((EDGE + half + 8, 158), (EDGE + half + 34, 158), INK, 3)
    on.box(EDGE + half + 42, 136, INNER - half - 42, 44, PANEL, corner=6)
    both = slow + 0.5 * (fast - 0.5)
    on.curve(both, EDGE + half + 42, 138, INNER - half - 42, 40, GREEN, 2, filled=False)
    return on.image()


def continue_clip() -> Image.Image:
    """Parts of a clip; each begins with the last frames of the one before."""
    on = parts.sheet(158)
    frames, part, context = 44, 20, 8
    parts.bar_of_frames(on, frames, 16)
    for number, first in enumerate(range(0, frames - part + 1, part - context)):
        y = 40 + 40 * number
        for frame in range(first, first + part):
            again = number and frame < first + context
            parts.span(on, frame, frame, frames, y, RAISED if again else PICKS[number], 22)
        on.text((EDGE + INNER * (first + 1) / frames, y + 11), str(number), 13, INK, bold=True)
        if number < 2:
            for frame in range(first + part - context, first + part, 3):
                x = EDGE + INNER * (frame + 0.5) / frames
                on.arrow((x, y + 23), (x, y + 39), FAINT, 1.6)
    return on.image()


def ping_pong() -> Image.Image:
    on = parts.sheet(124)
    frames = kept("ping_pong").out[0]
    first = [frames[round(at)] for at in np.linspace(0, 15, 6)]
    side = parts.film(on, [*first, *first[-2:0:-1]], 16, gap=3)
    numbers = [0, 1, 2, 3, 4, 5, 4, 3, 2, 1]
    parts.cells(on, numbers, 24 + side, [BLUE] * 6 + [ORANGE] * 4, tall=24, size=13)
    middle = EDGE + INNER * 0.55
    y = 62 + side
    on.arrow((EDGE + 14, y), (middle - 6, y), BLUE, 4)
    on.arrow((EDGE + INNER - 14, y + 22), (middle + 24, y + 22), ORANGE, 4)
    on.round_arrow(middle + 6, y + 11, 14, -90, 88, PINK, 3)
    return on.image()


PICTURES = {
    "ADN_ContextWindows": context_windows,
    "ADN_Views": views,
    "ADN_FreeNoise": free_noise,
    "ADN_FreeLong": free_long,
    "ADN_ContinueClip": continue_clip,
    "ADN_PingPong": ping_pong,
}
