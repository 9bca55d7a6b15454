"""What a motion strength that differs by frame, area and step costs: a UNet call with and without.

Goal: 1.02 times the call without; attention strength also multiplies the keys.
"""

from dataclasses import replace

import comfy.model_management
import torch
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.frame_strengths import given_strengths
from animatediff_native.motion.keyframes import read_step_keyframes
from animatediff_native.motion.motion_strength import Kind, StrengthField, strength_effects

from benchmarks.models import motion_module, sd15
from benchmarks.step_time import FRAMES, LATENT, unet_call
from benchmarks.turns import take_turns

TURNS = 9


def field(kind: Kind) -> StrengthField:
    return StrengthField(
        1.0,
        kind,
        frames=given_strengths([i / FRAMES for i in range(1, FRAMES + 1)]),
        steps=read_step_keyframes("0: 1, 1: 0.5"),
        area=torch.rand(FRAMES, 8 * LATENT, 8 * LATENT),
        outside=0.1,
    )


def main() -> None:
    with torch.inference_mode():
        plain, module = sd15(), motion_module()
        base = apply_motion_module(plain, module)
        comfy.model_management.load_models_gpu([base, *base.get_nested_additional_models()])
        print(f"{FRAMES} frames, {8 * LATENT} px, {plain.load_device}, {plain.model_dtype()}")
        for kind in Kind:
            strong = apply_motion_module(
                plain, replace(module, effects=strength_effects((field(kind),)))
            )
            turns = take_turns(unet_call(base), unet_call(strong), TURNS)
            print(f"UNet call without and with {kind.value} strength: {turns}")
