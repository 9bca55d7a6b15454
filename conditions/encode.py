"""Pictures through a VAE, also in the middle of a sampling."""

from typing import Any

import comfy.model_management
import torch


def encoded(vae: Any, pixels: torch.Tensor) -> torch.Tensor:
    """The VAE's latents of pixels [n, H, W, 3]. The models of a sampling that is under way, which
    the VAE may drive off the device, are there again afterwards."""
    at_work = _at_work()
    latents = vae.encode(pixels)
    comfy.model_management.load_models_gpu(at_work)
    return latents


def _at_work() -> list[Any]:
    """None before a sampling begins, when there is nothing to bring back. The host lists some that
    are gone, too: of a run that broke off."""
    loaded = comfy.model_management.loaded_models(only_currently_used=True)
    loaded = [each for each in loaded if each is not None]
    under_way = any(getattr(each.model, "current_patcher", None) is not None for each in loaded)
    return loaded if under_way else []
