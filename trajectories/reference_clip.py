"""The clip that a motion is taken from, as latents with noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ..conditions.encode import encoded
from ..conditions.picture import resized
from ..motion.errors import AnimateDiffError, counted

SEED = 0  # of the reference's noise, the same for every run


@dataclass(frozen=True, eq=False)
class ReferenceClip:
    """pixels: [frames or more, H, W, 3 or more] in 0..1; node: the title of the one that has
    it."""

    pixels: torch.Tensor
    vae: Any
    node: str

    def require_frames(self, frames: int) -> None:
        """AnimateDiffError for a clip that has more."""
        count = len(self.pixels)
        if count < frames:
            raise AnimateDiffError(
                f"the clip has {counted(frames, 'frame')}, and images of {self.node} has "
                f"{counted(count, 'picture')}.",
                f"a video of {counted(frames, 'frame')} or more, of which the first ones count",
                f"load more frames of the video, or set batch_size of the latent to {count}.",
            )

    def latents(self, frames: int, shape: tuple[int, ...], model: Any) -> torch.Tensor:
        """[frames, C, h, w] as the model takes them, for a run's latents of C, h, w."""
        height, width = shape[-2:]
        ratio = self.vae.spacial_compression_encode()
        pixels = resized(self.pixels[:frames, ..., :3], height * ratio, width * ratio)
        latents = encoded(self.vae, pixels)
        if tuple(latents.shape[1:]) != tuple(shape):
            raise AnimateDiffError(
                f"the VAE of {self.node} makes latents of {list(latents.shape[1:])} where the "
                f"model samples {list(shape)} (channels, height, width).",
                "the VAE of the checkpoint",
                f"connect the VAE of Load Checkpoint to {self.node}.",
            )
        return model.process_latent_in(latents.float().cpu())


def noisy(latents: torch.Tensor, sigma: float) -> torch.Tensor:
    """With noise of SEED, drawn for all frames at once: x0 + sigma eps."""
    generator = torch.Generator().manual_seed(SEED)
    return latents + sigma * torch.randn(latents.shape, generator=generator)
