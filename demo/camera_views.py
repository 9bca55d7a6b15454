"""What a camera before the miniature world sees: a wall with one shape on it.

Its path is given as poses without turns: where points of the world go as the camera sees them. x is
to the right, y down, z ahead; the camera in the middle of its path is the world's origin.
"""

from dataclasses import replace

import torch

from . import world

WALL = 4.0  # units of the poses before the camera in the middle of its path
FOCAL = 0.844111024  # of the picture's height, in a square one: Camera Path's own, unchanged
WAY = 32.0  # pixels that the farthest pan goes
CLOSER = 0.45  # the logarithm of sizes grows up to this
ZOOMING, STILL = 0.4, 0.1  # of the clips


def ways(count: int, generator: torch.Generator) -> torch.Tensor:
    """How far points of the world go from the first frame to the last, as the camera sees them,
    [N, 3]: pans in all directions, some with a zoom, zooms alone, and cameras that stand still."""
    angle, length, kind = torch.rand(3, count, generator=generator)
    across = WAY * length * WALL / (FOCAL * world.SIZE)
    across = across * ((kind > STILL) & (kind < 1 - ZOOMING / 2))
    growth = CLOSER * (2 * torch.rand(count, generator=generator) - 1)
    nearer = -2 * WALL * torch.tanh(growth / 2) * (kind > 1 - ZOOMING)
    angle = 2 * torch.pi * angle
    return torch.stack([across * angle.cos(), across * angle.sin(), nearer], dim=1)


def along(way: torch.Tensor, frames: int = world.FRAMES) -> torch.Tensor:
    """[N, F, 3]: at even speed, seen from the middle; way: [N, 3]."""
    return torch.linspace(-0.5, 0.5, frames)[None, :, None] * way[:, None]


def seen(scenes: world.Scenes, shift: torch.Tensor) -> world.Scenes:
    """What a camera in the middle sees as `scenes`, from elsewhere; shift: [N, 3]."""
    size = WALL / (WALL + shift[:, 2])
    middle = world.SIZE / 2
    moved = FOCAL * world.SIZE * shift[:, :2] / WALL * size[:, None]
    return replace(
        scenes,
        x=middle + (scenes.x - middle) * size + moved[:, 0],
        y=middle + (scenes.y - middle) * size + moved[:, 1],
        radius=scenes.radius * size,
    )


def scenes_in_view(way: torch.Tensor, generator: torch.Generator) -> world.Scenes:
    """Scenes as a camera in the middle of its way sees them, whose shape stays in the picture all
    along; way: [N, 3]."""
    scenes = world.random_scenes(len(way), generator)
    left = torch.ones(len(way), dtype=torch.bool)
    while left.any():
        x, y = world.SIZE * torch.rand(2, len(way), generator=generator)
        tried = replace(scenes, x=torch.where(left, x, scenes.x), y=torch.where(left, y, scenes.y))
        left = left & ~(_inside(seen(tried, way / 2)) & _inside(seen(tried, -way / 2)))
        scenes = tried
    return scenes


def _inside(scenes: world.Scenes) -> torch.Tensor:
    places = torch.stack([scenes.x, scenes.y])
    margin = scenes.radius + 1
    return ((places > margin) & (places < world.SIZE - margin)).all(0)


def opposite_views(
    count: int, generator: torch.Generator
) -> tuple[list[world.Scenes], world.Scenes, torch.Tensor]:
    """Scenes that only a camera moves over, one batch of 2 N per frame: N, and the same ones on the
    opposite ways; what the camera sees in the middle, [2 N]; its paths [2 N, F, 3]."""
    way = ways(count, generator)
    once = scenes_in_view(way, generator)
    fields = ("shape", "colour", "background", "x", "y", "radius")
    middle = replace(once, **{name: getattr(once, name).repeat(2) for name in fields})
    shift = along(torch.cat([way, -way]))
    return [seen(middle, at) for at in shift.unbind(1)], middle, shift
