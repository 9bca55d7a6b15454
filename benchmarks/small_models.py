"""An SD1.5 UNet and a motion module at a tenth of the width, with random weights that matter:
scaled by fan-in, so that activations and the frames' influence on each other stay alive."""

import comfy.model_management
import comfy.model_patcher
import comfy.supported_models
import torch
from animatediff_native.motion.config import Layout, MotionConfig, Version, sd15_sites
from animatediff_native.motion.detect import expected_shapes
from animatediff_native.motion.load import MotionModule, build_patcher
from animatediff_native.motion.positions import sinusoidal_positions

from tools.sd15_layout import sd15_layout

WIDTHS = (32, 64, 128, 128)
CONTEXT_DIM = 16


def small_sd15() -> comfy.model_patcher.ModelPatcher:
    """The full block layout in fp32."""
    config = comfy.supported_models.SD15(sd15_layout(WIDTHS[0], context_dim=CONTEXT_DIM))
    config.set_inference_dtype(torch.float32, None)
    base = config.get_model({}, device=comfy.model_management.unet_offload_device())
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in base.diffusion_model.parameters():
            parameter.copy_(_random(parameter.shape, generator))
    patcher = getattr(comfy.model_patcher, "CoreModelPatcher", comfy.model_patcher.ModelPatcher)
    device = comfy.model_management.get_torch_device()
    return patcher(base, device, comfy.model_management.unet_offload_device())


def small_motion_module() -> MotionModule:
    """A v3 module with the usual position table."""
    levels = {"down": lambda site: site.level, "up": lambda site: 3 - site.level}
    channels = {site: WIDTHS[levels[site.block](site)] for site in sd15_sites(False)}
    config = MotionConfig(Version.V3, Layout.ORIGINAL, channels, 32, False)
    generator = torch.Generator().manual_seed(1)
    tensors = {
        key: sinusoidal_positions(*shape[1:]) if key.endswith(".pe") else _random(shape, generator)
        for key, shape in expected_shapes(config).items()
    }
    return MotionModule("small v3", config, build_patcher(config, tensors))


def _random(shape, generator: torch.Generator) -> torch.Tensor:
    if len(shape) == 1:
        return 1 + 0.1 * torch.randn(shape, generator=generator)
    fan_in = torch.Size(shape[1:]).numel()
    return torch.randn(shape, generator=generator) * fan_in**-0.5


def conditioning(seed: int, dim: int = CONTEXT_DIM) -> list:
    """One prompt's conditioning, in the host's form."""
    generator = torch.Generator().manual_seed(seed)
    return [[torch.randn(1, 77, dim, generator=generator), {}]]
