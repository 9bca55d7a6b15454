"""What a long clip costs: seconds per frame and peak memory at 32, 128 and 512 frames.

Overlapping windows sample some frames twice; seconds are per frame that goes through the UNet,
so that they are equal where the cost grows with the clip and nothing else. Without an
accelerator they are seconds of the processor, which other work on the machine hardly changes.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import comfy.sample
import torch
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.samplers.clip_run import set_windows
from animatediff_native.samplers.context_handler import ContextWindows
from animatediff_native.samplers.windows import WindowPlan

from benchmarks.models import motion_module, sd15
from benchmarks.peak_memory import MIB, peak_mib
from benchmarks.small_models import conditioning
from benchmarks.turns import seconds

LENGTHS = (32, 128, 512)
STEPS, LATENT = 1, 8


def sampling(model, frames: int):
    """A function that samples a clip without CFG."""
    noise = torch.randn(frames, 4, LATENT, LATENT, generator=torch.Generator().manual_seed(1))

    def run():
        return comfy.sample.sample(
            model,
            noise,
            STEPS,
            1.0,
            "euler",
            "normal",
            conditioning(1, 768),
            conditioning(2, 768),
            torch.zeros_like(noise),
            disable_pbar=True,
        )

    return run


class Cost(NamedTuple):
    """frames: of the clip; through: that went through the UNet; milliseconds: per one of those;
    peak: MiB beyond the latents of the clip."""

    frames: int
    through: int
    milliseconds: float
    peak: float


def measured(run: Callable[[], object], frames: int, through: int) -> Cost:
    spent: list[float] = []
    clock = seconds if torch.cuda.is_available() else _processor_seconds
    peak = peak_mib(lambda: spent.append(clock(run)))
    latents = 4 * LATENT * LATENT * torch.float32.itemsize * frames / MIB
    return Cost(frames, through, 1000 * spent[0] / through, peak - latents)


def _processor_seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def described(cost: Cost, shortest: Cost) -> str:
    return (
        f"{cost.frames:4} frames: overlap factor {cost.through / cost.frames / STEPS:.2f}, "
        f"{cost.milliseconds:.1f} ms per frame, {cost.milliseconds / shortest.milliseconds:.3f} "
        f"of that at {shortest.frames}; peak {cost.peak:.0f} MiB beyond the latents, "
        f"{cost.peak / shortest.peak:.2f} of that at {shortest.frames}"
    )


def main() -> None:
    plan = WindowPlan()
    with torch.inference_mode():
        model = apply_motion_module(sd15(), motion_module())
        set_windows(model, ContextWindows(plan))
        print(f"windows of {plan.length} frames, {8 * LATENT} px, {model.load_device}")
        sampling(model, plan.length)()  # unmeasured: the models are loaded
        shortest: Cost | None = None
        for frames in LENGTHS:
            through = STEPS * sum(len(window) for window in plan.windows(frames))
            cost = measured(sampling(model, frames), frames, through)
            shortest = shortest or cost
            print(described(cost, shortest), flush=True)
