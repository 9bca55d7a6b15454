"""A blend of two checkpoints beneath a motion module: W = a W_style + (1 - a) W_original, by the
host's own ModelMergeSimple."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportMissingImports=false

from functools import cache

import pytest
import torch
from adn_testing import tiny
from adn_testing.traces import ProcessTrace, model_trace
from adn_testing.unet_call import relative_error
from animatediff_native.motion.application import applications
from animatediff_native.motion.apply import apply_motion_module
from comfy_extras.nodes_model_merging import ModelMergeSimple

pytestmark = pytest.mark.usefixtures("inference")
SEEDS = {"style": 0, "original": 7}


@pytest.fixture(scope="module")
def checkpoints():
    return {name: tiny.model(seed) for name, seed in SEEDS.items()}


@pytest.fixture(scope="module")
def module():
    return tiny.motion_module("v3")


A = 0.8


def merged(models, a):
    return ModelMergeSimple().merge(models["style"], models["original"], a)[0]


@pytest.fixture(scope="module")
def blended(checkpoints):
    """By a, made once: the host takes seconds for each."""
    return cache(lambda a: merged(checkpoints, a))


def sampled(model):
    return tiny.sample(model, frames=4, steps=1)


@pytest.fixture(scope="module")
def of_each(checkpoints, module):
    return {one: sampled(apply_motion_module(checkpoints[one], module)) for one in SEEDS}


@pytest.mark.parametrize(("a", "name"), [(1.0, "style"), (0.0, "original")])
def test_at_both_ends_it_is_one_of_the_two(blended, module, of_each, a, name):
    """To the bit, with motion; and the two are not alike."""
    found = sampled(apply_motion_module(blended(a), module))
    assert torch.equal(found, of_each[name])
    assert relative_error(of_each["style"], of_each["original"]) > 0.1


def test_between_them_every_weight_is_the_mean_by_a(blended, module):
    """Against a checkpoint whose weights were added by hand. They are read of new models: in those
    that ran, the host may have left the last blend until it needs them otherwise."""
    by_hand, original = (tiny.model(seed) for seed in SEEDS.values())
    others = original.model.diffusion_model.state_dict()
    with torch.no_grad():
        for name, weight in by_hand.model.diffusion_model.named_parameters():
            weight.copy_(A * weight + (1 - A) * others[name])
    found = sampled(apply_motion_module(blended(A), module))
    assert relative_error(found, sampled(apply_motion_module(by_hand, module))) <= 1e-4


def test_the_motion_module_is_no_part_of_the_blend(checkpoints, blended, module):
    """Its weights have no patch and stay as they are; only the UNet's are blended."""
    own = module.patcher.model.state_dict()
    before = {key: tensor.clone() for key, tensor in own.items()}
    model = apply_motion_module(blended(A), module)
    (application,) = applications(model)
    (motion,) = model.get_additional_models_with_key(application.model_key)
    assert not motion.patches
    assert set(model.patches) == {
        f"diffusion_model.{key}"
        for key in checkpoints["original"].model.diffusion_model.state_dict()
    }
    sampled(model)
    assert all(torch.equal(tensor, before[key]) for key, tensor in own.items())


@pytest.mark.parametrize("animated", ["original", "both"])
def test_a_blend_of_animated_models_moves_as_the_first_one_does(checkpoints, blended, module, animated):
    """In the other order: who applies before blending loses no motion of the first model, and gets
    none of the second's twice."""
    models = {
        one: apply_motion_module(model, module) if animated in (one, "both") else model
        for one, model in checkpoints.items()
    }
    expected = blended(A)
    if animated != "original":
        expected = apply_motion_module(expected, module)
    assert torch.equal(sampled(merged(models, A)), sampled(expected))


def test_nothing_is_left(checkpoints, blended, module):
    plain = {one: sampled(model) for one, model in checkpoints.items()}
    before = {one: model_trace(model) for one, model in checkpoints.items()}
    process = ProcessTrace()
    sampled(apply_motion_module(blended(A), module))
    process.assert_unchanged()
    again = {one: sampled(model) for one, model in checkpoints.items()}
    for one, model in checkpoints.items():
        assert torch.equal(again[one], plain[one])
        assert model_trace(model) == before[one]
