"""What deep levels that share frames save: a UNet call without and with it, in time and in
arithmetic. What it costs in exactness is measured in the miniature world (`make claims`)."""

import comfy.model_management
import torch
from animatediff_native.motion.apply import apply_frame_sharing, apply_motion_module

from benchmarks.models import motion_module, sd15
from benchmarks.step_time import FRAMES, LATENT, flops, unet_call
from benchmarks.turns import take_turns

TURNS = 5


def main() -> None:
    with torch.inference_mode():
        base = apply_motion_module(sd15(), motion_module())
        comfy.model_management.load_models_gpu([base, *base.get_nested_additional_models()])
        whole = flops(unet_call(base))
        print(f"{FRAMES} frames, {8 * LATENT} px, {base.load_device}, {base.model_dtype()}")
        for levels in (1, 2, 3):
            shared = apply_frame_sharing(base, levels)
            turns = take_turns(unet_call(base), unet_call(shared), TURNS)
            saved = 1 - flops(unet_call(shared)) / whole
            print(f"levels {levels}: {turns}; arithmetic saved {100 * saved:.0f} %")
