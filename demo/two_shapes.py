"""Pictures of two shapes, one in each half."""

from dataclasses import replace

import torch

from . import world


def apart(count: int, generator: torch.Generator) -> tuple[world.Scenes, world.Scenes]:
    """Two shapes on the same background, one in each half of the picture; never of one colour."""
    first, second = (world.random_scenes(count, generator) for _ in range(2))
    first, second = (in_half(each, upper) for each, upper in ((first, False), (second, True)))
    second = replace(second, background=first.background, colour=other_colour(first, second))
    swap = torch.rand(count, generator=generator) < 0.5  # which one is named
    turn = torch.rand(count, generator=generator) < 0.5  # beside each other, or one over the other
    first, second = _exchanged(first, second, swap), _exchanged(second, first, swap)
    return _turned(first, turn), _turned(second, turn)


def other_colour(first: world.Scenes, second: world.Scenes) -> torch.Tensor:
    """[N], for the second shapes, never the first ones' and as random as they were."""
    return (first.colour + 1 + second.colour % (len(world.COLOURS) - 1)) % len(world.COLOURS)


def in_half(scenes: world.Scenes, right: bool) -> world.Scenes:
    """Shapes that lie wholly in one half of the picture, not larger than it."""
    half = world.SIZE / 2
    radius = scenes.radius.clamp(max=12.0)
    margin = radius + 2
    place = (scenes.x - scenes.radius - 2) / (world.SIZE - 2 * (scenes.radius + 2))
    return replace(scenes, radius=radius, x=half * right + margin + place * (half - 2 * margin))


def _exchanged(one: world.Scenes, other: world.Scenes, where: torch.Tensor) -> world.Scenes:
    fields = vars(one)
    return world.Scenes(**{k: torch.where(where, vars(other)[k], v) for k, v in fields.items()})


def _turned(scenes: world.Scenes, where: torch.Tensor) -> world.Scenes:
    x, y = torch.where(where, scenes.y, scenes.x), torch.where(where, scenes.x, scenes.y)
    return replace(scenes, x=x, y=y)


def draw_both(first: world.Scenes, second: world.Scenes) -> torch.Tensor:
    """[N, 3, H, W], the second shape beside the first."""
    covered = world.silhouettes(second)[:, None]
    return covered * world.draw(second) + (1 - covered) * world.draw(first)
