"""Pictures of the nodes for what differs by frame: prompts, LoRAs, ControlNets, CFG, noise."""

import numpy as np
import torch
from animatediff_native.samplers.beta_schedule import BetaSchedule, sigmas_of
from animatediff_native.samplers.free_init import FreeInit
from PIL import Image

from ..drawing import BLUE, INK, ORANGE, PANEL, PINK, RAISED, Colour, Sheet
from ..studio_clips import ROUNDS, clips
from ..template_layouts import NAMED
from ..template_runs import kept
from ..template_table import TRAVEL
from . import parts
from .parts import EDGE, INNER, WIDTH

RAMP = np.interp(np.arange(16), (0, 4, 12), (0, 0, 1)).tolist()


def prompt_schedule() -> Image.Image:
    """Keys, and the frames of a run."""
    on = parts.sheet(194)
    keys = (0, 16, 32, 47)
    for number, (frame, said) in enumerate(zip(keys, TRAVEL, strict=True)):
        x, y = EDGE + (number % 2) * 168, 22 + (number // 2) * 26
        parts.chip(on, x, y, str(frame), NAMED[said.split()[0]], 34, 11)
        on.text((x + 42, y), f'"a {said}"', 12, INK, "lm")
    width = (INNER + 4) / len(keys)
    middles = [EDGE + (number + 0.5) * width - 2 for number in range(len(keys))]
    for number in range(len(keys) - 1):
        colours = [NAMED[said.split()[0]] for said in TRAVEL[number : number + 2]]
        _blended(on, middles[number], 78, width, colours[0], colours[1])
    for middle, said in zip(middles, TRAVEL, strict=True):
        on.dot(middle, 82, 9, NAMED[said.split()[0]])
    parts.film(on, parts.chosen(kept("prompt_travel").out[0], 4), 100)
    return on.image()


def _blended(on: Sheet, x: float, y: float, width: float, first: Colour, second: Colour) -> None:
    for k in range(40):
        colour = tuple(round(a + (b - a) * k / 39) for a, b in zip(first, second, strict=True))
        on.box(x + width * k / 40, y, width / 40 + 0.5, 8, colour, corner=0)


def frame_strengths() -> Image.Image:
    """Keyframes become a number for every frame."""
    on = parts.sheet(178)
    x = EDGE
    for said in ("0: 0", "4: 0", "12: 1"):
        x += parts.chip(on, x, 24, said, RAISED, size=12) + 10
    parts.plot(on, 46, 86, (RAMP, BLUE))
    for frame in (0, 4, 12):
        on.dot(EDGE + INNER * frame / 15, 54 + 72 * (1 - RAMP[frame]), 5, ORANGE)
    parts.cells(
        on, [f"{value:g}".replace("0.", ".")[:4] for value in RAMP], 140,
        [tuple(round(a + (b - a) * v) for a, b in zip(RAISED, BLUE, strict=True)) for v in RAMP],
        tall=22, size=8,
    )  # fmt: skip
    return on.image()


def frame_lora() -> Image.Image:
    on = parts.sheet(138)
    parts.plot(on, 12, 56, (RAMP, ORANGE))
    parts.film(on, parts.chosen(kept("lora_by_frame").out[0], 6), 76)
    return on.image()


def frame_control() -> Image.Image:
    """What is followed, how strongly, and the clip."""
    on = parts.sheet(200)
    shown = kept("control_fades")
    count = len(shown.out[0])
    side = parts.film(on, parts.chosen(shown.inputs["depth"][:count], 6), 12)
    fade = np.interp(np.linspace(0, 31, 32), (0, 12, 24), (1, 1, 0)).tolist()
    parts.plot(on, side + 22, 50, (fade, BLUE))
    parts.film(on, parts.chosen(shown.out[0], 6), side + 80)
    return on.image()


def frame_prompt() -> Image.Image:
    """Two prompts, one of which goes as the other comes."""
    on = parts.sheet(142)
    first = [1 - value for value in RAMP]
    parts.plot(on, 12, 60, (first, NAMED["red"]), (RAMP, NAMED["blue"]))
    parts.film(on, parts.chosen(kept("prompt_blend").out[0], 6), 80)
    return on.image()


def frame_guidance() -> Image.Image:
    """A number for each frame and step: the product of a factor by step and one by frame."""
    on = parts.sheet(190)
    steps = np.interp(np.linspace(0, 1, 8), (0, 0.3, 1), (1, 1, 0.4))
    frames = np.interp(np.arange(16), (0, 8, 15), (0.6, 1, 0.6))
    left, top, wide, tall = 74, 62, WIDTH - 74 - EDGE, 114
    on.curve(frames.tolist(), left, 12, wide, 42, ORANGE)
    points = [(left - 8 - 46 * v, top + tall * (n + 0.5) / 8) for n, v in enumerate(steps)]
    on.polygon([(left - 8, points[0][1]), *points, (left - 8, points[-1][1])], (*PINK, 60))
    on.line(points, PINK, 2.5)
    for row, by_step in enumerate(steps):
        for column, by_frame in enumerate(frames):
            value = by_step * by_frame
            colour = tuple(
                round(a + (b - a) * (value - 0.2) / 0.8) for a, b in zip(PANEL, BLUE, strict=True)
            )
            x, y = left + wide * column / 16, top + tall * row / 8
            on.box(x + 0.6, y + 0.6, wide / 16 - 1.2, tall / 8 - 1.2, colour, corner=2)
    return on.image()


def frame_noise() -> Image.Image:
    """The kinds, over six frames."""
    on = parts.sheet(234)
    common = torch.randn(5, 5, 3, generator=torch.Generator().manual_seed(99))
    rows = {
        "independent": [parts.noise(n, 5) for n in range(6)],
        "seed per frame": [parts.noise(20 + n, 5) for n in range(6)],
        "constant": [parts.noise(40, 5)] * 6,
        "repeated": [parts.noise(50 + n % 3, 5) for n in range(6)],
        "common": [_shared(common, n) for n in range(6)],
    }
    for number, (name, tiles) in enumerate(rows.items()):
        y = 10 + 44 * number
        on.text((EDGE, y + 19), name, 12, INK, "lm")
        parts.film(on, tiles, y, 112, WIDTH - 112 - EDGE, 4)
    return on.image()


def _shared(common: torch.Tensor, seed: int):
    own = torch.randn(common.shape, generator=torch.Generator().manual_seed(seed))
    return parts.as_frame(0.9 * common + 0.43 * own)


def noise_layer() -> Image.Image:
    """One noise, another one, and a mask that says where the other goes."""
    on = parts.sheet(112)
    below, above = parts.noise(1, 14), parts.noise(2, 14, grey=True)
    mask = np.zeros_like(below)
    mask[:, 56:] = 255
    mixed = np.where(mask > 0, above, below)
    side = 70
    for number, (tile, sign) in enumerate(((below, ""), (above, "+"), (mask, "*"), (mixed, "="))):
        x = EDGE + number * (side + 17.3)
        on.card(tile, x, 21, side, 6)
        if sign == "*":
            on.times(x - 8.6, 56)
        else:
            on.text((x - 8.6, 56), sign, 18, INK)
    return on.image()


def use_noise() -> Image.Image:
    """The sampler of a model begins with the noise that the model carries."""
    on = parts.sheet(124)
    on.card(parts.noise(7, 12), EDGE, 22, 80, 6)
    on.arrow((100, 62), (126, 62), INK, 4)
    on.box(134, 30, 92, 64, PANEL, BLUE, 8, 2)
    on.box(134, 30, 92, 18, BLUE, corner=6)
    for number in range(3):
        on.box(144, 55 + 12 * number, 72, 7, RAISED, corner=3)
    on.arrow((234, 62), (260, 62), INK, 4)
    clip = kept("noise_layer").out[0]
    on.card(clip[len(clip) // 2], WIDTH - EDGE - 80, 22, 80, 6)
    return on.image()


def free_init() -> Image.Image:
    """A round's clip gives what is slow to the next round's noise, and the rest is new."""
    on = parts.sheet(214)
    found = clips()
    for number, name in enumerate(ROUNDS):
        x = EDGE + number * 132
        on.card(parts.noise(60 + number, 12), x, 14, 68, 6)
        on.arrow((x + 34, 86), (x + 34, 104), INK, 3)
        on.card(found[name][8], x, 108, 68, 6)
        parts.chip(on, x + 4, 26, str(number + 1), RAISED, 20, 9)
        if number < 2:
            on.arrow((x + 78, 134), (x + 124, 58), ORANGE, 3)
    low = torch.fft.fftshift(FreeInit().low_pass(16, 64, 64))[8, 32].tolist()
    on.box(EDGE, 184, INNER, 22, PANEL, corner=4)
    kept_part = [*low[32:], 0.0]
    on.curve(kept_part, EDGE, 187, INNER, 18, ORANGE, 2)
    on.curve([1 - value for value in kept_part], EDGE, 187, INNER, 18, BLUE, 2, filled=False)
    return on.image()


def noise_schedule() -> Image.Image:
    """How much of the picture is left along the 1000 steps, on the two usual schedules."""
    on = parts.sheet(168)
    several = []
    for schedule, colour in ((BetaSchedule.LINEAR, ORANGE), (BetaSchedule.SCALED_LINEAR, BLUE)):
        sigmas = sigmas_of(schedule)[::10]
        several.append(((1 / (1 + sigmas**2)).sqrt().tolist(), colour))
    parts.plot(on, 14, 96, *several)
    x = EDGE
    for said, colour in (
        ("linear (AnimateDiff)", ORANGE),
        ("scaled_linear (Stable Diffusion)", BLUE),
    ):
        on.dot(x + 5, 124, 4, colour)
        on.text((x + 14, 124), said, 11, INK, "lm")
        x += 134
    clip = kept("text_to_video").out[0]
    drawn = torch.from_numpy(clip[-1].copy()).float() / 127.5 - 1
    tiles = []
    for level in (0.99, 0.8, 0.5, 0.25, 0.05):
        grain = torch.randn(64, 64, 3, generator=torch.Generator().manual_seed(3))
        grain = grain.repeat_interleave(drawn.shape[0] // 64, 0).repeat_interleave(
            drawn.shape[0] // 64, 1
        )
        both = level * drawn + (1 - level**2) ** 0.5 * 0.6 * grain
        tiles.append(((both.clamp(-1, 1) + 1) * 127.5).byte().numpy())
    for number, tile in enumerate(tiles):
        on.card(tile, EDGE + number * (INNER - 26) / 4, 136, 26, 4)
    return on.image()


PICTURES = {
    "ADN_PromptSchedule": prompt_schedule,
    "ADN_FrameStrengths": frame_strengths,
    "ADN_FrameLora": frame_lora,
    "ADN_FrameControlStrength": frame_control,
    "ADN_FramePromptStrength": frame_prompt,
    "ADN_FrameGuidance": frame_guidance,
    "ADN_FrameNoise": frame_noise,
    "ADN_NoiseLayer": noise_layer,
    "ADN_UseNoise": use_noise,
    "ADN_FreeInit": free_init,
    "ADN_NoiseSchedule": noise_schedule,
}
