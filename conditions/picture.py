"""A picture that a clip begins with, as latents of the size that is sampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import comfy.latent_formats
import comfy.utils
import torch

from ..motion.beside import LATENT_CHANNELS
from ..motion.config import Version
from ..motion.errors import AnimateDiffError, counted
from ..motion.known_files import where_from
from .encode import encoded

if TYPE_CHECKING:
    from ..motion.load import MotionModule
    from ..motion.run import MotionRun


@dataclass(frozen=True, eq=False)
class Picture:
    """pixels: [1 or clips, H, W, 3 or more] in 0..1; node: the title of the one that has it."""

    pixels: torch.Tensor
    vae: Any
    node: str

    def latents(self, run: MotionRun) -> torch.Tensor:
        """[clips, 4, h, w], as the UNet takes them, for a run's latents of h x w.

        Resized before the VAE, as pixels, and cropped around the middle, so that a latent of any
        size has a sharp picture.
        """
        pixels = self._of_each_clip(run.application.clips)
        height, width = run.size
        ratio = self.vae.spacial_compression_encode()
        latents = encoded(self.vae, resized(pixels[..., :3], height * ratio, width * ratio))
        self._require_size(latents, run.size)
        latents = comfy.latent_formats.SD15().process_in(latents.float().cpu())
        return latents.expand(run.application.clips, -1, -1, -1)

    def _of_each_clip(self, clips: int) -> torch.Tensor:
        count = self.pixels.shape[0]
        if count in (1, clips):
            return self.pixels
        of_clips = "" if clips == 1 else f", or {clips}: one for each clip of Apply Motion Module"
        raise AnimateDiffError(
            f"image of {self.node} has {counted(count, 'picture')}.",
            f"one picture{of_clips}",
            "take one out of the batch with ComfyUI's ImageFromBatch.",
        )

    def _require_size(self, latents: torch.Tensor, size: tuple[int, int]) -> None:
        wanted = [LATENT_CHANNELS, *size]
        if list(latents.shape[1:]) != wanted:
            raise AnimateDiffError(
                f"the VAE of {self.node} makes latents of {list(latents.shape[1:])} where the "
                f"model samples {wanted} (channels, height, width).",
                "the VAE of an SD1.5 checkpoint",
                f"connect the VAE of Load Checkpoint to {self.node}.",
            )

    def require_whole(self, x: torch.Tensor, size: tuple[int, int]) -> None:
        """AnimateDiffError for x [n, C, h, w] of another size than the run's: a part of it."""
        if tuple(x.shape[-2:]) != size:
            raise AnimateDiffError(
                f"the model was given latents of {x.shape[-2]} x {x.shape[-1]} in a run of "
                f"{size[0]} x {size[1]} (height x width): {self.node} cannot tell which part of "
                "the picture that is.",
                "latents of one size in a run",
                "take prompts for areas, and tiles, out of the workflow; "
                "prompts with masks (set_cond_area 'default') work.",
            )


def require_picture_module(module: MotionModule, version: Version, file: str, node: str) -> None:
    """AnimateDiffError unless the motion module animates a picture by this node, and has none yet.

    file: the published one of the version.
    """
    if module.config.version is not version:
        raise AnimateDiffError(
            f"{node} was given '{module.file}', a motion module of the kind "
            f"{module.config.version.value}.",
            f"a {version.value} motion module",
            f"choose {where_from(file)} in Load Motion Module, or take {node} out.",
        )
    if any(effect.picture_for is version for effect in module.effects):
        raise AnimateDiffError(
            f"the motion module that {node} was given has a picture already.",
            "one picture for each use of a motion module",
            f"connect {node} to Load Motion Module, or take one of the two out.",
        )


def resized(pixels: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """[n, height, width, 3]; the very pixels where the size is right."""
    if tuple(pixels.shape[1:3]) == (height, width):
        return pixels
    moved = pixels.movedim(-1, 1)
    return comfy.utils.common_upscale(moved, width, height, "lanczos", "center").movedim(1, -1)
