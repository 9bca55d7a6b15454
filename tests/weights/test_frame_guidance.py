"""CFG by frame and step, against whole runs with one CFG and a slow loop over steps and frames."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import copy

import comfy.samplers
import pytest
import torch
from adn_testing import probes, tiny
from adn_testing.unet_call import relative_error
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.keyframes import read_step_keyframes
from animatediff_native.samplers import frame_guidance
from animatediff_native.samplers.frame_guidance import with_frame_guidance
from animatediff_native.samplers.windows import WindowPlan
from comfy.patcher_extension import WrappersMP

pytestmark = pytest.mark.usefixtures("inference")
FRAMES = 8
RAMP = [1.0 + frame for frame in range(FRAMES)]
TOLERANCE = 1e-4  # of the deviation
STEPS = read_step_keyframes("0: 1.0, 0.4: 0.2 hold, 0.9: 0.0")


@pytest.fixture(scope="module")
def plain():
    return tiny.model()


@pytest.fixture(scope="module")
def animated(plain):
    return apply_motion_module(plain, tiny.motion_module())


def rescaled(model, multiplier=0.7):
    from comfy_extras.nodes_model_advanced import RescaleCFG

    return RescaleCFG().patch(model, multiplier)[0]


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m"])
def test_the_samplers_own_cfg(animated, sampler):
    for scales in ([4.0], [4.0] * FRAMES):
        got = tiny.sample(with_frame_guidance(animated, scales), cfg=1.0, sampler=sampler)
        assert relative_error(got, tiny.sample(animated, cfg=4.0, sampler=sampler)) < 1e-5


def test_each_frame_as_with_its_cfg(plain):
    """Without motion a frame does not know the others."""
    got = tiny.sample(with_frame_guidance(plain, RAMP), cfg=3.0)
    expected = torch.stack([tiny.sample(plain, cfg=s)[i] for i, s in enumerate(RAMP)])
    assert relative_error(got, expected) < TOLERANCE
    assert relative_error(got, tiny.sample(plain, cfg=RAMP[0])) > 0.1


def by_hand(model, scales, steps=(), cfg_steps=3, clips=1):
    """Euler with the guidance written out, frame by frame."""
    found = []

    def note(args):
        sigma = float(args["sigma"][0])
        timestep = float(args["model"].model_sampling.timestep(args["sigma"][:1])[0])
        percent = 1 - timestep / 999
        factor = _along(steps, percent) if steps else 1.0
        cond, uncond = args["cond_denoised"], args["uncond_denoised"]
        frames = []
        for i in range(len(cond)):
            scale = scales[i % (len(cond) // clips)] * factor
            frames.append(uncond[i] + scale * (cond[i] - uncond[i]))
        found.append((sigma, percent, factor))
        return torch.stack(frames)

    noted = model.clone()
    noted.set_model_sampler_post_cfg_function(note, disable_cfg1_optimization=True)
    return tiny.sample(noted, steps=cfg_steps, frames=FRAMES), found


def _along(steps, percent):
    """Written out for STEPS."""
    if percent < 0.4:
        return 1.0 + (0.2 - 1.0) * percent / 0.4
    return 0.2 if percent < 0.9 else 0.0


def test_by_step_and_frame(animated):
    """Also as read at the percents of the sampling, on the module's own noise schedule."""
    expected, found = by_hand(animated, RAMP, STEPS, 5)
    got = tiny.sample(with_frame_guidance(animated, RAMP, STEPS), cfg=2.0, steps=5)
    assert relative_error(got, expected) < TOLERANCE
    assert found[0][2] == pytest.approx(1.0) and found[-1][2] == 0.0
    assert len({factor for _, _, factor in found}) > 3


def test_in_windows(animated):
    """After the windows are fused: on the whole clip."""
    model = probes.windowed(animated, WindowPlan(4, 2))
    expected, _ = by_hand(model, RAMP)
    assert relative_error(tiny.sample(with_frame_guidance(model, RAMP)), expected) < TOLERANCE


def test_several_clips_in_a_batch(plain):
    model = apply_motion_module(plain, tiny.motion_module(), clips=2)
    expected, _ = by_hand(model, RAMP[:4], clips=2)
    assert relative_error(tiny.sample(with_frame_guidance(model, RAMP[:4])), expected) < TOLERANCE


def test_cond_and_uncond_apart(animated, monkeypatch):
    model = with_frame_guidance(animated, RAMP)
    expected = tiny.sample(model)
    monkeypatch.setattr(animated.model, "memory_required", lambda *_, **__: 1e18)
    assert relative_error(tiny.sample(model), expected) < TOLERANCE


def test_a_function_that_is_there_gets_the_scale_by_frame(plain):
    """RescaleCFG takes statistics of each frame by itself."""
    got = tiny.sample(with_frame_guidance(rescaled(plain), RAMP), cfg=3.0)
    expected = torch.stack([tiny.sample(rescaled(plain), cfg=s)[i] for i, s in enumerate(RAMP)])
    assert relative_error(got, expected) < TOLERANCE


def test_a_function_of_the_old_form_too(plain):
    def old(cond, uncond, cond_scale):
        return uncond + 0.5 * cond_scale * (cond - uncond)

    model = plain.clone()
    model.set_model_sampler_cfg_function(old)
    got = tiny.sample(with_frame_guidance(model, RAMP), cfg=3.0)
    halves = [value / 2 for value in RAMP]
    assert relative_error(got, tiny.sample(with_frame_guidance(plain, halves))) < TOLERANCE


def test_the_last_of_two_counts(plain):
    once, twice = with_frame_guidance(plain, RAMP), with_frame_guidance(plain, [3.0])
    assert torch.equal(tiny.sample(with_frame_guidance(once, [3.0])), tiny.sample(twice))


def test_a_node_behind_it_that_takes_its_place_is_named(plain, caplog):
    model = rescaled(with_frame_guidance(plain, RAMP))
    tiny.sample(model)
    assert "had no part in this run" in caplog.text
    caplog.clear()
    tiny.sample(with_frame_guidance(rescaled(plain), RAMP))
    assert "had no part" not in caplog.text


@pytest.mark.parametrize("count", [2, 9])
@pytest.mark.parametrize("windows", [False, True])
def test_a_list_of_another_length_is_an_error_before_sampling(animated, count, windows):
    calls = []
    model = with_frame_guidance(animated, [2.0] * count)
    model = probes.windowed(model, WindowPlan(4, 2)) if windows else model
    model.add_wrapper_with_key(
        WrappersMP.APPLY_MODEL, "probe", lambda executor, *a, **k: (calls.append(1), executor(*a))
    )
    with pytest.raises(AnimateDiffError, match=rf"{count} values .* {FRAMES} frames"):
        tiny.sample(model)
    assert not calls


def test_a_sampler_without_a_negative_prompt_is_an_error(plain):
    model = with_frame_guidance(plain, RAMP)
    guider = comfy.samplers.CFGGuider(model)
    guider.inner_set_conds({"positive": tiny.conditioning(1)})
    sigmas = torch.tensor([1.0, 0.0])
    with pytest.raises(AnimateDiffError, match="without a negative prompt"):
        guider.sample(tiny.noise(), torch.zeros(8, 4, 8, 8), comfy.samplers.sampler_object("euler"),
                      sigmas, disable_pbar=True)  # fmt: skip


def test_the_model_that_goes_in_stays_as_it_is(plain):
    before, expected = copy.copy(plain.model_options), tiny.sample(plain)
    tiny.sample(with_frame_guidance(plain, RAMP))
    assert plain.model_options == before and torch.equal(tiny.sample(plain), expected)


def test_nothing_is_left_in_the_options(plain):
    """Also after an exception."""
    seen = []
    model = with_frame_guidance(plain, RAMP)

    def note(executor, *args, **kwargs):
        seen.append(executor.class_obj.model_options["transformer_options"])
        assert frame_guidance.CALLS_KEY in seen[-1]
        raise RuntimeError("no")

    model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, "probe", note)
    with pytest.raises(RuntimeError, match="no"):
        tiny.sample(model)
    assert seen and frame_guidance.CALLS_KEY not in seen[0]
