"""The text-to-image models: the base, trained on stills, and the two personalised ones."""

import torch
from animatediff_native.training.clip_set import Batch, ClipSet
from comfy.taesd.taesd import TAESD
from torch import nn

from . import text, world


class PlainUNet:
    """Predicts noise with the UNet alone, on AnimateDiff's schedule."""

    timesteps = 1000

    def __init__(self, unet: nn.Module):
        self.unet = unet
        betas = torch.linspace(0.00085, 0.012, self.timesteps, dtype=torch.float64)
        self.kept = torch.cumprod(1 - betas, 0).float()  # of the signal's variance

    def __call__(self, batch: Batch, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        kept = self.kept[t][:, None, None, None, None]
        noisy = kept.sqrt() * batch.latents + (1 - kept).sqrt() * noise
        return self.unet(noisy.flatten(0, 1), t, context=batch.context).unflatten(
            0, noise.shape[:2]
        )


def encode(vae: TAESD, pictures: torch.Tensor) -> torch.Tensor:
    """Latents of deviation 1, the model's own scale; [N, 3, H, W] -> [N, 4, H/8, W/8], fp16."""
    with torch.no_grad():
        parts = [vae.taesd_encoder(part).half() for part in pictures.split(64)]
    return torch.cat(parts)


def prompt_set(prompts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """The different contexts [M, tokens, D], and which each prompt has [N]."""
    different = sorted(set(prompts))
    number = {prompt: index for index, prompt in enumerate(different)}
    contexts = torch.stack([text.embed(prompt) for prompt in different])
    return contexts, torch.tensor([number[prompt] for prompt in prompts])


def stills(vae: TAESD, count: int, seed: int, style: world.Style = world.Style.PLAIN) -> ClipSet:
    """Pictures with prompts, as clips of one frame."""
    scenes = world.random_scenes(count, torch.Generator().manual_seed(seed))
    latents = encode(vae, world.draw(scenes, style))
    contexts, prompt_of = prompt_set(scenes.prompts())
    return ClipSet(latents[:, None], contexts, prompt_of, text.embed(""))
