"""A ControlLoRA for the tiny model: it rebuilds the host's UNet encoder from the live UNet."""

import comfy.cldm.cldm
import comfy.controlnet
import torch

from . import tiny

OWN_PARTS = ("input_hint_block.", "zero_convs.", "middle_block_out.")


def control_lora(frames: int, size: int = 8, seed: int = 0) -> comfy.controlnet.ControlLora:
    """With seeded weights and a hint per frame, ready to be put into a conditioning."""
    unet_config = {k: v for k, v in tiny.UNET_CONFIG.items() if k != "out_channels"}
    net = comfy.cldm.cldm.ControlNet(
        **unet_config, hint_channels=3, dtype=torch.float32, device="cpu"
    )
    tiny.fill_randomly(net, seed)
    own = {k: v for k, v in net.state_dict().items() if k.startswith(OWN_PARTS)}
    weights = {"lora_controlnet": torch.tensor([]), **own}
    control = comfy.controlnet.ControlLora(weights, global_average_pooling=False)
    generator = torch.Generator().manual_seed(seed)
    hints = torch.rand(frames, 3, 8 * size, 8 * size, generator=generator)
    return control.set_cond_hint(hints, 0.5, (0.0, 1.0))
