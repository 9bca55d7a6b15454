"""What an error of a run advises: a node is named by its title, and none that is there is added."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false

import pytest
import torch
from adn_testing import probes, tiny
from adn_testing.probes import ProbeControl, numbered, with_control
from animatediff_native.lora.chain import LoraUse
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.frame_strengths import WrongLength, given_strengths
from animatediff_native.motion.keyframes import read_keyframes
from animatediff_native.motion.motion_strength import StrengthField, strength_effects
from animatediff_native.samplers.clip_run import set_automatic_windows
from animatediff_native.samplers.control_slicing import HintCount
from animatediff_native.samplers.frame_guidance import with_frame_guidance
from animatediff_native.samplers.frame_noise import FrameNoise, NoiseKind, NoiseLayer
from animatediff_native.samplers.windows import WindowPlan
from comfy.context_windows import (
    ContextFuseMethod,
    ContextSchedule,
    IndexListContextHandler,
    create_weights_pyramid,
    create_windows_static_standard,
)

pytestmark = pytest.mark.usefixtures("inference")
PUT = "put Context Windows between the model and the sampler"


@pytest.fixture(scope="module")
def plain():
    return tiny.model()


def refused(run) -> AnimateDiffError:
    with pytest.raises(AnimateDiffError) as caught:
        run()
    return caught.value


def windowed_by_the_host(model, length: int):
    model = model.clone()
    model.model_options["context_handler"] = IndexListContextHandler(
        ContextSchedule("standard_static", create_windows_static_standard),
        ContextFuseMethod("pyramid", create_weights_pyramid),
        length, 4, 1, False, 0,
    )  # fmt: skip
    return model


def test_more_frames_than_a_module_sees(plain):
    animated = apply_motion_module(plain, tiny.motion_module("v2"))
    without = refused(lambda: tiny.sample(animated, frames=33, steps=1))
    assert "this clip has 33 frames" in without.given and PUT in without.remedy
    assert "batch_size" not in without.remedy  # the latent can be that of a video
    ours = probes.windowed(animated, WindowPlan(33, 4))
    there = refused(lambda: tiny.sample(ours, frames=40, steps=1))
    assert "a context window has 33 frames" in there.given
    assert there.remedy == "set context_length of Context Windows to 16."
    theirs = windowed_by_the_host(animated, 33)
    others = refused(lambda: tiny.sample(theirs, frames=40, steps=1))
    assert "node that makes the windows" in others.remedy and "in its place" in others.remedy


def test_a_module_of_few_positions(plain):
    """The advice is a length that it can see."""
    few = apply_motion_module(plain, tiny.motion_module("v2", positions=8))
    said = refused(lambda: tiny.sample(probes.windowed(few, WindowPlan(10, 2)), frames=12, steps=1))
    assert said.remedy == "set context_length of Context Windows to 8."


@pytest.mark.parametrize("windows", ["none", "automatic", "node"])
def test_another_number_of_images(windows):
    """Set by themselves, windows have no node whose hint_count could be set."""
    model = probes.trivial()
    if windows == "automatic":
        set_automatic_windows(model, 32)
    if windows != "node":
        model = with_frame_guidance(model, [1.0]) if windows == "none" else model
        set_automatic_windows(model, 32)
    else:
        model = probes.windowed(model, WindowPlan(), hint_count=HintCount.ERROR)
    control = ProbeControl(numbered(1 + 4), [])
    said = refused(lambda: probes.sample_numbered(model, 40, **with_control(control)))
    assert "5 images, and the clip has 40 frames" in said.given
    assert "hint_count of Context Windows" in said.remedy
    assert (PUT in said.remedy) is (windows != "node")
    assert "hint " not in str(said) and "hints" not in str(said)


def test_a_list_of_another_length_names_its_node(plain):
    module = tiny.motion_module("v2")
    field = StrengthField(frames=given_strengths([1.0, 0.5], node="Motion Strength"))
    (effect,) = strength_effects((field,))
    moved = apply_motion_module(plain, module.with_effect(effect))
    said = refused(lambda: tiny.sample(moved, steps=1))
    assert "frame_strengths of Motion Strength has 2 values" in said.given
    assert "wrong_length" not in said.remedy and "frames 8" in said.remedy
    guided = with_frame_guidance(plain, [1.0, 2.0])
    said = refused(lambda: tiny.sample(guided, steps=1))
    assert "frame_strengths of CFG by Frame and Step has 2 values" in said.given


def test_keyframes_of_another_clip_name_their_node(plain):
    field = StrengthField(keyframes=read_keyframes("0: 1, -20: 0.5"))
    (effect,) = strength_effects((field,))
    moved = apply_motion_module(plain, tiny.motion_module("v2").with_effect(effect))
    said = refused(lambda: tiny.sample(moved, steps=1))
    assert said.given.startswith("keyframes of Motion Strength, for a clip of 8 frames: line 1")
    assert "keyframes of Motion Strength" in said.remedy


def test_only_load_motion_lora_can_stretch_a_list():
    use = LoraUse(None, 1.0, given_strengths([0.0, 1.0], WrongLength.ERROR, "Load MotionLoRA"))
    said = refused(lambda: use.over(8))
    assert "frame_strengths of Load MotionLoRA has 2 values" in said.given
    assert "set wrong_length there to 'resample'" in said.remedy


def test_noise_names_its_node():
    latent = {"samples": torch.zeros(1, 4, 8, 8)}
    base = FrameNoise(lambda samples, seed, numbers: torch.zeros_like(samples))
    seeds = FrameNoise(base.draw, kind=NoiseKind.SEED_PER_FRAME, seeds=(1, 2))
    said = refused(lambda: seeds.generate_noise(latent))
    assert said.given == "seeds of Noise by Frame has 2 numbers, and the clip has 1 frame."
    said = refused(lambda: NoiseLayer(base, base, first_frame=3).generate_noise(latent))
    assert said.given == "first_frame of Noise Layer is 3, and the clip has 1 frame."
