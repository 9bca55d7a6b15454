"""Models that the host multiplies: on several devices, of another patcher class, two in one run.

The host's own functions do it, here on one CPU, of which a second device is a copy by name.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportMissingImports=false

import logging

import comfy.model_patcher
import comfy.sample
import comfy.samplers
import pytest
import torch
from adn_testing import tiny
from adn_testing.guiders import TwoModels
from adn_testing.lora_files import motion_lora
from adn_testing.traces import model_trace
from adn_testing.unet_call import relative_error
from animatediff_native.lora.apply import with_motion_lora
from animatediff_native.lora.chain import LoraUse
from animatediff_native.motion.application import applications
from animatediff_native.motion.apply import apply_motion_module, attach_effect
from animatediff_native.motion.effects import Effect
from animatediff_native.motion.errors import AnimateDiffError

pytestmark = pytest.mark.usefixtures("inference")

APART = 1e-4  # of the deviation: cond and uncond apart round differently; other weights make more than 1
SECOND = torch.device("cpu", 0)  # another key than torch.device("cpu")
several_devices = pytest.mark.skipif(
    not hasattr(comfy.model_patcher.ModelPatcher, "deepclone_multigpu"),
    reason="this host has no clones for other devices",
)


def copied_model(seed=0):
    """A model that knows how to make another one, as the host's loader sets it up."""
    model = tiny.model()
    model.cached_patcher_init = (tiny_again, ())
    return model


def tiny_again(disable_dynamic=False):
    return tiny.model()


def split(model):
    """A model whose work the host shares out over two devices, as its own node sets it up."""
    import comfy.multigpu

    model = model.clone()
    clone = model.deepclone_multigpu(new_load_device=SECOND)
    clone.is_multigpu_base_clone = True
    model.set_additional_models("multigpu", [clone])
    model.match_multigpu_clones()
    comfy.multigpu.GPUOptionsGroup().register(model)
    return model


@several_devices
@pytest.mark.parametrize("versions", [("v2",), ("v1", "v3"), ("v3", "v3")])
def test_a_run_over_two_devices(versions):
    plain = copied_model()
    model = plain
    for seed, version in enumerate(versions):
        model = apply_motion_module(model, tiny.motion_module(version, seed=seed))
    expected, before = tiny.sample(model), model_trace(plain)
    assert relative_error(tiny.sample(split(model)), expected) <= APART
    assert model_trace(plain) == before


@several_devices
def test_a_module_applied_behind_the_split():
    plain = copied_model()
    module = tiny.motion_module("v2")
    expected = tiny.sample(apply_motion_module(plain, module))
    model = apply_motion_module(split(plain), module)
    assert relative_error(tiny.sample(model), expected) <= APART
    once_more = apply_motion_module(model, module, strength=0.5)
    expected = tiny.sample(
        apply_motion_module(apply_motion_module(plain, module), module, strength=0.5)
    )
    assert relative_error(tiny.sample(once_more), expected) <= APART


@several_devices
def test_the_clones_network_is_another_one_with_the_same_weights_and_patches():
    module = with_motion_lora(tiny.motion_module("v2"), (LoraUse(motion_lora(1), 0.5),))
    model = apply_motion_module(copied_model(), module)
    clone = model.deepclone_multigpu(new_load_device=SECOND)
    (application,) = applications(clone)
    own, other = application.patcher(model), application.patcher(clone)
    assert own.model is not other.model
    assert own.patches.keys() == other.patches.keys()
    theirs = other.model.state_dict()
    assert all(torch.equal(v, theirs[k]) for k, v in own.model.state_dict().items())


def test_the_factory_makes_the_plain_patcher_of_a_dynamic_one():
    patcher = tiny.motion_module("v3").patcher
    make, arguments = patcher.cached_patcher_init[:2]
    made = make(*arguments, disable_dynamic=True)
    assert type(made) is comfy.model_patcher.ModelPatcher
    assert made.model is not patcher.model
    state = made.model.state_dict()
    assert all(torch.equal(v, state[k]) for k, v in patcher.model.state_dict().items())


# two models in one run


def sample_two(model, other, guider_class=TwoModels):
    guider = guider_class(model, other)
    guider.set_conds(tiny.conditioning(1), tiny.conditioning(3))
    guider.set_cfg(4.0)
    generator = torch.Generator().manual_seed(5)
    noise = torch.randn(8, 4, 8, 8, generator=generator)
    sampler = comfy.samplers.sampler_object("euler")
    sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "normal", 3)
    return guider.sample(noise, torch.zeros_like(noise), sampler, sigmas, disable_pbar=True)


def host_guider():
    """The host's own, where it has one."""
    import comfy_extras.nodes_custom_sampler as nodes

    return getattr(nodes, "Guider_DualModel", None)


@pytest.mark.parametrize("guider", [TwoModels, host_guider()], ids=["ours", "the host's"])
@pytest.mark.parametrize(("first", "second"), [("v2", "v1"), ("v3", None), (None, "v3")], ids=str)
def test_each_model_has_its_own_motion(first, second, guider):
    """Equal to a run in which both are animated alike, wherever the other model has no say."""
    if guider is None:
        pytest.skip("this host has no guider of two models")
    if first is None and not _tells_options():
        pytest.skip("this host does not tell a model's callbacks the options of a call")
    seen = []

    def model(version, seed):
        plain = tiny.model()
        if version is None:
            return plain
        module = tiny.motion_module(version, seed=seed)
        module.patcher.model.at(module.config.sites[0]).register_forward_hook(
            lambda *_: seen.append(version)
        )
        return apply_motion_module(plain, module)

    sample_two(model(first, 1), model(second, 2), guider)
    wanted = [version for version in (first, second) if version]
    assert seen == wanted * 3


def _tells_options():
    import inspect

    prepare = comfy.model_patcher.ModelPatcher.prepare_state
    return "model_options" in inspect.signature(prepare).parameters


def test_two_models_that_are_one_in_memory():
    plain = tiny.model()
    with pytest.raises(AnimateDiffError, match="one checkpoint in memory"):
        sample_two(apply_motion_module(plain, tiny.motion_module("v2")), plain)
    animated = apply_motion_module(plain, tiny.motion_module("v2"))
    sample_two(animated, animated.clone())
    with pytest.raises(AnimateDiffError, match="one checkpoint in memory"):
        sample_two(attach_effect(animated, Effect()), animated)
    sample_two(attach_effect(plain, Effect()), plain)


# motion that takes no part


def test_calls_that_go_past_the_motion_module_are_said(caplog):
    class Past(comfy.samplers.CFGGuider):
        def predict_noise(self, x, timestep, model_options=None, seed=None):
            return x * 0.5

    guider = Past(apply_motion_module(tiny.model(), tiny.motion_module("v2")))
    guider.set_conds(tiny.conditioning(1), tiny.conditioning(3))
    noise = torch.zeros(8, 4, 8, 8)
    sampler, sigmas = comfy.samplers.sampler_object("euler"), torch.tensor([1.0, 0.0])
    with caplog.at_level(logging.WARNING):
        guider.sample(noise, noise, sampler, sigmas, disable_pbar=True)
    assert "took no part" in caplog.text
    assert "KSampler" in caplog.text
