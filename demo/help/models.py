"""Pictures of the nodes for files: motion modules, MotionLoRAs, adapters, training."""

import numpy as np
import torch
from animatediff_native.motion.stretched_positions import stretched
from PIL import Image

from ..drawing import BLUE, FAINT, GREEN, INK, ORANGE, PANEL, PINK, RAISED, Sheet
from ..studio_clips import clips
from ..template_runs import kept
from . import parts
from .parts import EDGE, INNER, PICKS, WIDTH


def load_motion_module() -> Image.Image:
    """From a file of the folder to what makes frames hang together."""
    on = parts.sheet(146)
    on.text((EDGE, 20), "models/animatediff_models/", 12, FAINT, "lm")
    for number, (name, colour) in enumerate((("v1", RAISED), ("v2", ORANGE), ("v3", RAISED))):
        parts.file_icon(on, EDGE + 6 + 52 * number, 42, name, colour)
    on.arrow((184, 66), (212, 66), INK, 4)
    _module(on, 226, 36, 112, 92)
    return on.image()


def _module(on: Sheet, x: float, y: float, wide: float, tall: float) -> None:
    """A motion module: what joins the same place of all frames."""
    step = wide / 4.6
    for number in range(4):
        left, top = x + number * step, y + (3 - number) * 7
        on.box(left, top, step * 1.35, tall - 26, PANEL, BLUE, 5, 1.5)
    points = [(x + (n + 0.65) * step, y + (3 - n) * 7 + tall * 0.34) for n in range(4)]
    on.line(points, BLUE, 3)
    for point in points:
        on.dot(*point, 5, INK)


def apply_motion_module() -> Image.Image:
    """The same noise without and with a motion module."""
    on = parts.sheet(222)
    found = clips()
    for y, name, colour in ((14, "studio_still", RAISED), (124, "studio_plain", BLUE)):
        side = parts.film(on, found[name][:6], y, gap=5)
        level = y + side + 18
        for number in range(6):
            x = EDGE + (number + 0.5) * (side + 5) - 2.5
            if colour is BLUE and number < 5:
                on.line([(x, level), (x + side + 5, level)], BLUE, 4)
            on.dot(x, level, 6, colour)
    return on.image()


def load_motion_lora() -> Image.Image:
    """The same clip with each movement of the camera."""
    on = parts.sheet(298)
    found = clips()
    for row, (name, moves) in enumerate(
        (
            ("plain", ""),
            ("zoom_in", "in"),
            ("zoom_out", "out"),
            ("pan_left", "left"),
            ("pan_up", "up"),
        )
    ):
        y = 12 + 56 * row
        frames = parts.chosen(found[f"studio_{name}"], 5)
        parts.film(on, frames, y, x=86, width=WIDTH - 86 - EDGE, gap=3)
        _camera(on, 48, y + 24, moves)
    return on.image()


def _camera(on: Sheet, x: float, y: float, moves: str) -> None:
    on.box(x - 24, y - 20, 48, 40, PANEL, corner=6)
    if moves in ("in", "out"):
        for dx, dy in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            near, far = (x + 5 * dx, y + 4 * dy), (x + 19 * dx, y + 15 * dy)
            begin, end = (near, far) if moves == "in" else (far, near)
            on.arrow(begin, end, ORANGE, 2.4)
    elif moves:
        dx, dy = {"left": (-1, 0), "up": (0, -1)}[moves]
        on.arrow((x - 15 * dx, y - 14 * dy), (x + 15 * dx, y + 14 * dy), GREEN, 3)
    else:
        on.dot(x, y, 4, FAINT)


def save_motion_lora() -> Image.Image:
    """Several with their strengths become one file."""
    on = parts.sheet(140)
    for number, (colour, strength) in enumerate(((ORANGE, "0.7"), (GREEN, "0.4"))):
        y = 14 + 62 * number
        parts.file_icon(on, 40, y, "", colour, 46)
        on.times(104, y + 24, 11)
        on.text((118, y + 24), strength, 17, INK, "lm")
    on.line([(160, 38), (186, 38), (186, 100), (160, 100)], FAINT, 2)
    on.arrow((186, 69), (226, 69), INK, 4)
    parts.file_icon(on, 244, 32, "", PINK, 68)
    return on.image()


def load_domain_adapter() -> Image.Image:
    """One clip with the adapter at three strengths."""
    on = parts.sheet(186)
    for row, (clip, said) in enumerate(
        zip(kept("domain_adapter").out, ("1", "0.5", "0"), strict=True)
    ):
        y = 12 + 56 * row
        parts.film(on, parts.chosen(clip, 5), y, x=86, width=WIDTH - 86 - EDGE, gap=3)
        parts.chip(on, 22, y + 24, said, (ORANGE, (190, 130, 66), RAISED)[row], 46, 14)
    return on.image()


def train_motion_lora() -> Image.Image:
    """Clips, a loss that falls (drawn, not measured), and the file that comes of it."""
    on = parts.sheet(170)
    clip = kept("train_motion_lora").inputs["input"]
    for row in range(3):
        parts.film(
            on, parts.chosen(clip[row * 20 : row * 20 + 16], 3), 14 + 50 * row, width=132, gap=3
        )
    on.arrow((152, 84), (172, 84), INK, 3)
    on.box(178, 34, 104, 104, (248, 249, 251), corner=6)
    x = np.linspace(0, 1, 90)
    loss = 0.1 + 0.75 * np.exp(-4.5 * x) + 0.1 * np.sin(41 * x) * np.exp(-1.8 * x)
    on.line([(186, 42), (186, 130), (274, 130)], FAINT, 1.5)
    on.curve(np.clip(loss, 0, 1), 188, 44, 86, 84, BLUE, 2)
    on.arrow((287, 84), (305, 84), INK, 3)
    parts.file_icon(on, 310, 62, "", PINK, 46)
    return on.image()


def adjust_weights() -> Image.Image:
    """Every weight goes up or down, and is then multiplied."""
    on = parts.sheet(138)
    drawn = torch.randn(10, generator=torch.Generator().manual_seed(5)).clamp(-1.6, 1.6).tolist()
    wide = 88
    for number, (change, colour) in enumerate(
        ((lambda w: w, FAINT), (lambda w: w + 0.5, ORANGE), (lambda w: (w + 0.5) * 0.6, BLUE))
    ):
        x = EDGE + number * 120
        on.box(x, 14, wide, 84, PANEL, corner=5)
        on.line([(x, 56), (x + wide, 56)], RAISED, 1)
        for place, weight in enumerate(drawn):
            value = 19 * change(weight)
            left = x + 5 + place * 7.9
            on.box(left, 56 - max(0, value), 6, max(1, abs(value)), colour, corner=1)
        if number:
            on.arrow((x - 27, 56), (x - 5, 56), INK, 3)
            on.text((x - 10, 118), ("add", "multiply")[number - 1], 13, INK)
            if number == 1:
                on.text((x - 32, 117), "+", 15, INK)
            else:
                on.times(x - 44, 118, 8)
    return on.image()


def stretch_positions() -> Image.Image:
    """Rows of a table of 16, drawn out to 28."""
    on = parts.sheet(150)
    settings = stretched(32, 28, 16, 0)
    assert settings is not None
    step, top, bottom = INNER / 28, 34, 116
    first = EDGE + (INNER - 16 * step) / 2
    for new, row in enumerate(settings.matrix.tolist()):
        for old, much in enumerate(row[:16]):
            if much > 0.02:
                ends = [(first + (old + 0.5) * step, top), (EDGE + (new + 0.5) * step, bottom)]
                on.line(ends, (*BLUE, round(40 + 190 * much)), 0.8 + 1.6 * much)
    parts.cells(on, range(16), top - 16, [ORANGE] * 16, first, 16 * step, 18, 8)
    parts.cells(on, range(28), bottom, [PICKS[0]] * 28, tall=18, size=8)
    return on.image()


def motion_strength() -> Image.Image:
    """Motion by area and by frame: a mask, a curve, and what becomes of them."""
    on = parts.sheet(216)
    frames = parts.chosen(kept("masked_motion").out[-1], 6)
    mask = np.zeros((64, 64))
    mask[:, :32] = 1
    side = parts.film(on, [parts.shaded(frame, mask) for frame in frames], 14)
    for number in range(6):
        x = EDGE + number * (side + 4)
        corners = [(x, 14), (x + side / 2, 14), (x + side / 2, 14 + side), (x, 14 + side), (x, 14)]
        on.dashes(corners, ORANGE, 1.6, 5)
    ramp = np.interp(np.arange(16), (0, 5, 10), (0, 0, 1))
    y = side + 30
    parts.plot(on, y, 50, (ramp.tolist(), BLUE))
    parts.film(on, parts.chosen(kept("motion_ramp").out[0], 6), y + 60)
    return on.image()


PICTURES = {
    "ADN_LoadMotionModule": load_motion_module,
    "ADN_ApplyMotionModule": apply_motion_module,
    "ADN_LoadMotionLora": load_motion_lora,
    "ADN_SaveMotionLora": save_motion_lora,
    "ADN_LoadDomainAdapter": load_domain_adapter,
    "ADN_TrainMotionLora": train_motion_lora,
    "ADN_AdjustWeights": adjust_weights,
    "ADN_StretchPositions": stretch_positions,
    "ADN_MotionStrength": motion_strength,
}
