"""A camera path in whole sampling runs: windows, what is kept, what is left, and its company."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import gc
import logging
import weakref

import comfy.sample
import pytest
import torch
from adn_testing import camera_files, motion_files, tiny
from adn_testing.lora_files import motion_lora
from adn_testing.probes import windowed
from adn_testing.traces import ProcessTrace, model_trace
from animatediff_native.conditions import camera_control
from animatediff_native.conditions.camera_control import CameraControl, Kept, with_camera
from animatediff_native.conditions.camera_files import camera_patcher, read_camera_control
from animatediff_native.conditions.camera_poses import along
from animatediff_native.lora.apply import with_motion_lora
from animatediff_native.lora.chain import LoraUse
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.detect import read_motion_module
from animatediff_native.motion.effects import Effect
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.frame_strengths import FrameStrengths, WrongLength
from animatediff_native.motion.load import MotionModule, build_patcher
from animatediff_native.samplers.fuse import Fuse, shares
from animatediff_native.samplers.windows import Schedule, WindowPlan

pytestmark = pytest.mark.usefixtures("inference")

FRAMES = 8
TOLERANCE = 1e-4
PATH = along("tilt left", 40, 1.5, previous=along("pan up", 40, 2.0))


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


@pytest.fixture(scope="module")
def patcher():
    return camera_patcher(read_camera_control(camera_files.flat(), "camera.safetensors"))


def module_with(patcher, path=PATH, *effects, before=(), **options):
    module = tiny.motion_module("v3")
    for effect in before:
        module = module.with_effect(effect)
    module = with_camera(module, CameraControl(patcher, path, **options), "camera.safetensors")
    for effect in effects:
        module = module.with_effect(effect)
    return module


def followed(plain, patcher, path=PATH, *effects, **options):
    return apply_motion_module(plain, module_with(patcher, path, *effects, **options))


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
    """One step, in which the fused prediction is the mean of each window's; poses are relative to
    the first of each window."""
    plan, noise = WindowPlan(4, 2), tiny.noise(FRAMES)

    result = one_step(windowed(followed(plain, patcher), plan, Fuse.PYRAMID), noise)
    expected = torch.zeros_like(result)
    windows = plan.windows(FRAMES)
    for window, share in zip(windows, shares(Fuse.PYRAMID, windows, FRAMES, plan), strict=True):
        own = followed(plain, patcher, PATH.at(window))
        expected[list(window)] += one_step(own, noise[list(window)]) * share[:, None, None, None]
    assert relative_error(result, expected) <= TOLERANCE
    still = windowed(followed(plain, patcher, along("still", 8)), plan, Fuse.PYRAMID)
    assert relative_error(one_step(still, noise), expected) > 1e-2


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
    """With a strength in the last frames only, the first window has the bits of no camera."""
    plan = WindowPlan(4, 0, 1, Schedule.BATCHED)
    factors = FrameStrengths((0.0,) * 4 + (1.0,) * 4, WrongLength.ERROR)
    result = tiny.sample(windowed(followed(plain, patcher, frames=factors), plan))
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
    monkeypatch.setattr(camera_control, "MOST_KEPT", 1)
    model = windowed(followed(plain, patcher), WindowPlan(4, 2))
    few = tiny.sample(model, steps=2)
    assert len(encodings) == 6
    monkeypatch.undo()
    assert torch.equal(tiny.sample(model, steps=2), few)
    kept, made = Kept(20), []
    for key in (1, 2, 1, 3, 1, 2):
        kept.get(key, lambda key=key: made.append(key) or [torch.zeros(2)])
    assert made == [1, 2, 3, 2]  # 8 bytes each: two at a time, the one used last stays


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


def test_a_clip_longer_than_the_encoders_table_says_so_once(plain, patcher, caplog):
    with caplog.at_level(logging.INFO):
        tiny.sample(followed(plain, patcher), frames=20, steps=2)
    said = [each for each in caplog.messages if "overlapping parts" in each]
    assert len(said) == 1 and "16 positions" in said[0] and "20 frames" in said[0]


def test_a_path_shorter_than_the_clip_is_held(plain, patcher, caplog):
    short = PATH.at(range(5))
    with caplog.at_level(logging.WARNING):
        result = tiny.sample(followed(plain, patcher, short))
    assert any("5 poses for a clip of 8 frames" in each for each in caplog.messages)
    caplog.clear()
    assert torch.equal(tiny.sample(followed(plain, patcher, short.at(range(8)))), result)
    assert not any("poses" in each for each in caplog.messages)


def test_a_list_of_the_wrong_length_is_refused_before_sampling(plain, patcher):
    calls = []
    factors = FrameStrengths((1.0, 0.5, 1.0), WrongLength.ERROR, "Camera Control")
    model = followed(plain, patcher, frames=factors)
    model.set_model_unet_function_wrapper(lambda apply, args: calls.append(1))
    with pytest.raises(AnimateDiffError, match=r"Camera Control has 3 values .* 8 frames"):
        tiny.sample(model)
    assert not calls


def test_nothing_is_left_after_a_run_or_an_exception(plain, patcher):
    tiny.sample(followed(plain, patcher), steps=1)  # on loading a model the host marks it
    before, weights = model_trace(plain), model_trace(patcher)
    process, expected = ProcessTrace(), tiny.sample(plain)
    runs = []

    class Watched(CameraControl):
        def for_run(self, run):
            made = super().for_run(run)
            runs.append(weakref.ref(made))
            return made

    effect = Watched(patcher, PATH)
    settings = dict(vars(effect))
    model = apply_motion_module(plain, with_camera(tiny.motion_module("v3"), effect, "camera"))
    result = tiny.sample(model)
    with pytest.raises(RuntimeError, match="on purpose"):
        hook = patcher.model.merges["up_3_2"].register_forward_hook(failing)
        try:
            tiny.sample(model)
        finally:
            hook.remove()
    assert torch.equal(tiny.sample(model), result)
    assert vars(effect) == settings
    gc.collect()
    assert len(runs) == 3 and all(each() is None for each in runs)
    assert model_trace(plain) == before
    assert model_trace(patcher) == weights
    assert torch.equal(tiny.sample(plain), expected)
    process.assert_unchanged()


def failing(*_):
    raise RuntimeError("on purpose")


def test_clones_and_two_cameras_in_one_graph(plain, patcher):
    one, other = followed(plain, patcher), followed(plain, patcher, along("zoom in", 8, 3.0))
    first, second = tiny.sample(one), tiny.sample(other)
    assert relative_error(first, second) > 1e-2
    clone = one.clone()
    del one
    gc.collect()
    assert torch.equal(tiny.sample(clone), first)
    again = clone.clone()
    assert torch.equal(tiny.sample(again), first)
    assert torch.equal(tiny.sample(other), second)


def test_two_motion_modules_each_with_its_own_camera(plain, patcher):
    both = apply_motion_module(followed(plain, patcher), module_with(patcher, along("zoom in", 8)))
    alone = apply_motion_module(followed(plain, patcher), tiny.motion_module("v3"))
    assert relative_error(tiny.sample(both), tiny.sample(alone)) > 1e-2


def test_beside_a_motion_lora_in_either_order(plain, patcher):
    uses = [LoraUse(motion_lora(1, mid_block=False), 0.7)]
    lora_first = with_motion_lora(tiny.motion_module("v3"), uses)
    lora_first = with_camera(lora_first, CameraControl(patcher, PATH), "camera")
    camera_first = with_motion_lora(module_with(patcher), uses)
    first, second = (
        tiny.sample(apply_motion_module(plain, module)) for module in (lora_first, camera_first)
    )
    assert torch.equal(first, second)
    assert relative_error(first, tiny.sample(followed(plain, patcher))) > 1e-2


class Off(Effect):
    """The first blocks take no part."""

    def strength(self, site):
        return 0.0 if site.site.block == "down" else 1.0


def test_beside_strengths_that_leave_blocks_out(plain, patcher):
    off = apply_motion_module(plain, tiny.motion_module("v3").with_effect(Off()))
    seen = tiny.sample(followed(plain, patcher, PATH, Off()))
    assert relative_error(seen, tiny.sample(off)) > 1e-2


def test_a_motion_module_of_other_widths_is_refused(patcher):
    tensors = motion_files.original("v3", widths=(32, 64, 128, 64))
    config, tensors = read_motion_module(tensors, "other.safetensors")
    module = MotionModule("other.safetensors", config, build_patcher(config, tensors))
    with pytest.raises(AnimateDiffError, match=r"'camera' does not fit 'other\.safetensors'") as told:
        with_camera(module, CameraControl(patcher, PATH), "camera")
    assert "down_blocks.3" in told.value.given and "v3_sd15_mm.ckpt" in told.value.remedy
