"""Seconds of a UNet call over 16 frames at 128 px, plain and animated, and their ratio.

The floor is the ratio of the floating point operations, counted in the same process.
"""

import comfy.model_management
import torch
from animatediff_native.motion.apply import apply_motion_module
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.models import motion_module, sd15
from benchmarks.turns import take_turns

FRAMES, LATENT = 16, 16  # 128 px


def unet_call(model):
    """A function that runs the model's UNet once on one clip, through the host's apply_model."""
    device = model.load_device
    x = torch.randn(FRAMES, 4, LATENT, LATENT, device=device)
    context = torch.randn(FRAMES, 77, 768, device=device)
    sigma = torch.full((FRAMES,), 5.0, device=device)

    def run():
        options = {
            **model.model_options["transformer_options"],
            "wrappers": model.wrappers,
            "cond_or_uncond": [0],
        }
        model.model.current_patcher = model
        return model.model.apply_model(x, sigma, c_crossattn=context, transformer_options=options)

    return run


def flops(run) -> int:
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def main() -> None:
    with torch.inference_mode():
        plain = sd15()
        animated = apply_motion_module(plain, motion_module())
        comfy.model_management.load_models_gpu([animated, *animated.get_nested_additional_models()])
        base, other = unet_call(plain), unet_call(animated)
        print(f"{FRAMES} frames, {8 * LATENT} px, {plain.load_device}, {plain.model_dtype()}")
        print(f"floating point operations: ratio {flops(other) / flops(base):.3f}")
        print(f"plain and animated UNet call: {take_turns(base, other)}")
