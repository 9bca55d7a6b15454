"""Strengths by frame in a clip that is sampled in windows: they belong to the clip's frames."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import comfy.sample
import pytest
import torch
from adn_testing import tiny
from adn_testing.lora_files import motion_lora
from animatediff_native.lora.apply import with_motion_lora
from animatediff_native.lora.chain import LoraUse
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.frame_strengths import FrameStrengths, WrongLength
from animatediff_native.samplers import context_handler
from animatediff_native.samplers.clip_run import set_windows
from animatediff_native.samplers.context_handler import ContextWindows
from animatediff_native.samplers.fuse import Fuse
from animatediff_native.samplers.windows import Schedule, WindowPlan

pytestmark = pytest.mark.usefixtures("inference")

WINDOW, FRAMES = 8, 16
STRENGTHS = [i / (FRAMES - 1) for i in range(FRAMES)]
TOLERANCE = 1e-4  # batches of another size round differently, see test_lora_by_frame


def animated(plain, module, strengths):
    use = LoraUse(motion_lora(1), 1.0, FrameStrengths(tuple(strengths), WrongLength.ERROR))
    return apply_motion_module(plain, with_motion_lora(module, (use,)))


def sample(model, noise):
    """Euler, whose frames depend on each other through the model alone."""
    positive, negative = tiny.conditioning(1), tiny.conditioning(3)
    latent = torch.zeros_like(noise)
    return comfy.sample.sample(
        model, noise, 3, 4.0, "euler", "normal", positive, negative, latent,
        seed=5, disable_pbar=True,
    )  # fmt: skip


@pytest.mark.parametrize("per_call", [1, 2])
def test_windows_without_overlap_are_clips_of_their_own(monkeypatch, per_call):
    monkeypatch.setattr(context_handler, "windows_per_call", lambda *_: per_call)
    plain, module, noise = tiny.model(), tiny.motion_module("v2"), tiny.noise(FRAMES)
    apart = torch.cat(
        [
            sample(animated(plain, module, STRENGTHS[part]), noise[part])
            for part in (slice(0, WINDOW), slice(WINDOW, FRAMES))
        ]
    )
    model = animated(plain, module, STRENGTHS)
    plan = WindowPlan(WINDOW, 0, schedule=Schedule.BATCHED)
    set_windows(model, ContextWindows(plan, Fuse.FLAT))
    together = sample(model, noise)
    assert ((together - apart).abs().max() / apart.std()).item() <= TOLERANCE
    backwards = animated(plain, module, STRENGTHS[::-1])
    set_windows(backwards, ContextWindows(plan, Fuse.FLAT))
    other = sample(backwards, noise)
    assert ((other - apart).abs().max() / apart.std()).item() > 1e-2
