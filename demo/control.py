"""A miniature ControlNet in the format of the first ones (Zhang and Agrawala, "Adding Conditional
Control to Text-to-Image Diffusion Models", 2023): silhouettes steer, as depth pictures do.
"""

from copy import deepcopy
from pathlib import Path
from typing import Any

import comfy.cldm.cldm
import comfy.controlnet
import comfy.model_management
import comfy.ops
import torch
from safetensors.torch import load_file
from torch import nn

from . import world
from .models import UNET

HINT_CHANNELS = 3
ZERO_LAYERS = ("zero_convs", "middle_block_out", "input_hint_block.14")


def hint_of(scenes: world.Scenes) -> torch.Tensor:
    """White where the shape is, [N, 3, H, W]."""
    return world.silhouettes(scenes)[:, None].expand(-1, HINT_CHANNELS, -1, -1)


def new(unet: nn.Module, seed: int) -> nn.Module:
    """The UNet's encoder with hint layers that say nothing yet."""
    control = _layers()
    weights = unet.state_dict()
    own = control.state_dict()
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in own.items():
        if name.startswith(ZERO_LAYERS) or (name not in weights and tensor.ndim == 1):
            own[name] = torch.zeros_like(tensor)
        elif name in weights:
            own[name] = weights[name].clone()
        else:
            deviation = (2 / tensor[0].numel()) ** 0.5
            own[name] = deviation * torch.randn(tensor.shape, generator=generator)
    control.load_state_dict(own)
    return control


def load(file: Path) -> comfy.controlnet.ControlNet:
    """A CONTROL_NET for the host's nodes."""
    control = _layers()
    control.load_state_dict({key: value.float() for key, value in load_file(file).items()})
    device = comfy.model_management.get_torch_device()
    return comfy.controlnet.ControlNet(control.requires_grad_(False), load_device=device)


def steered(
    conditioning: list,
    net: comfy.controlnet.ControlNet,
    hint: torch.Tensor,
    strength: float = 1.0,
    vae: Any = None,
) -> list:
    """What Apply ControlNet does: hint [F, C, H, W], one picture per frame."""
    control = net.copy().set_cond_hint(hint, strength, (0.0, 1.0), vae=vae)
    more = {"control": control, "control_apply_to_uncond": True}
    return [[embedding, {**options, **more}] for embedding, options in conditioning]


def _layers() -> nn.Module:
    config = {key: value for key, value in deepcopy(UNET).items() if key != "out_channels"}
    return comfy.cldm.cldm.ControlNet(
        **config,
        hint_channels=HINT_CHANNELS,
        dtype=torch.float32,
        operations=comfy.ops.disable_weight_init,
    )
