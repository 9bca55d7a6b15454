"""The text-to-image models: the base, trained on stills, and the two personalised ones."""

import torch
from animatediff_native.training.clip_set import Batch, ClipSet
from comfy.taesd.taesd import TAESD
from torch import nn

from . import text, world

AMPLITUDE = 0.25  # the logarithm of the noise's strength goes up to this, both ways


class PlainUNet:
    """Predicts noise with the UNet alone, on AnimateDiff's schedule.

    A latent of 8 x 8 holds 256 numbers, so that the noise of a picture is a few per cent stronger
    or weaker than it should be. A UNet that has only seen noise of the right strength leaves the
    excess in the picture; this one sees other strengths and learns to tell them.
    """

    def __init__(self, unet: nn.Module):
        self.unet = unet
        betas = torch.linspace(0.00085, 0.012, 1000, dtype=torch.float64)
        self.kept = torch.cumprod(1 - betas, 0).float()  # of the signal's variance
        self.sigmas = ((1 - self.kept) / self.kept).sqrt()

    def __call__(self, batch: Batch, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        kept = self.kept[t][:, None, None, None, None]
        strength = _strengths(t)[:, None, None, None, None]
        noisy = kept.sqrt() * batch.latents + (1 - kept).sqrt() * strength * noise
        predicted = self.denoise(noisy.flatten(0, 1), t, batch)
        return predicted.unflatten(0, noise.shape[:2]) / strength

    def denoise(self, noisy: torch.Tensor, t: torch.Tensor, batch: Batch) -> torch.Tensor:
        """noisy, result: [clips, C, h, w]."""
        return self.unet(noisy, t, context=batch.context)


def _strengths(t: torch.Tensor) -> torch.Tensor:
    """Spread evenly, and the same for the same timesteps: nothing more is drawn."""
    even = (t * 0.618034 + torch.arange(len(t)) * 0.754878) % 1
    return torch.exp(AMPLITUDE * (2 * even - 1))


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
    return of_scenes(vae, world.random_scenes(count, torch.Generator().manual_seed(seed)), style)


def of_scenes(vae: TAESD, scenes: world.Scenes, style: world.Style = world.Style.PLAIN) -> ClipSet:
    latents = encode(vae, world.draw(scenes, style))
    contexts, prompt_of = prompt_set(scenes.prompts())
    return ClipSet(latents[:, None], contexts, prompt_of, text.embed(""))
