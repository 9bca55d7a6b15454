"""The miniature's inpainting model: SD1.5-inpainting's format, nine channels.

Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models", 2022: the noisy
latent (4), the mask (1) and the latent of the picture without what is made anew (4).
"""

from dataclasses import replace

import torch
from animatediff_native.training.clip_set import Batch, ClipSet
from comfy.taesd.taesd import TAESD

from . import regions, text, world
from .conditioned import ConditionedClips
from .models import FIRST_LAYER
from .stills import PlainUNet, encode, prompt_set

TWO_SHAPES = 0.4  # of the pictures


class InpaintingUNet(PlainUNet):
    """Predicts noise with a UNet that is shown what stays of the picture."""

    def denoise(self, noisy: torch.Tensor, t: torch.Tensor, batch: Batch) -> torch.Tensor:
        """condition: [clips, 1, 5, h, w], mask and masked latent."""
        shown = batch.condition.flatten(0, 1)  # type: ignore[attr-defined]
        return self.unet(torch.cat([noisy, shown], dim=1), t, context=batch.context)


def widened(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A UNet's weights with five more channels that it makes nothing of yet."""
    layer = weights[FIRST_LAYER]
    new = torch.zeros(len(layer), 5, *layer.shape[2:], dtype=layer.dtype)
    return {**weights, FIRST_LAYER: torch.cat([layer, new], dim=1)}


def data(vae: TAESD, count: int, seed: int) -> ConditionedClips:
    """Stills with regions of every kind. Some show two shapes, of which the region has one and the
    prompt names it: what is asked for belongs into the region, whatever else there is."""
    generator = torch.Generator().manual_seed(seed)
    two = int(TWO_SHAPES * count)
    one = world.random_scenes(count - two, generator)
    first, second = apart(two, generator)
    pictures = torch.cat([world.draw(one), draw_both(first, second)])
    region = torch.cat([_of_one(one, generator), _of_two(first, second, generator)])
    latents = encode(vae, pictures)
    shown = encode(vae, regions.greyed(pictures, region))
    condition = torch.cat([regions.in_cells(region).half(), shown], dim=1)
    contexts, prompt_of = prompt_set([*one.prompts(), *first.prompts()])
    plain = ClipSet(latents[:, None], contexts, prompt_of, text.embed(""))
    return ConditionedClips(plain, condition[:, None])


def _of_one(scenes: world.Scenes, generator: torch.Generator) -> torch.Tensor:
    """Anywhere, or around the shape in every fourth picture."""
    anywhere = regions.regions(len(scenes), generator)
    close = torch.rand(len(scenes), 1, 1, generator=generator) < 0.25
    return torch.where(close, regions.around(scenes, generator), anywhere)


def _of_two(first: world.Scenes, second: world.Scenes, generator: torch.Generator) -> torch.Tensor:
    """Around the first shape, or the whole side that it is on; never the other one."""
    close = torch.rand(len(first), 1, 1, generator=generator) < 0.5
    box = regions.around(first, generator)
    axis = torch.arange(world.SIZE) + 0.5
    u, v = (axis - at[:, None] for at in ((first.x + second.x) / 2, (first.y + second.y) / 2))
    left, up = ((a < b)[:, None] for a, b in ((first.x, second.x), (first.y, second.y)))
    beside = (first.x - second.x).abs() > (first.y - second.y).abs()
    in_x = ((u < 0) == left)[:, None, :].expand_as(box)
    in_y = ((v < 0) == up)[:, :, None].expand_as(box)
    side = torch.where(beside[:, None, None], in_x, in_y)
    return torch.where(close, box & side, side)


def apart(count: int, generator: torch.Generator) -> tuple[world.Scenes, world.Scenes]:
    """Two shapes on the same background, one in each half of the picture; never of one colour."""
    first, second = (world.random_scenes(count, generator) for _ in range(2))
    first, second = (in_half(each, upper) for each, upper in ((first, False), (second, True)))
    other = (first.colour + 1 + second.colour % (len(world.COLOURS) - 1)) % len(world.COLOURS)
    second = replace(second, background=first.background, colour=other)
    swap = torch.rand(count, generator=generator) < 0.5  # which one is named
    turn = torch.rand(count, generator=generator) < 0.5  # beside each other, or one over the other
    first, second = _exchanged(first, second, swap), _exchanged(second, first, swap)
    return _turned(first, turn), _turned(second, turn)


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
