"""How much a clip changes where windows meet, against inside of them.

Per schedule and fuse, from plain noise and from FreeNoise: the mean change between neighbouring
frames that do not share all windows of the last step, over that between frames that do; the
change from the last frame to the first over the same; and noise frames that stand twice in a
window. 1 is no seam. Where every frame has noise of its own, that hides most of a seam; the third
part starts all frames from one noise frame, so that only the windows tell them apart. Random
weights on a small UNet: the figures compare settings and say nothing about beauty.
"""

from itertools import pairwise, product

import comfy.sample
import torch
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.samplers.clip_run import set_windows
from animatediff_native.samplers.context_handler import ContextWindows
from animatediff_native.samplers.free_noise import NoiseOrder, noise_order
from animatediff_native.samplers.fuse import Fuse
from animatediff_native.samplers.windows import Schedule, Window, WindowPlan

from benchmarks.small_models import conditioning, small_motion_module, small_sd15

FRAMES, LENGTH, OVERLAP, STEPS, LATENT, CFG = 22, 8, 4, 3, 8, 1.0
NOISES = ("plain", "FreeNoise", "one frame")


def sampled(model, order: list[int]) -> torch.Tensor:
    """A clip [F, 4, h, w] from seeded noise in this order."""
    latent = torch.zeros(FRAMES, 4, LATENT, LATENT)
    return comfy.sample.sample(
        model,
        comfy.sample.prepare_noise(latent, 3, order),
        STEPS,
        CFG,
        "euler",
        "normal",
        conditioning(1),
        conditioning(2),
        latent,
        seed=3,
        disable_pbar=True,
    )


def seams(clip: torch.Tensor, windows: list[Window]) -> tuple[float, float]:
    """(joins, loop): change where windows meet and from end to beginning, over that inside."""
    seen_by = [{i for i, w in enumerate(windows) if frame in w} for frame in range(FRAMES)]
    change = [float((b - a).square().mean().sqrt()) for a, b in pairwise(clip)]
    alike = [before == after for before, after in pairwise(seen_by)]
    inside = [c for c, same in zip(change, alike, strict=True) if same]
    across = [c for c, same in zip(change, alike, strict=True) if not same]
    level = sum(inside) / len(inside)
    loop = float((clip[0] - clip[-1]).square().mean().sqrt())
    return sum(across) / len(across) / level, loop / level


def order_of(noise: str, plan: WindowPlan) -> list[int]:
    """The noise frame of each frame."""
    if noise == "FreeNoise":
        return noise_order(plan, FRAMES, NoiseOrder.ANY, seed=5)
    return list(range(FRAMES)) if noise == "plain" else [0] * FRAMES


def duplicates(plan: WindowPlan, order: list[int]) -> int:
    """Noise frames beyond the first of their kind in a window, over all windows of the run."""
    windows = [window for step in range(STEPS) for window in plan.windows(FRAMES, step)]
    return sum(len(w) - len({order[frame] for frame in w}) for w in windows)


def main() -> None:
    with torch.inference_mode():
        animated = apply_motion_module(small_sd15(), small_motion_module())
        print(f"{FRAMES} frames in windows of {LENGTH}, overlap {OVERLAP}, {STEPS} steps")
        print(f"{'noise':10} {'schedule':9} {'fuse':15} {'joins':>6} {'loop':>6} {'repeats':>8}")
        for noise, schedule, fuse in product(NOISES, Schedule, Fuse):
            plan = WindowPlan(LENGTH, OVERLAP, 1, schedule)
            order = order_of(noise, plan)
            repeats = "-" if noise == "one frame" else duplicates(plan, order)
            windowed = animated.clone()
            set_windows(windowed, ContextWindows(plan, fuse))
            joins, loop = seams(sampled(windowed, order), plan.windows(FRAMES, STEPS - 1))
            print(
                f"{noise:10} {schedule.value:9} {fuse.value:15} {joins:6.3f} {loop:6.3f} "
                f"{repeats:>8}",
                flush=True,
            )
