"""Paths in whole sampling runs: windows, what is kept, what is left, and their company."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import logging
import weakref
from dataclasses import replace

import comfy.sample
import numpy as np
import pytest
import torch
from adn_testing import motion_files, tiny, tora_files
from adn_testing.lora_files import motion_lora
from adn_testing.probes import windowed
from adn_testing.traces import ProcessTrace, model_trace
from animatediff_native.lora.apply import with_motion_lora
from animatediff_native.lora.chain import LoraUse
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.detect import read_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.frame_strengths import FrameStrengths, WrongLength
from animatediff_native.motion.load import MotionModule, build_patcher
from animatediff_native.samplers.fuse import Fuse, shares
from animatediff_native.samplers.windows import Schedule, WindowPlan
from animatediff_native.trajectories import tora_control
from animatediff_native.trajectories.tora_control import ToraControl, with_trajectory
from animatediff_native.trajectories.tora_files import read_trajectory_control, tora_patcher
from animatediff_native.trajectories.trajectory import Trajectory

pytestmark = pytest.mark.usefixtures("inference")

FRAMES = 8
TOLERANCE = 1e-4


def path_to(end, frames=40, begin=(0.2, 0.3)):
    time = np.linspace(0, 1, frames)[:, None, None]
    points = np.asarray(begin) + time**1.5 * (np.asarray(end) - begin)
    return Trajectory(points, np.ones((frames, 1), bool), np.full((1, 2), 0.3), 64, 64)


PATH = path_to((4.0, 3.0))  # it leaves the picture in the clip's second half


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


@pytest.fixture(scope="module")
def patcher():
    return tora_patcher(read_trajectory_control(tora_files.tensors(), "tora.safetensors"))


def module_with(patcher, path=PATH, **options):
    effect = ToraControl(patcher, path, **options)
    return with_trajectory(tiny.motion_module("v3"), effect, "tora.safetensors")


def followed(plain, patcher, path=PATH, **options):
    return apply_motion_module(plain, module_with(patcher, path, **options))


def without(plain):
    return apply_motion_module(plain, tiny.motion_module("v3"))


def relative_error(a, b):
    return ((a - b).abs().max() / b.std()).item()


def one_step(model, noise):
    return comfy.sample.sample(
        model, noise, 1, 4.0, "euler", "normal", tiny.conditioning(1), tiny.conditioning(3),
        torch.zeros_like(noise), seed=5, disable_pbar=True,
    )  # fmt: skip


@pytest.fixture
def encodings(patcher):
    """How many frames were encoded, each time."""
    made = []
    hook = patcher.model.register_forward_hook(lambda _net, given, _maps: made.append(len(given[0])))
    yield made
    hook.remove()


def test_windows_are_clips_of_their_own_part_of_the_path(plain, patcher):
    """One step, in which the fused prediction is the mean of each window's."""
    plan, noise = WindowPlan(4, 2), tiny.noise(FRAMES)
    result = one_step(windowed(followed(plain, patcher), plan, Fuse.PYRAMID), noise)
    expected = torch.zeros_like(result)
    windows = plan.windows(FRAMES)
    for window, share in zip(windows, shares(Fuse.PYRAMID, windows, FRAMES, plan), strict=True):
        own = followed(plain, patcher, PATH.at(window))
        expected[list(window)] += one_step(own, noise[list(window)]) * share[:, None, None, None]
    assert relative_error(result, expected) <= TOLERANCE
    plain_result = one_step(windowed(without(plain), plan, Fuse.PYRAMID), noise)
    assert relative_error(plain_result, expected) > 1e-2


@pytest.mark.parametrize("plan", [None, WindowPlan(4, 2)])
def test_every_clip_of_a_batch_has_the_path(plain, patcher, plan):
    noise = tiny.noise(2 * FRAMES)

    def model(clips):
        made = apply_motion_module(plain, module_with(patcher), clips=clips)
        return made if plan is None else windowed(made, plan)

    result = one_step(model(2), noise)
    expected = torch.cat([one_step(model(1), clip) for clip in noise.split(FRAMES)])
    assert relative_error(result, expected) <= TOLERANCE


def test_windows_see_the_strengths_of_their_own_frames(plain, patcher):
    """With a strength in the last frames only, the first window has the bits of no path."""
    plan = WindowPlan(4, 0, 1, Schedule.BATCHED)
    factors = FrameStrengths((0.0,) * 4 + (1.0,) * 4, WrongLength.ERROR)
    path = path_to((0.8, 0.7), FRAMES)
    result = tiny.sample(windowed(followed(plain, patcher, path, frames=factors), plan))
    plain_result = tiny.sample(windowed(without(plain), plan))
    assert torch.equal(result[:4], plain_result[:4])
    assert relative_error(result[4:], plain_result[4:]) > 1e-2


def test_a_clip_is_encoded_once_in_a_run(plain, patcher, encodings):
    tiny.sample(followed(plain, patcher), steps=3)
    assert encodings == [FRAMES]
    encodings.clear()
    tiny.sample(windowed(followed(plain, patcher), WindowPlan(4, 2)), steps=3)
    assert encodings == [4, 4, 4]


def test_what_is_kept_is_bounded(plain, patcher, encodings, monkeypatch):
    monkeypatch.setattr(tora_control, "MOST_KEPT", 1)
    model = windowed(followed(plain, patcher), WindowPlan(4, 2))
    few = tiny.sample(model, steps=2)
    assert len(encodings) == 6
    monkeypatch.undo()
    assert torch.equal(tiny.sample(model, steps=2), few)


def test_the_same_with_the_conditionings_one_after_the_other(plain, patcher):
    model, together = followed(plain, patcher), []

    def apart(apply_model, args):
        options = args["c"]["transformer_options"]
        conds = options["cond_or_uncond"]
        together.append(len(conds))
        size = len(args["input"]) // len(conds)
        parts = []
        for i, cond in enumerate(conds):
            rows = slice(i * size, (i + 1) * size)
            c = {
                key: value[rows] if isinstance(value, torch.Tensor) else value
                for key, value in args["c"].items()
            }
            c["transformer_options"] = {**options, "cond_or_uncond": [cond]}
            parts.append(apply_model(args["input"][rows], args["timestep"][rows], **c))
        return torch.cat(parts)

    expected = tiny.sample(model)
    split = model.clone()
    split.set_model_unet_function_wrapper(apart)
    assert relative_error(tiny.sample(split), expected) <= TOLERANCE
    assert set(together) == {2}


def test_a_path_shorter_than_the_clip_is_held(plain, patcher, caplog):
    short = path_to((0.8, 0.7), 5)
    with caplog.at_level(logging.WARNING):
        result = tiny.sample(followed(plain, patcher, short))
    assert any("5 frames for a clip of 8 frames" in each for each in caplog.messages)
    caplog.clear()
    assert torch.equal(tiny.sample(followed(plain, patcher, short.at(range(8)))), result)
    assert not any("trajectory" in each for each in caplog.messages)


def test_a_list_of_the_wrong_length_is_refused_before_sampling(plain, patcher):
    calls = []
    factors = FrameStrengths((1.0, 0.5, 1.0), WrongLength.ERROR, "Trajectory Control")
    model = followed(plain, patcher, frames=factors)
    model.set_model_unet_function_wrapper(lambda apply, args: calls.append(1))
    with pytest.raises(AnimateDiffError, match=r"Trajectory Control has 3 values .* 8 frames"):
        tiny.sample(model)
    assert not calls


def test_nothing_is_left_after_a_run_or_an_exception(plain, patcher):
    tiny.sample(followed(plain, patcher), steps=1)  # on loading a model the host marks it
    before, weights = model_trace(plain), model_trace(patcher)
    process, expected = ProcessTrace(), tiny.sample(plain)
    runs = []

    class Watched(ToraControl):
        def for_run(self, run):
            made = super().for_run(run)
            runs.append(weakref.ref(made))
            return made

    effect = Watched(patcher, PATH)
    settings = dict(vars(effect))
    model = apply_motion_module(plain, with_trajectory(tiny.motion_module("v3"), effect, "tora"))
    result = tiny.sample(model)
    hook = patcher.model.fusers["up_3_2"].register_forward_hook(failing)
    try:
        with pytest.raises(RuntimeError, match="on purpose"):
            tiny.sample(model)
    finally:
        hook.remove()
    assert torch.equal(tiny.sample(model), result)
    assert vars(effect) == settings
    del model
    assert len(runs) == 3 and all(each() is None for each in runs)
    assert model_trace(plain) == before
    assert model_trace(patcher) == weights
    assert torch.equal(tiny.sample(plain), expected)
    process.assert_unchanged()


def failing(*_):
    raise RuntimeError("on purpose")


def test_beside_a_motion_lora_in_either_order(plain, patcher):
    uses = [LoraUse(motion_lora(1, mid_block=False), 0.7)]
    lora_first = with_motion_lora(tiny.motion_module("v3"), uses)
    lora_first = with_trajectory(lora_first, ToraControl(patcher, PATH), "tora")
    paths_first = with_motion_lora(module_with(patcher), uses)
    first, second = (
        tiny.sample(apply_motion_module(plain, module)) for module in (lora_first, paths_first)
    )
    assert torch.equal(first, second)
    assert relative_error(first, tiny.sample(followed(plain, patcher))) > 1e-2


def test_a_motion_module_of_other_widths_is_refused(patcher):
    tensors = motion_files.original("v3", widths=(32, 64, 128, 64))
    config, tensors = read_motion_module(tensors, "other.safetensors")
    module = MotionModule("other.safetensors", config, build_patcher(config, tensors))
    with pytest.raises(AnimateDiffError, match=r"'tora' does not fit 'other\.safetensors'") as told:
        with_trajectory(module, ToraControl(patcher, PATH), "tora")
    assert "32, 64, 128, 128" in told.value.given and "32, 64, 128, 64" in told.value.given
    space_time = replace(module, config=replace(tiny.motion_module("v3").config, space_time=True))
    with pytest.raises(AnimateDiffError, match="space-time U-Net"):
        with_trajectory(space_time, ToraControl(patcher, PATH), "tora")
