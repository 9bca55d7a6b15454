"""The miniature world's models: SD1.5's layout at a fifth of the width.

Not at a tenth: with 32 channels, every group of the group norms is one channel, so that the UNet
cannot know how strong the noise is. On 8 x 8 latents it differs by 4 % from frame to frame, and
what the UNet does not know of stays in the picture.
"""

from pathlib import Path

import comfy.model_management
import comfy.model_patcher
import comfy.supported_models
import torch
from safetensors.torch import load_file, save_file

from tools.sd15_layout import sd15_layout

from .text import CONTEXT_DIM

UNET = sd15_layout(64, (1, 1, 2, 2), CONTEXT_DIM)
FIRST_LAYER = "input_blocks.0.0.weight"
ZEROED = ("out_layers.3", "proj_out", "out.2")  # the branches' last layers, as SD begins


def unet_patcher(weights: dict[str, torch.Tensor] | None = None, seed: int = 0):
    """A MODEL of the miniature world, with these weights or with seeded ones, in fp32. Weights
    with nine input channels make one that the host knows as a model for inpainting."""
    channels = UNET["in_channels"] if weights is None else weights[FIRST_LAYER].shape[1]
    config = comfy.supported_models.SD15({**UNET, "in_channels": channels})
    config.set_inference_dtype(torch.float32, None)
    base = config.get_model({}, device="cpu")
    if weights is None:
        _begin(base.diffusion_model, seed)
    else:
        base.diffusion_model.load_state_dict({k: v.float() for k, v in weights.items()})
    base.diffusion_model.requires_grad_(False)
    return comfy.model_patcher.ModelPatcher(
        base,
        load_device=comfy.model_management.get_torch_device(),
        offload_device=comfy.model_management.unet_offload_device(),
    )


def load_unet(file: Path):
    return unet_patcher(load_file(file))


def save_weights(weights: dict[str, torch.Tensor], file: Path) -> None:
    """fp16, under another name first, so that no reader sees half a file."""
    staged = file.with_name(f"{file.name}.new")
    save_file({key: value.half().contiguous() for key, value in weights.items()}, staged)
    staged.replace(file)


def _begin(unet: torch.nn.Module, seed: int) -> None:
    """Weights to begin training with; the host's layers come without any."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in unet.named_parameters():
            layer = name.rpartition(".")[0]
            if parameter.ndim == 1:
                norm = name.endswith("weight")
                parameter.fill_(1.0 if norm else 0.0)
            elif layer.endswith(ZEROED):
                parameter.zero_()
            else:
                fan_in = parameter[0].numel()
                parameter.normal_(0, fan_in**-0.5, generator=generator)
