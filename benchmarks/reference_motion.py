"""What a reference motion costs: seconds of a guided step beside a plain one, 16 frames at 128 px
with CFG, and the memory that a run takes at most, with and without it."""

import time
from itertools import pairwise

import comfy.sample
import torch
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.step_range import StepRange
from animatediff_native.trajectories.reference_clip import ReferenceClip
from animatediff_native.trajectories.reference_motion import ReferenceMotion, with_reference_motion

from benchmarks.models import motion_module, sd15
from benchmarks.peak_memory import peak_mib, release_freed_memory
from benchmarks.small_models import conditioning
from benchmarks.step_time import FRAMES, LATENT

STEPS, GUIDED = 4, StepRange(0.0, 0.4)  # of which two are guided
TEXT = 768


class Encoded:
    """Stands for the VAE, which runs before the first step."""

    def spacial_compression_encode(self):
        return 8

    def encode(self, pixels):
        return torch.randn(len(pixels), 4, LATENT, LATENT)


def sampled(model) -> list[float]:
    """Seconds of every step."""
    ends = [time.perf_counter()]
    comfy.sample.sample(
        model, torch.randn(FRAMES, 4, LATENT, LATENT), STEPS, 8.0, "euler", "normal",
        conditioning(1, TEXT), conditioning(2, TEXT), torch.zeros(FRAMES, 4, LATENT, LATENT),
        callback=lambda *_: ends.append(time.perf_counter()), disable_pbar=True, seed=1,
    )  # fmt: skip
    return [after - before for before, after in pairwise(ends)]


def main() -> None:
    with torch.inference_mode():
        plain = apply_motion_module(sd15(), motion_module())
        clip = ReferenceClip(torch.rand(FRAMES, 8 * LATENT, 8 * LATENT, 3), Encoded(), "benchmark")
        reference = ReferenceMotion(clip, conditioning(3, TEXT), steps=GUIDED)
        guided = with_reference_motion(plain, reference)
        sampled(plain)  # loads the models
        taken, seconds = {}, {}
        for name, model in (("plain", plain), ("guided", guided)):
            release_freed_memory()

            def run(name=name, model=model) -> None:
                seconds[name] = sampled(model)

            taken[name] = peak_mib(run)
        step = sum(seconds["plain"][1:]) / (STEPS - 1)
        first, second = seconds["guided"][:2]
        print(f"{FRAMES} frames, {8 * LATENT} px, {plain.load_device}, {plain.model_dtype()}")
        print(f"a plain step {step:.1f} s, a guided one {second:.1f} s ({second / step:.1f} times)")
        print(f"the first guided step, which sees the reference, {first:.1f} s")
        print(f"memory of a run {taken['plain']:.0f} MiB, guided {taken['guided']:.0f} MiB")
