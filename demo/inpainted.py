"""The miniature's inpainting model: SD1.5-inpainting's format, nine channels.

Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models", 2022: the noisy
latent (4), the mask (1) and the latent of the picture without what is made anew (4).
"""

import torch
from animatediff_native.training.clip_set import Batch, ClipSet
from comfy.taesd.taesd import TAESD

from . import regions, text, two_shapes, world
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
    first, second = two_shapes.apart(two, generator)
    pictures = torch.cat([world.draw(one), two_shapes.draw_both(first, second)])
    region = torch.cat([regions.of_one(one, generator), regions.of_two(first, second, generator)])
    latents = encode(vae, pictures)
    shown = encode(vae, regions.greyed(pictures, region))
    condition = torch.cat([regions.in_cells(region).half(), shown], dim=1)
    contexts, prompt_of = prompt_set([*one.prompts(), *first.prompts()])
    plain = ClipSet(latents[:, None], contexts, prompt_of, text.embed(""))
    return ConditionedClips(plain, condition[:, None])
