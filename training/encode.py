"""From pixels to what is trained on, through the host's VAE, once and before the training."""

import gc
from collections.abc import Callable, Sequence

import comfy.model_management
import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import VAE

from ..motion.errors import AnimateDiffError
from .augment import flipped
from .clip_set import ClipSet
from .prompts import Prompts

Encoder = Callable[[torch.Tensor], torch.Tensor]  # [F, H, W, 3] to [F, C, h, w]


def vae_encoder(vae: VAE, model: ModelPatcher) -> Encoder:
    """Encodes to latents in the model's own scale, on the CPU."""

    def encode(frames: torch.Tensor) -> torch.Tensor:
        return model.model.process_latent_in(vae.encode(frames.float())).float().cpu()

    return encode


def encode_clips(
    clips: Sequence[torch.Tensor],
    names: Sequence[str],
    prompts: Prompts,
    encode: Encoder,
    mirrored: bool,
    on_clip: Callable[[], None],
    still: Sequence[torch.Tensor] = (),
) -> ClipSet:
    """clips: each [F, H, W, 3]; mirrored: each also with left and right exchanged; still: the clips
    with the camera held still, or none."""
    prompt_of = prompts.of_clips(len(clips))
    views = [lambda frames: frames, flipped] if mirrored else [lambda frames: frames]

    def encoded(clips: Sequence[torch.Tensor]) -> torch.Tensor:
        latents = []
        for view in views:
            for name, frames in zip(names, clips, strict=True):
                latents.append(_finite(encode(view(frames)), name))
                on_clip()
        return torch.stack(latents)

    return ClipSet(
        encoded(clips),
        prompts.contexts,
        prompt_of.repeat(len(views)),
        prompts.no_prompt,
        encoded(still) if still else None,
    )


def _finite(latents: torch.Tensor, name: str) -> torch.Tensor:
    if torch.isfinite(latents).all():
        return latents
    raise AnimateDiffError(
        f"the VAE made latents of the clip {name} that are infinite or not a number.",
        "finite latents",
        "start ComfyUI with --fp32-vae, or choose another VAE: one in fp16 can do this. If it is "
        "only this clip, look at its frames.",
    )


def require_vae(vae: VAE, model: ModelPatcher) -> None:
    """Raise AnimateDiffError for a VAE of another kind of model."""
    vae.throw_exception_if_invalid()
    expected = model.model.latent_format.latent_channels
    if vae.latent_channels != expected:
        raise AnimateDiffError(
            f"the VAE makes latents of {vae.latent_channels} channels, and the model takes "
            f"{expected}.",
            "the VAE of an SD1.5 checkpoint",
            "connect the VAE of the same Load Checkpoint.",
        )


def clear_device() -> None:
    """Nothing of the host's models is left on the device, so that training has the room."""
    gc.collect()  # an exception and the tensors that its traceback holds can be a cycle
    comfy.model_management.unload_all_models()
    comfy.model_management.soft_empty_cache()
