"""MotionLoRAs of constant strength: weight patches of the motion patcher, through the host."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import gc

import comfy.model_management
import pytest
import torch
from adn_testing import lora_files, tiny
from adn_testing.lora_files import motion_lora
from adn_testing.traces import ProcessTrace, model_trace
from animatediff_native.lora.apply import with_motion_lora
from animatediff_native.lora.chain import LoraUse, MotionLora
from animatediff_native.lora.formats import read_motion_lora
from animatediff_native.motion.apply import apply_motion_module

pytestmark = pytest.mark.usefixtures("inference")

NAMES = lora_files.ATTENTION + lora_files.FEED_FORWARD
FORMATS = {
    "official": (lora_files.official, lora_files.ATTENTION, 1.0),
    "diffusers": (lora_files.diffusers_legacy, lora_files.ATTENTION, 1.0),
    "PEFT": (lora_files.peft, NAMES, 1.0),
    "MotionDirector": (lora_files.official, NAMES, 1.0),
    "kohya": (lora_files.kohya, NAMES, 2.0 / lora_files.RANK),
}
# One rounding of a weight and one of each product and sum: a few times 6e-8 of the largest.
FP32 = 1e-6


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


@pytest.fixture(scope="module")
def module():
    return tiny.motion_module("v2")


def weights_of(module) -> dict[str, torch.Tensor]:
    """The motion network's weights as the host has them while it samples."""
    comfy.model_management.load_models_gpu([module.patcher])
    return {k: v.detach().clone().cpu() for k, v in module.patcher.model.state_dict().items()}


def animated(plain, module, *uses, **options):
    return apply_motion_module(plain, with_motion_lora(module, uses), **options)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("strength", [1.0, -0.7])
def test_merged_weights_by_hand(module, name, strength):
    write, names, scale = FORMATS[name]
    made = lora_files.pairs(names=names)
    lora = MotionLora(name, read_motion_lora(write(made), name))
    before = weights_of(module)
    merged = weights_of(with_motion_lora(module, (LoraUse(lora, strength),)))
    touched = {lora_files.weight_key(*place): halves for place, halves in made.items()}
    for key, weight in before.items():
        expected = weight
        if key in touched:
            down, up = touched[key]
            expected = weight + strength * scale * (up @ down)
            assert not torch.allclose(merged[key], weight, atol=1e-2)
        assert torch.allclose(merged[key], expected, rtol=FP32, atol=FP32), key
    after = weights_of(module)
    assert all(torch.equal(after[key], before[key]) for key in before)


def test_nothing_is_computed_before_the_host_loads(module):
    """Two small halves per weight are all that a LoRA adds to the patcher."""
    lora = motion_lora()
    patcher = with_motion_lora(module, (LoraUse(lora, 0.5),)).patcher
    halves = {id(half) for pair in lora.pairs.values() for half in (pair.down, pair.up)}
    held = {
        id(weight)
        for patches in patcher.patches.values()
        for _, adapter, *_ in patches
        for weight in adapter.weights
        if isinstance(weight, torch.Tensor)
    }
    assert held == halves
    assert patcher.model is module.patcher.model
    assert not module.patcher.patches


def test_strength_zero_gives_the_bits_of_none(plain, module):
    without = tiny.sample(apply_motion_module(plain, module))
    off = animated(plain, module, LoraUse(motion_lora(), 0.0))
    assert torch.equal(tiny.sample(off), without)
    assert not torch.equal(tiny.sample(animated(plain, module, LoraUse(motion_lora()))), without)


def test_opposite_strengths_cancel(module):
    """To fp32 rounding: (W + D) - D rounds twice, so it is not the bits of W."""
    lora = motion_lora()
    both = with_motion_lora(module, (LoraUse(lora, 0.8), LoraUse(lora, -0.8)))
    before, after = weights_of(module), weights_of(both)
    assert all(torch.allclose(after[k], before[k], rtol=FP32, atol=FP32) for k in before)


def test_the_order_does_not_matter_to_the_bit(plain, module):
    a, b = LoraUse(motion_lora(1), 0.7), LoraUse(motion_lora(2), 0.3)
    first = tiny.sample(animated(plain, module, a, b))
    assert torch.equal(tiny.sample(animated(plain, module, b, a)), first)


def test_a_sum_is_a_sum(module):
    a, b = motion_lora(1), motion_lora(2)
    before = weights_of(module)
    both = weights_of(with_motion_lora(module, (LoraUse(a, 0.7), LoraUse(b, 0.3))))
    for key, weight in before.items():
        expected = weight
        for lora, strength in ((a, 0.7), (b, 0.3)):
            if key in lora.pairs:
                pair = lora.pairs[key]
                expected = expected + strength * (pair.up @ pair.down)
        assert torch.allclose(both[key], expected, rtol=FP32, atol=FP32)


def test_nothing_is_left(plain, module):
    tiny.sample(apply_motion_module(plain, module), steps=1)
    expected = tiny.sample(apply_motion_module(plain, module))
    before, process = model_trace(plain), ProcessTrace()
    tiny.sample(animated(plain, module, LoraUse(motion_lora())))
    assert model_trace(plain) == before
    process.assert_unchanged()
    assert torch.equal(tiny.sample(apply_motion_module(plain, module)), expected)


def test_two_animated_models_in_any_order(plain, module):
    """They share the motion network; each gets its own weights when it samples."""
    first = animated(plain, module, LoraUse(motion_lora(1)))
    second = animated(plain, module, LoraUse(motion_lora(2)))
    without = apply_motion_module(plain, module)
    a, b, none = tiny.sample(first), tiny.sample(second), tiny.sample(without)
    assert not torch.equal(a, b) and not torch.equal(a, none)
    for model, expected in ((second, b), (first, a), (without, none), (second, b), (first, a)):
        assert torch.equal(tiny.sample(model), expected)
    del first
    gc.collect()
    assert torch.equal(tiny.sample(second), b)
    assert torch.equal(tiny.sample(without), none)


def apart(module, seed=0):
    """The same weights in a network of their own, which nothing else can touch."""
    again = tiny.motion_module("v2", seed=seed)
    assert again.patcher.model is not module.patcher.model
    return again


@pytest.mark.parametrize("first_runs", [False, True], ids=["fresh", "patched before"])
def test_one_model_with_the_same_module_twice(plain, module, first_runs):
    """Early and late steps with different MotionLoRAs of one motion module."""
    a, b = LoraUse(motion_lora(1)), LoraUse(motion_lora(2), -0.5)
    expected = animated(plain, apart(module), a, end_percent=0.5)
    expected = tiny.sample(animated(expected, apart(module), b, start_percent=0.5), steps=4)
    early = animated(plain, module, a, end_percent=0.5)
    if first_runs:  # the shared network holds the weights of `a` when the copy is made
        tiny.sample(early, steps=2)
    late = animated(early, module, b, start_percent=0.5)
    assert torch.equal(tiny.sample(late, steps=4), expected)
    assert torch.equal(tiny.sample(late.clone(), steps=4), expected)
    first, second = late.get_nested_additional_models()
    assert first.model is not second.model


def test_one_model_with_and_without(plain, module):
    expected = animated(plain, apart(module), LoraUse(motion_lora(1)), end_percent=0.5)
    expected = tiny.sample(apply_motion_module(expected, apart(module), start_percent=0.5))
    one = animated(plain, module, LoraUse(motion_lora(1)), end_percent=0.5)
    assert torch.equal(tiny.sample(apply_motion_module(one, module, start_percent=0.5)), expected)


def test_without_loras_the_network_is_shared(plain, module):
    twice = apply_motion_module(apply_motion_module(plain, module), module)
    first, second = twice.get_nested_additional_models()
    assert first.model is second.model is module.patcher.model
