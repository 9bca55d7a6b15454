"""Several clips in one batch: each is a clip of its own."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import comfy.sample
import pytest
import torch
from adn_testing import tiny
from adn_testing.probes import windowed
from adn_testing.unet_call import relative_error
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.samplers.clip_run import set_automatic_windows
from animatediff_native.samplers.windows import Schedule, WindowPlan

OTHER_BATCH = (
    1e-2  # batches of another size round differently; another clip's frames make more than 1
)

pytestmark = pytest.mark.usefixtures("inference")


def assert_clips_apart(both, one_clip):
    """Each half is what the model for one clip makes of its noise."""
    for clip in range(2):
        frames = slice(8 * clip, 8 * clip + 8)
        by_itself = comfy.sample.sample(
            one_clip, tiny.noise(16)[frames], 3, 4.0, "euler", "normal",
            tiny.conditioning(1), tiny.conditioning(3), torch.zeros(8, 4, 8, 8),
            seed=5, disable_pbar=True,
        )  # fmt: skip
        assert relative_error(both[frames], by_itself) <= OTHER_BATCH


def test_two_clips_in_a_batch_are_two_clips():
    """Each as when it is sampled by itself, and not one clip of twice the length."""
    plain, module = tiny.model(), tiny.motion_module("v2")
    both = tiny.sample(apply_motion_module(plain, module, clips=2), frames=16)
    assert_clips_apart(both, apply_motion_module(plain, module))
    assert not torch.allclose(both, tiny.sample(apply_motion_module(plain, module), frames=16))


def test_two_clips_in_windows_of_their_own():
    plain, module = tiny.model(), tiny.motion_module("v2")
    plan = WindowPlan(4, 2, 1, Schedule.STATIC)
    both = tiny.sample(windowed(apply_motion_module(plain, module, clips=2), plan), frames=16)
    assert_clips_apart(both, windowed(apply_motion_module(plain, module), plan))


def test_prompts_for_the_frames_of_a_clip_are_for_every_clip():
    plain, module = tiny.model(), tiny.motion_module("v2")
    generator = torch.Generator().manual_seed(9)
    frames = torch.randn(8, 7, tiny.CONTEXT_DIM, generator=generator)
    model = apply_motion_module(plain, module, clips=2)
    set_automatic_windows(model, 32)
    once = tiny.sample(model, frames=16, positive=[[frames, {}]])
    written_out = tiny.sample(model, frames=16, positive=[[frames.repeat(2, 1, 1), {}]])
    assert relative_error(once, written_out) <= OTHER_BATCH
    with pytest.raises(AnimateDiffError, match=r"prompt is for 5 frames, and .* has 8 frames"):
        tiny.sample(model, frames=16, positive=[[frames[:5], {}]])


def test_a_batch_that_is_no_whole_number_of_clips(caplog):
    model = apply_motion_module(tiny.model(), tiny.motion_module("v2"), clips=3)
    with pytest.raises(AnimateDiffError, match="16 frames, and clips of Apply Motion Module is 3"):
        tiny.sample(model, frames=16)
    with pytest.raises(AnimateDiffError, match="clips is 1 here, and 3 where"):
        apply_motion_module(model, tiny.motion_module("v3"))


def test_what_the_batch_was_taken_for_is_said(caplog):
    caplog.set_level("INFO", logger="animatediff_native")
    tiny.sample(apply_motion_module(tiny.model(), tiny.motion_module("v2"), clips=2), frames=16)
    assert "2 clips of 8 frames" in caplog.text
