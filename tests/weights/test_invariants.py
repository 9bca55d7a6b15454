"""The invariants of the architecture, on a tiny SD1.5 model.

Bit equality throughout: an invariant says that nothing was touched, so no tolerance applies.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import gc

import comfy.hooks
import comfy.model_management
import comfy.samplers
import pytest
import torch
from adn_testing import tiny
from adn_testing.control import control_lora
from adn_testing.traces import ProcessTrace, model_trace
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.run import RUNS_KEY
from animatediff_native.motion.slots import ACTIVE_KEY

pytestmark = pytest.mark.usefixtures("inference")


@pytest.fixture
def plain():
    """A model that ran once: on loading it the host marks its modules."""
    model = tiny.model()
    tiny.sample(model, steps=1)
    return model


@pytest.fixture(params=["v1", "v2", "v3"])
def module(request):
    return tiny.motion_module(request.param)


def breaking_block(module):
    """A hook that raises inside the last temporal block; returns its handle."""

    def fail(*_):
        raise RuntimeError("broken on purpose")

    return module.patcher.model.at(module.config.sites[-1]).proj_in.register_forward_hook(fail)


# 1. after any run, also one that raised or was interrupted, nothing is left


def test_nothing_is_left_after_a_run(plain, module):
    before, process = model_trace(plain), ProcessTrace()
    tiny.sample(apply_motion_module(plain, module))
    assert model_trace(plain) == before
    process.assert_unchanged()


def test_nothing_is_left_after_an_exception_in_a_block(plain, module):
    animated = apply_motion_module(plain, module)
    expected, before, process = tiny.sample(animated), model_trace(plain), ProcessTrace()
    handle = breaking_block(module)
    with pytest.raises(RuntimeError, match="on purpose"):
        tiny.sample(animated)
    handle.remove()
    assert model_trace(plain) == before
    process.assert_unchanged()
    assert torch.equal(tiny.sample(animated), expected)


def test_nothing_is_left_after_an_interrupt(plain, module):
    animated = apply_motion_module(plain, module)
    expected, before = tiny.sample(animated), model_trace(plain)

    def interrupt(*_):
        """The user's request arrives inside a temporal block, where newer hosts look for it."""
        comfy.model_management.interrupt_current_processing()
        comfy.model_management.throw_exception_if_processing_interrupted()

    block = module.patcher.model.at(module.config.sites[-1])
    handle = block.proj_in.register_forward_hook(interrupt)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        tiny.sample(animated)
    handle.remove()
    assert model_trace(plain) == before
    assert torch.equal(tiny.sample(animated), expected)


def test_the_state_dict_is_the_same_during_a_forward(plain, module):
    before = list(plain.model.state_dict())
    during = []
    block = module.patcher.model.at(module.config.sites[0])
    block.register_forward_hook(lambda *_: during.append(list(plain.model.state_dict())))
    tiny.sample(apply_motion_module(plain, module), steps=1)
    assert during and all(keys == before for keys in during)


# 2. the unanimated model gives the same bits


def test_the_plain_model_is_untouched(plain, module):
    expected = tiny.sample(plain)
    tiny.sample(apply_motion_module(plain, module))
    assert torch.equal(tiny.sample(plain), expected)


# 3. strength 0 and a zero proj_out give the bits of the unanimated model


def test_strength_zero_is_the_plain_model(plain, module):
    assert torch.equal(
        tiny.sample(apply_motion_module(plain, module, strength=0.0)), tiny.sample(plain)
    )


@pytest.mark.parametrize("version", ["v2", "v3", "AnimateLCM"])
def test_zero_proj_out_is_the_plain_model(plain, version):
    animated = apply_motion_module(plain, tiny.motion_module(version, zero_out=True))
    assert torch.equal(tiny.sample(animated), tiny.sample(plain))


def test_motion_does_something(plain, module):
    one = tiny.sample(apply_motion_module(plain, module))
    half = tiny.sample(apply_motion_module(plain, module, strength=0.5))
    plain_result = tiny.sample(plain)
    assert not torch.allclose(one, plain_result, rtol=0.1)
    assert not torch.allclose(half, one, rtol=0.1)


# 4. clones, garbage collection, other patches, several models


def test_clones_and_their_collection(plain, module):
    animated = apply_motion_module(plain, module)
    expected = tiny.sample(animated)
    clone = animated.clone()
    assert torch.equal(tiny.sample(clone), expected)
    del clone
    gc.collect()
    assert torch.equal(tiny.sample(animated), expected)
    survivor = animated.clone().clone()
    del animated
    gc.collect()
    assert torch.equal(tiny.sample(survivor), expected)


def test_two_animated_models_in_any_order(plain):
    first = apply_motion_module(plain, tiny.motion_module("v1", seed=1))
    second = apply_motion_module(plain, tiny.motion_module("v2", seed=2))
    a, b, stock = tiny.sample(first), tiny.sample(second), tiny.sample(plain)
    assert torch.equal(tiny.sample(second), b)
    assert torch.equal(tiny.sample(first), a)
    assert torch.equal(tiny.sample(plain), stock)
    assert not torch.equal(a, b)


def weight_patch(model, strength=0.5):
    """A LoRA-like patch on a spatial attention, as the host's loader adds it."""
    patched = model.clone()
    key = "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight"
    patched.add_patches({key: ("diff", (torch.ones(32, 32) * 0.1,))}, strength)
    return patched


def test_lora_before_and_after(plain, module):
    before = tiny.sample(apply_motion_module(weight_patch(plain), module))
    after = tiny.sample(weight_patch(apply_motion_module(plain, module)))
    assert torch.equal(before, after)
    assert not torch.equal(before, tiny.sample(apply_motion_module(plain, module)))


def test_weight_hooks(plain, module):
    """A LoRA hooked to the conditioning, switched on in mid-sampling."""
    animated = apply_motion_module(plain, module)
    without = tiny.sample(animated)
    hooks = comfy.hooks.HookGroup()
    hook = comfy.hooks.WeightHook(strength_model=1.0)
    hook.weights = {
        "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight": (
            "diff",
            (torch.ones(32, 32) * 0.1,),
        )
    }
    hook.need_weight_init = False
    hooks.add(hook)
    hooked = tiny.sample(animated, positive=tiny.conditioning(1, hooks=hooks))
    assert not torch.equal(hooked, without)
    assert torch.equal(tiny.sample(animated), without)


def test_attention_patches(plain, module):
    """What IPAdapter-style packs do: add to or replace the cross-attention."""

    def double(q, k, v, extra_options):
        return q, k, v * 2

    before, after = plain.clone(), apply_motion_module(plain, module)
    before.set_model_attn2_patch(double)
    after.set_model_attn2_patch(double)
    a, b = tiny.sample(apply_motion_module(before, module)), tiny.sample(after)
    assert torch.equal(a, b)
    assert not torch.equal(a, tiny.sample(apply_motion_module(plain, module)))


def test_control_lora(plain):
    """It reads the UNet's state dict as it is when sampling begins, and copies its weights."""

    def sample(model):
        return tiny.sample(model, positive=tiny.conditioning(1, control=control_lora(frames=8)))

    still = apply_motion_module(plain, tiny.motion_module("v3", zero_out=True))
    moving = apply_motion_module(plain, tiny.motion_module("v3"))
    expected, before = sample(plain), model_trace(plain)
    assert torch.equal(sample(still), expected)
    assert not torch.equal(sample(moving), tiny.sample(moving))
    assert torch.equal(sample(plain), expected)
    assert model_trace(plain) == before


def _reports(executor, found, args, kwargs):
    """Inside of our own wrapper: the reports that its runs have then."""
    found += [
        run.report for run in executor.class_obj.model_options["transformer_options"][RUNS_KEY]
    ]
    return executor(*args, **kwargs)


def test_two_modules_on_one_model_share_a_run(plain):
    """Over the ranges [0, half) and [half, 1] each step runs exactly one of them."""
    early, late = tiny.motion_module("v2", seed=1), tiny.motion_module("v3", seed=2)
    both = apply_motion_module(plain, early, end_percent=0.5)
    both = apply_motion_module(both, late, start_percent=0.5)
    reports = []
    both.add_wrapper_with_key(
        "outer_sample", "probe", lambda executor, *a, **k: _reports(executor, reports, a, k)
    )
    tiny.sample(both, steps=6)
    first, second = reports
    assert first.calls == second.calls == 6
    assert 0 < first.active_calls < 6
    assert first.active_calls + second.active_calls == 6


def test_both_modules_at_once_run_in_the_order_applied(plain):
    one, two = tiny.motion_module("v2", seed=1), tiny.motion_module("v3", seed=2)
    order = []
    for name, module in (("one", one), ("two", two)):
        block = module.patcher.model.at(module.config.sites[0])
        block.register_forward_hook(lambda *_, name=name: order.append(name))
    tiny.sample(apply_motion_module(apply_motion_module(plain, one), two), steps=1, cfg=1.0)
    assert order == ["one", "two"]


def test_two_v1_modules_at_once_pool_the_norms_once(plain):
    one, two = tiny.motion_module("v1", seed=1), tiny.motion_module("v1", seed=2)
    before = model_trace(plain)
    both = apply_motion_module(apply_motion_module(plain, one), two)
    zero = apply_motion_module(
        apply_motion_module(plain, one), tiny.motion_module("v1", zero_out=True)
    )
    assert torch.equal(tiny.sample(zero), tiny.sample(apply_motion_module(plain, one)))
    assert not torch.equal(tiny.sample(both), tiny.sample(zero))
    assert model_trace(plain) == before


def test_the_same_module_twice(plain):
    module = tiny.motion_module("v3")
    first = apply_motion_module(plain, module, end_percent=0.5)
    whole = tiny.sample(apply_motion_module(plain, module))
    assert torch.equal(tiny.sample(apply_motion_module(first, module, start_percent=0.5)), whole)


def test_whoever_keeps_the_options_of_a_call_keeps_no_network(plain, module):
    """As nodes do that look at them later."""
    kept = []

    def keep(apply_model, args):
        kept.append(args["c"]["transformer_options"])
        return apply_model(args["input"], args["timestep"], **args["c"])

    def patch(q, k, v, extra_options):
        kept.append(extra_options)
        return q, k, v

    model = apply_motion_module(plain, module)
    model.set_model_unet_function_wrapper(keep)
    model.set_model_attn2_patch(patch)
    tiny.sample(model, steps=2)
    assert any(ACTIVE_KEY in options for options in kept)
    assert all(not options.get(ACTIVE_KEY) for options in kept)
    assert all(not list(options.get(RUNS_KEY, ())) for options in kept)


# 6. one window as long as the clip gives the bits of no window: see the long-clip tests


# 7. whatever has the wrong length is an error that names both lengths


def test_a_clip_longer_than_the_position_table(plain):
    animated = apply_motion_module(plain, tiny.motion_module("v1"))
    with pytest.raises(ValueError, match=r"30 frames.* 24 at once[\s\S]*Context Windows"):
        tiny.sample(animated, frames=30)
    tiny.sample(animated, frames=24, steps=1)


def test_a_batch_that_is_not_whole_clips(plain, module):
    animated = apply_motion_module(plain, module)

    def halve(apply_model, args):
        parts = [
            apply_model(args["input"][i::3], args["timestep"][i::3], **dict(args["c"]))
            for i in range(3)
        ]
        return torch.cat(parts)

    animated.set_model_unet_function_wrapper(halve)
    with pytest.raises(ValueError, match="frames at once, of clips of 8"):
        tiny.sample(animated, frames=8, positive=tiny.conditioning(1), cfg=1.0)


def test_a_call_split_by_conditioning_still_works(plain, module):
    """Packs that run cond and uncond apart keep `cond_or_uncond` as it was."""
    animated = apply_motion_module(plain, module)
    expected = tiny.sample(animated)

    def split(apply_model, args):
        c = args["c"]
        halves = []
        for i in range(len(args["cond_or_uncond"])):
            frames = slice(i * 8, i * 8 + 8)
            part = {k: v[frames] if isinstance(v, torch.Tensor) else v for k, v in c.items()}
            halves.append(apply_model(args["input"][frames], args["timestep"][frames], **part))
        return torch.cat(halves)

    animated.set_model_unet_function_wrapper(split)
    # batches of another size round differently; a wrong frame count would be far off
    assert torch.allclose(tiny.sample(animated), expected, rtol=1e-3, atol=1e-3 * expected.std())
