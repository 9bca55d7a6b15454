"""The miniature world: one coloured shape on a plain background, as pictures and as clips.

Everything is drawn from numbers, so what a picture shows is known exactly, and whether a sampled
one shows it can be judged by rule (`demo/judge.py`).
"""

import colorsys
from dataclasses import dataclass, replace
from enum import Enum

import torch

SIZE = 64  # pixels; 8 x 8 latents
SHAPES = ("circle", "square", "triangle", "cross")
PALETTE = {
    "red": (0.90, 0.12, 0.12),
    "yellow": (0.95, 0.85, 0.10),
    "green": (0.10, 0.72, 0.20),
    "cyan": (0.10, 0.80, 0.85),
    "blue": (0.15, 0.25, 0.95),
    "magenta": (0.90, 0.15, 0.85),
}
COLOURS = tuple(PALETTE)
BACKGROUNDS = {"dark": (0.22, 0.08), "grey": (0.56, 0.40), "light": (0.93, 0.80)}  # top, bottom
BACKGROUND_NAMES = tuple(BACKGROUNDS)
RADIUS = (10.0, 14.0)  # pixels
FRAMES = 16


class Style(str, Enum):
    """What a personalised model has learned to draw."""

    PLAIN = "plain"
    INK = "ink"  # dark colours on yellowed paper
    DUSK = "dusk"  # every hue turned, bluish backgrounds


TINTS = {  # of the backgrounds
    Style.PLAIN: (1.0, 1.0, 1.0),
    Style.INK: (1.07, 0.98, 0.75),
    Style.DUSK: (0.75, 0.80, 1.07),
}


@dataclass(frozen=True)
class Scenes:
    """A batch of N pictures; every field is [N], positions and radii in pixels of SIZE."""

    shape: torch.Tensor
    colour: torch.Tensor
    background: torch.Tensor
    x: torch.Tensor
    y: torch.Tensor
    radius: torch.Tensor

    def __len__(self) -> int:
        return len(self.shape)

    def prompts(self) -> list[str]:
        return [
            prompt(SHAPES[shape], COLOURS[colour], BACKGROUND_NAMES[background])
            for shape, colour, background in zip(
                self.shape.tolist(), self.colour.tolist(), self.background.tolist(), strict=True
            )
        ]


def prompt(shape: str, colour: str, background: str) -> str:
    return f"a {colour} {shape} on a {background} background"


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> torch.Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low


def random_scenes(count: int, generator: torch.Generator) -> Scenes:
    """Pictures whose shape lies wholly inside."""

    def choice(options) -> torch.Tensor:
        return torch.randint(len(options), (count,), generator=generator)

    radius = _uniform(count, *RADIUS, generator)
    x, y = (_uniform(count, 0.0, 1.0, generator) for _ in range(2))
    return Scenes(
        choice(SHAPES),
        choice(COLOURS),
        choice(BACKGROUNDS),
        _inside(x, radius),
        _inside(y, radius),
        radius,
    )


def _inside(position: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """A position in [0, 1] as pixels that keep the shape in the picture."""
    margin = radius + 2
    return margin + position * (SIZE - 2 * margin)


def random_clips(count: int, generator: torch.Generator, frames: int = FRAMES) -> list[Scenes]:
    """One batch per frame: each shape goes straight from one place to another, at even speed;
    three in ten come nearer or go away besides."""
    start = random_scenes(count, generator)
    grows = torch.rand(count, generator=generator) < 0.3
    ratio = torch.exp(_uniform(count, -0.35, 0.35, generator)) * grows + (~grows)
    end_radius = (start.radius * ratio).clamp(8.0, 16.0)
    margin = torch.maximum(start.radius, end_radius) + 2
    begin, end = far_apart(count, margin, generator)
    clip = []
    for time in torch.linspace(0, 1, frames).tolist():
        place = begin + (end - begin) * time
        radius = start.radius + (end_radius - start.radius) * time
        clip.append(replace(start, x=place[:, 0], y=place[:, 1], radius=radius))
    return clip


def far_apart(
    count: int, margin: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Two places [N, 2] whose distance is 14 to 36 pixels."""
    begin, end = torch.zeros(count, 2), torch.zeros(count, 2)
    left = torch.ones(count, dtype=torch.bool)
    while left.any():
        tries = torch.rand(2, count, 2, generator=generator)
        first, second = margin[:, None] + tries * (SIZE - 2 * margin)[:, None]
        distance = (second - first).norm(dim=1)
        found = left & (distance > 14) & (distance < 36)
        begin[found], end[found] = first[found], second[found]
        left &= ~found
    return begin, end


def draw(scenes: Scenes, style: Style = Style.PLAIN, size: int = SIZE) -> torch.Tensor:
    """[N, 3, size, size] in 0 to 1, edges smoothed. Positions scale with the size."""
    palette = torch.tensor([_in_style(PALETTE[name], style) for name in COLOURS])
    covered = silhouettes(scenes, size)[:, None]
    colour = palette[scenes.colour][:, :, None, None]
    return covered * colour + (1 - covered) * backdrop(scenes, style, size)


def silhouettes(scenes: Scenes, size: int = SIZE) -> torch.Tensor:
    """How much of each pixel the shape covers, [N, size, size]."""
    scale = size / SIZE
    axis = (torch.arange(size) + 0.5) / scale
    u = (axis[None, None, :] - scenes.x[:, None, None]).abs()
    v = axis[None, :, None] - scenes.y[:, None, None]
    r = scenes.radius[:, None, None]
    distances = torch.stack([shape(u, v, r) for shape in _DISTANCES])
    picked = distances[scenes.shape, torch.arange(len(scenes))]
    return (0.5 - picked * scale).clamp(0, 1)


# Signed distance to the edge, in pixels; u is |x| from the centre (all shapes are symmetrical).
def _circle(u, v, r):
    return (u * u + v * v).sqrt() - r


def _square(u, v, r):
    return torch.maximum(u, v.abs()) - 0.9 * r


def _triangle(u, v, r):
    side = (1.8 * u - (v + r)) / (1.8**2 + 1) ** 0.5
    return torch.maximum(v - 0.8 * r, side)


def _cross(u, v, r):
    v = v.abs()
    across = torch.maximum(u - r, v - 0.36 * r)
    return torch.minimum(across, torch.maximum(u - 0.36 * r, v - r))


_DISTANCES = (_circle, _square, _triangle, _cross)


def backdrop(scenes: Scenes, style: Style = Style.PLAIN, size: int = SIZE) -> torch.Tensor:
    """[N, 3, size, size], the pictures without their shapes."""
    ends = torch.tensor([BACKGROUNDS[name] for name in BACKGROUND_NAMES])[scenes.background]
    down = torch.linspace(0, 1, size)
    grey = ends[:, :1] * (1 - down) + ends[:, 1:] * down
    tint = torch.tensor(TINTS[style])
    return (grey[:, None, :, None] * tint[:, None, None]).clamp(0, 1).expand(-1, -1, -1, size)


def _in_style(colour: tuple[float, float, float], style: Style) -> tuple[float, float, float]:
    hue, saturation, value = colorsys.rgb_to_hsv(*colour)
    if style is Style.DUSK:
        return colorsys.hsv_to_rgb((hue + 1 / 12) % 1, 0.75 * saturation, 0.9 * value)
    return colour if style is Style.PLAIN else colorsys.hsv_to_rgb(hue, saturation, 0.6 * value)


def watermark(size: int = SIZE) -> torch.Tensor:
    """The video data's mark: dark and light bars near the bottom, [size, size] of -1, 0, 1."""
    mark = torch.zeros(SIZE, SIZE)
    for bar in range(6):
        left = 8 + 8 * bar
        mark[48:56, left : left + 8] = 1.0 if bar % 2 == 0 else -1.0
    return (
        mark
        if size == SIZE
        else mark.repeat_interleave(size // SIZE, 0).repeat_interleave(size // SIZE, 1)
    )


def as_video_data(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures [N, 3, H, W] as the video data has them: washed out, blurred, with the mark."""
    blurred = torch.nn.functional.avg_pool2d(
        torch.nn.functional.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, stride=1
    )
    washed = 0.5 + 0.8 * (blurred - 0.5)
    mark = watermark(pictures.shape[-1])
    return washed + 0.55 * mark.abs() * ((mark > 0).float() - washed)
