"""What a camera before the miniature world sees: a wall with one shape on it.

Its path is given as poses without turns: where points of the world go as the camera sees them. x is
to the right, y down, z ahead; the first frame's camera is the world's origin.
"""

from dataclasses import replace

import torch

from . import world

WALL = 4.0  # units of the poses before the first frame's camera
FOCAL = 0.844111024  # of the picture's height, in a square one: Camera Path's own, unchanged
WAY = 32.0  # pixels that the farthest pan goes
CLOSER = 0.45  # the logarithm of sizes grows up to this
ZOOMING, STILL = 0.4, 0.1  # of the clips


def shifts(count: int, generator: torch.Generator, frames: int = world.FRAMES) -> torch.Tensor:
    """Where points of the world go as the camera sees them, [N, F, 3], at even speed from nothing:
    pans in all directions, some with a zoom, and cameras that stand still."""
    angle, length, kind = torch.rand(3, count, generator=generator)
    across = WAY * length * (kind > STILL) * WALL / (FOCAL * world.SIZE)
    growth = CLOSER * (2 * torch.rand(count, generator=generator) - 1)
    nearer = WALL * (torch.exp(-growth) - 1) * (kind > 1 - ZOOMING)
    across = across * torch.where(kind > 1 - ZOOMING / 2, 0.0, 1.0)  # half of them zoom alone
    angle = 2 * torch.pi * angle
    last = torch.stack([across * angle.cos(), across * angle.sin(), nearer], dim=1)
    return torch.linspace(0, 1, frames)[None, :, None] * last[:, None]


def seen(scenes: world.Scenes, shift: torch.Tensor) -> world.Scenes:
    """A frame of what the first camera sees as `scenes`; shift: [N, 3]."""
    size = WALL / (WALL + shift[:, 2])
    middle = world.SIZE / 2
    moved = FOCAL * world.SIZE * shift[:, :2] / WALL * size[:, None]
    return replace(
        scenes,
        x=middle + (scenes.x - middle) * size + moved[:, 0],
        y=middle + (scenes.y - middle) * size + moved[:, 1],
        radius=scenes.radius * size,
    )


def scenes_in_view(shift: torch.Tensor, generator: torch.Generator) -> world.Scenes:
    """Scenes as the first camera sees them, whose shape stays in the picture all along the path;
    shift: [N, F, 3]."""
    last = shift[:, -1]
    scenes = world.random_scenes(len(last), generator)
    growth = WALL / (WALL + last[:, 2])
    scenes = replace(scenes, radius=(scenes.radius - 1) * growth.rsqrt())
    left = torch.ones(len(last), dtype=torch.bool)
    while left.any():
        x, y = world.SIZE * torch.rand(2, len(last), generator=generator)
        tried = replace(scenes, x=torch.where(left, x, scenes.x), y=torch.where(left, y, scenes.y))
        left = left & ~(_inside(tried) & _inside(seen(tried, last)))
        scenes = tried
    return scenes


def _inside(scenes: world.Scenes) -> torch.Tensor:
    places = torch.stack([scenes.x, scenes.y])
    margin = scenes.radius + 1
    return ((places > margin) & (places < world.SIZE - margin)).all(0)


def random_views(
    count: int, generator: torch.Generator
) -> tuple[list[world.Scenes], list[world.Scenes], torch.Tensor]:
    """Scenes that only a camera moves over, one batch per frame; the same with the camera held
    still in the middle; the camera's paths [N, F, 3]."""
    shift = shifts(count, generator)
    first = scenes_in_view(shift, generator)
    frames = [seen(first, at) for at in shift.unbind(1)]
    middle = seen(first, (shift[:, 7] + shift[:, 8]) / 2)
    return frames, [middle] * len(frames), shift
