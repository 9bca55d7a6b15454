"""Full-size models with random weights: speed and memory do not depend on what they paint."""

import comfy.model_management
import comfy.model_patcher
import comfy.supported_models
import torch
from animatediff_native.motion.config import Layout, MotionConfig, Version, sd15_sites
from animatediff_native.motion.detect import expected_shapes
from animatediff_native.motion.load import MotionModule, build_patcher

from tools.sd15_layout import sd15_layout

LEVEL_CHANNELS = (320, 640, 1280, 1280)


def sd15() -> comfy.model_patcher.ModelPatcher:
    """SD1.5's UNet in the dtype that the host would choose."""
    device = comfy.model_management.get_torch_device()
    dtype = comfy.model_management.unet_dtype(device=device, model_params=860_000_000)
    config = comfy.supported_models.SD15(sd15_layout())
    config.set_inference_dtype(dtype, comfy.model_management.unet_manual_cast(dtype, device))
    base = config.get_model({}, device=comfy.model_management.unet_offload_device())
    with torch.no_grad():
        for parameter in base.diffusion_model.parameters():
            parameter.normal_(std=0.02)
    patcher = getattr(comfy.model_patcher, "CoreModelPatcher", comfy.model_patcher.ModelPatcher)
    return patcher(base, device, comfy.model_management.unet_offload_device())


def motion_module(version: Version = Version.V2) -> MotionModule:
    """A full-size motion module."""
    channels = {}
    for site in sd15_sites(version in (Version.V2, Version.ANIMATE_LCM)):
        level = {"down": site.level, "up": 3 - site.level, "mid": 3}[site.block]
        channels[site] = LEVEL_CHANNELS[level]
    config = MotionConfig(version, Layout.ORIGINAL, channels, 32, version is Version.V1)
    tensors = {k: torch.randn(shape) * 0.02 for k, shape in expected_shapes(config).items()}
    return MotionModule(f"random {version.value}", config, build_patcher(config, tensors))
