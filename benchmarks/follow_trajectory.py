"""A UNet call whose subjects follow a path, against the animated one without: time, and the most
memory that a call takes beyond its start. One path, two words and 13 tokens behind the prompt."""

import comfy.model_management
import numpy as np
import torch
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.trajectories.follow_cross import columns_of
from animatediff_native.trajectories.follow_run import Follow
from animatediff_native.trajectories.follow_trajectory import follow_trajectory
from animatediff_native.trajectories.trajectory import Trajectory

from benchmarks.models import motion_module, sd15
from benchmarks.peak_memory import peak_mib, release_freed_memory
from benchmarks.step_time import FRAMES, LATENT, unet_call
from benchmarks.turns import take_turns

TURNS = 3
LENGTH = 77
WAYS = {
    "cross-attention": {"strength": 0.15},
    "temporal attention": {"strength": 0.0, "outside": 1.0, "temporal": 1.0},
    "spatial attention": {"strength": 0.0, "outside": 1.0, "spatial": 1.0},
    "all three": {"strength": 0.15, "temporal": 1.0, "spatial": 1.0},
}


def path() -> Trajectory:
    """From the left to the right, in a box of 0.3."""
    points = np.stack([np.linspace(0.2, 0.8, FRAMES), np.full(FRAMES, 0.5)], axis=1)[:, None]
    side = 8 * LATENT
    return Trajectory(points, np.ones((FRAMES, 1), bool), np.full((1, 2), 0.3), side, side)


def following(model, temporal: float = 0.0, **settings):
    follow = Follow(path(), columns_of([(2, 3)], range(7, 20)), LENGTH, **settings)
    return follow_trajectory(model, follow, temporal)


def _peak(call) -> float:
    release_freed_memory()
    return peak_mib(call)


def main() -> None:
    with torch.inference_mode():
        base = apply_motion_module(sd15(), motion_module())
        comfy.model_management.load_models_gpu([base, *base.get_nested_additional_models()])
        plain = unet_call(base)
        print(f"{FRAMES} frames, {8 * LATENT} px, {base.load_device}, {base.model_dtype()}")
        for name, settings in WAYS.items():
            call = unet_call(following(base, **settings))
            turns = take_turns(plain, call, TURNS)
            memory = _peak(call) / max(_peak(plain), 1.0)
            print(f"{name}: {turns}; memory, ratio {memory:.2f}", flush=True)
