"""A tiny SD1.5 model in memory: the full block layout at a tenth of the width."""

from typing import Any

import comfy.model_management
import comfy.model_patcher
import comfy.sample
import comfy.samplers
import comfy.supported_models
import torch
from animatediff_native.motion.detect import read_motion_module
from animatediff_native.motion.load import MotionModule, build_patcher

from tools.sd15_layout import sd15_layout

from . import motion_files

CONTEXT_DIM = 16
UNET_CONFIG = sd15_layout(32, context_dim=CONTEXT_DIM)


def model(seed: int = 0, config_class: Any = comfy.supported_models.SD15, **unet_config):
    """A ModelPatcher around an SD1.5 UNet of 8.5 M seeded random weights, on the host's device."""
    config = config_class({**UNET_CONFIG, **unet_config})
    config.set_inference_dtype(torch.float32, None)
    base = config.get_model({}, device="cpu")
    fill_randomly(base.diffusion_model, seed)
    return comfy.model_patcher.ModelPatcher(
        base,
        load_device=comfy.model_management.get_torch_device(),
        offload_device=comfy.model_management.unet_offload_device(),
    )


def model_cast(weights: torch.dtype, seed: int = 0):
    """The same with weights that the host casts to float32 in every layer."""
    cast = model(seed)
    config = comfy.supported_models.SD15(UNET_CONFIG)
    config.set_inference_dtype(weights, torch.float32)
    base = config.get_model({}, device="cpu")
    base.diffusion_model.load_state_dict(cast.model.diffusion_model.state_dict())
    return comfy.model_patcher.ModelPatcher(base, cast.load_device, cast.offload_device)


def fill_randomly(module: torch.nn.Module, seed: int) -> None:
    """Seeded weights of a scale that keeps activations alive; the host leaves them unset."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.ndim > 1:
                fan_in = parameter[0].numel()
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * fan_in**-0.5)
            else:
                one = 1.0 if name.endswith("weight") else 0.0
                parameter.copy_(one + 0.1 * torch.randn(parameter.shape, generator=generator))


def motion_module(version: str = "v2", seed: int = 0, **options) -> MotionModule:
    """A motion module that fits the tiny model, in memory."""
    tensors = motion_files.original(version, seed, **options)
    config, tensors = read_motion_module(tensors, f"{version}.safetensors")
    return MotionModule(f"{version}.safetensors", config, build_patcher(config, tensors))


def conditioning(seed: int = 1, **extra) -> list:
    """One prompt's conditioning, in the host's form."""
    generator = torch.Generator().manual_seed(seed)
    return [[torch.randn(1, 7, CONTEXT_DIM, generator=generator), dict(extra)]]


def noise(frames: int = 8, size: int = 8, seed: int = 2) -> torch.Tensor:
    return torch.randn(frames, 4, size, size, generator=torch.Generator().manual_seed(seed))


def sample(model, frames: int = 8, steps: int = 3, cfg: float = 4.0, sampler: str = "euler",
           scheduler: str = "normal", latent=None, positive=None, negative=None,
           size: int = 8, **options) -> torch.Tensor:  # fmt: skip
    """What KSampler does with the model, on seeded noise."""
    latent = torch.zeros(frames, 4, size, size) if latent is None else latent
    return comfy.sample.sample(
        model,
        noise(latent.shape[0], size),
        steps,
        cfg,
        sampler,
        scheduler,
        conditioning(1) if positive is None else positive,
        conditioning(3) if negative is None else negative,
        latent,
        seed=5,
        disable_pbar=True,
        **options,
    )


def model_that_ran():
    """The model after a first run: on loading it the host marks its modules."""
    ran = model()
    with torch.inference_mode():
        sample(ran, steps=1)
    return ran
