"""Parts of pictures that are made anew, as an inpainting model is shown them."""

from collections.abc import Callable

import torch
import torch.nn.functional as F

from . import world

GREY = 0.5  # of what is made anew, as the host's InpaintModelConditioning has it
CELL = 8  # pixels of a latent's


def rectangles(count: int, generator: torch.Generator) -> torch.Tensor:
    """[N, H, W], true inside; sides of 12 to 56 pixels, which may stand over the edge."""
    centre = torch.rand(2, count, generator=generator) * world.SIZE
    half = 6 + torch.rand(2, count, generator=generator) * 22
    u, v = _axes()
    across = (u - centre[0, :, None, None]).abs() < half[0, :, None, None]
    return across & ((v - centre[1, :, None, None]).abs() < half[1, :, None, None])


def blobs(count: int, generator: torch.Generator) -> torch.Tensor:
    """Where smooth noise is high: one or several parts without corners."""
    coarse = torch.randn(count, 1, 5, 5, generator=generator)
    smooth = F.interpolate(coarse, (world.SIZE, world.SIZE), mode="bicubic", align_corners=True)
    return smooth[:, 0] > 0.5 * torch.randn(count, 1, 1, generator=generator)


def half_planes(count: int, generator: torch.Generator) -> torch.Tensor:
    """One side of a straight line; half of the lines lie along the picture's edges."""
    angle = 2 * torch.pi * torch.rand(count, generator=generator)
    straight = torch.rand(count, generator=generator) < 0.5
    angle = torch.where(straight, (2 * angle / torch.pi).round() * torch.pi / 2, angle)
    offset = (torch.rand(count, generator=generator) - 0.5) * 0.75 * world.SIZE
    u, v = (axis - world.SIZE / 2 for axis in _axes())
    along = u * angle.cos()[:, None, None] + v * angle.sin()[:, None, None]
    return along > offset[:, None, None]


def frames(count: int, generator: torch.Generator) -> torch.Tensor:
    """What lies around a rectangle, as outpainting makes it."""
    return ~rectangles(count, generator)


def whole(count: int, _generator: torch.Generator) -> torch.Tensor:
    return torch.ones(count, world.SIZE, world.SIZE, dtype=torch.bool)


def nothing(count: int, _generator: torch.Generator) -> torch.Tensor:
    return torch.zeros(count, world.SIZE, world.SIZE, dtype=torch.bool)


def around(scenes: world.Scenes, generator: torch.Generator) -> torch.Tensor:
    """A rectangle around each shape, 2 to 12 pixels away from it on every side."""
    left, right, top, bottom = 2 + 10 * torch.rand(4, len(scenes), 1, 1, generator=generator)
    x, y, radius = (each[:, None, None] for each in (scenes.x, scenes.y, scenes.radius))
    u, v = _axes()
    inside = (u > x - radius - left) & (u < x + radius + right)
    return inside & (v > y - radius - top) & (v < y + radius + bottom)


SHARES: dict[Callable[[int, torch.Generator], torch.Tensor], float] = {
    rectangles: 0.2, blobs: 0.2, half_planes: 0.2, frames: 0.2, whole: 0.15, nothing: 0.05,
}  # fmt: skip


def regions(count: int, generator: torch.Generator) -> torch.Tensor:
    """[N, H, W] of every kind, wherever the shapes may be."""
    kinds = torch.stack([make(count, generator) for make in SHARES])
    shares = torch.tensor(list(SHARES.values()))
    kind = torch.multinomial(shares, count, replacement=True, generator=generator)
    return kinds[kind, torch.arange(count)]


def of_one(scenes: world.Scenes, generator: torch.Generator) -> torch.Tensor:
    """Anywhere, or around the shape in every fourth picture."""
    anywhere = regions(len(scenes), generator)
    close = torch.rand(len(scenes), 1, 1, generator=generator) < 0.25
    return torch.where(close, around(scenes, generator), anywhere)


def of_two(first: world.Scenes, second: world.Scenes, generator: torch.Generator) -> torch.Tensor:
    """Around the first shape, or the whole side that it is on; never the other one."""
    close = torch.rand(len(first), 1, 1, generator=generator) < 0.5
    box = around(first, generator)
    axis, _ = _axes()
    u, v = (axis - at[:, None] for at in ((first.x + second.x) / 2, (first.y + second.y) / 2))
    left, up = ((a < b)[:, None] for a, b in ((first.x, second.x), (first.y, second.y)))
    beside = (first.x - second.x).abs() > (first.y - second.y).abs()
    in_x = ((u < 0) == left)[:, None, :].expand_as(box)
    in_y = ((v < 0) == up)[:, :, None].expand_as(box)
    side = torch.where(beside[:, None, None], in_x, in_y)
    return torch.where(close, box & side, side)


def greyed(pictures: torch.Tensor, region: torch.Tensor) -> torch.Tensor:
    """Pictures [N, 3, H, W] with a region [N, H, W] that is grey."""
    return torch.where(region[:, None], torch.full((), GREY), pictures)


def in_cells(region: torch.Tensor) -> torch.Tensor:
    """[N, 1, H/8, W/8], 0 or 1, as the host brings a mask [N, H, W] to the latent's size."""
    size = tuple(side // CELL for side in region.shape[-2:])
    return F.interpolate(region[:, None].float(), size, mode="bilinear").round()


def _axes() -> tuple[torch.Tensor, torch.Tensor]:
    """x [W] and y [H, 1] of the pixels' middles."""
    axis = torch.arange(world.SIZE) + 0.5
    return axis, axis[:, None]
