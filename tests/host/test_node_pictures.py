"""What every frame gets is shown on the nodes that decide it, once."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

import time

import pytest
import torch
from adn_testing import tiny
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.context_windows import ContextWindows
from animatediff_native.nodes.continue_clip import ContinueClip
from animatediff_native.nodes.frame_prompt import FramePromptStrengths
from animatediff_native.nodes.free_noise import FreeNoise
from animatediff_native.nodes.motion_lora import MakeFrameStrengths
from animatediff_native.nodes.motion_module import ApplyMotionModule
from animatediff_native.nodes.noise_schedule import NoiseSchedule
from animatediff_native.nodes.views import Views
from animatediff_native.samplers.beta_schedule import BetaSchedule

pytestmark = pytest.mark.usefixtures("inference")
LONGEST = 0.05  # seconds; a busy machine gets several tries


def pictures(output) -> int:
    return 0 if output.ui is None else len(output.ui.as_dict()["images"])


def latent(frames: int) -> dict:
    return {"samples": torch.zeros(frames, 4, 8, 8)}


def windows(model, length=16, **inputs):
    return ContextWindows.execute(model, length, 4, 1, "static", "pyramid", **inputs)



def test_nodes_with_windows_parts_and_orders():
    shown = [
        windows(tiny.model()),
        windows(tiny.model(), latent=latent(48)),
        Views.execute(tiny.motion_module("v3"), 16, 4, "static", "pyramid"),
        FreeNoise.execute(latent(32), 16, 4, 0),
        FreeNoise.execute(latent(32), 16, 4, 0, first_frame=32),
        FreeNoise.execute(latent(16), 16, 4, 0),
        ContinueClip.execute(latent(64), 0, 32, 8),
        NoiseSchedule.execute(tiny.model(), BetaSchedule.LINEAR.value),
        MakeFrameStrengths.execute("0: 0, 7: 1", 8),
    ]
    assert [pictures(output) for output in shown] == [1] * len(shown)


@pytest.mark.parametrize(("factors", "count"), [([0.0, 0.5, 1.0], 1), ([0.5], 0)])
def test_nodes_that_multiply(factors, count):
    """One number for all frames needs no picture."""
    prompt = [[torch.zeros(1, 77, 8), {}]]
    assert pictures(FramePromptStrengths.execute(prompt, factors)) == count


def test_a_picture_is_made_at_once():
    model, took = tiny.model(), []
    for _ in range(5):
        began = time.perf_counter()
        windows(model, latent=latent(64))
        took.append(time.perf_counter() - began)
    assert min(took) < LONGEST


def animated(model):
    return apply_motion_module(model, tiny.motion_module("v3"))


def test_windows_that_the_motion_module_cannot_see_are_an_error_here():
    with pytest.raises(AnimateDiffError, match=r"a context window has 40 frames.*can see 32"):
        windows(animated(tiny.model()), 40, latent=latent(64))


def test_the_same_where_the_motion_module_comes_later():
    model = windows(tiny.model(), 40, latent=latent(64))[0]
    with pytest.raises(AnimateDiffError, match=r"a context window has 40 frames.*can see 32"):
        ApplyMotionModule.execute(model, tiny.motion_module("v3"), 1.0, "auto", 0.0, 1.0)


@pytest.mark.parametrize("frames", [None, 24])
def test_long_windows_of_a_clip_that_is_short_or_not_known_are_none(frames):
    given = {} if frames is None else {"latent": latent(frames)}
    windows(animated(tiny.model()), 40, **given)
    model = windows(tiny.model(), 40, **given)[0]
    ApplyMotionModule.execute(model, tiny.motion_module("v3"), 1.0, "auto", 0.0, 1.0)
