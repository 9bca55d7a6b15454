"""The host's guidance by attention along windows: each window by what is its own."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import comfy.hooks
import comfy.sample
import comfy.samplers
import comfy_extras.nodes_custom_sampler as custom
import comfy_extras.nodes_pag as pag
import comfy_extras.nodes_sag as sag
import pytest
import torch
from adn_testing import tiny
from adn_testing.probes import windowed
from animatediff_native.motion.apply import apply_frame_sharing, apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.samplers import context_handler
from animatediff_native.samplers.fuse import Fuse, shares
from animatediff_native.samplers.windows import Schedule, WindowPlan

pytestmark = pytest.mark.usefixtures("inference")
SIZE = 16  # the middle block sees an eighth of it, and attention over one pixel says nothing
PLAN = WindowPlan(4, 2)


def guided(node, model, *settings):
    """With a node of any of the hosts' APIs."""
    return (node.execute if hasattr(node, "execute") else node().patch)(model, *settings)[0]


def self_attention(model):
    return guided(sag.SelfAttentionGuidance, model, 2.0, 2.0)


def perturbed_attention(model):
    return guided(pag.PerturbedAttentionGuidance, model, 3.0)


@pytest.fixture(scope="module")
def animated():
    return apply_motion_module(tiny.model(), tiny.motion_module("v3"), strength=0.7)


def run(model, noise):
    return comfy.sample.sample(
        model, noise, 1, 4.0, "euler", "normal", tiny.conditioning(1), tiny.conditioning(3),
        torch.zeros_like(noise), disable_pbar=True)  # fmt: skip


def fused_apart(model, noise, plan=PLAN):
    """Every window sampled as a clip of its own, in one step, which is linear in predictions."""
    frames = noise.shape[0]
    windows = plan.windows(frames)
    fused = torch.zeros_like(noise)
    for window, share in zip(windows, shares(Fuse.PYRAMID, windows, frames, plan), strict=True):
        chosen = list(window)
        fused[chosen] += share.to(noise)[:, None, None, None] * run(model, noise[chosen])
    return fused


@pytest.mark.parametrize("frames", [6, 8], ids=["shapes that differ", "shapes that agree"])
@pytest.mark.parametrize("guidance", [self_attention, perturbed_attention])
def test_guidance_in_windows_is_that_of_each_window(animated, guidance, frames):
    noise = tiny.noise(frames, SIZE)
    model = guidance(windowed(animated, PLAN))
    result, expected = run(model, noise), fused_apart(guidance(animated), noise)
    # batches of another size and the order of sums round differently
    assert torch.allclose(result, expected, rtol=1e-3, atol=1e-3 * expected.std())
    without = run(windowed(animated, PLAN), noise)
    assert (result - without).std() > 0.01 * without.std(), "the guidance does something"


def test_two_windows_per_call(animated, monkeypatch):
    noise = tiny.noise(8, SIZE)
    model = self_attention(windowed(animated, PLAN))
    apart = run(model, noise)
    monkeypatch.setattr(context_handler, "windows_per_call", lambda *_: 2)
    assert torch.allclose(run(model, noise), apart, rtol=1e-3, atol=1e-3 * apart.std())


def test_self_attention_in_a_clip_of_one_window(animated):
    """The host's own bits; also where the window turns, up to rounding by the order of frames."""
    noise = tiny.noise(4, SIZE)
    expected = run(self_attention(animated), noise)
    assert torch.equal(run(self_attention(windowed(animated, WindowPlan(8))), noise), expected)
    looped = windowed(animated, WindowPlan(8, schedule=Schedule.LOOPED))
    assert torch.allclose(run(self_attention(looped), noise), expected, rtol=1e-4, atol=1e-4)


def test_the_models_own_functions_stay(animated):
    model = self_attention(windowed(animated, PLAN))
    before = list(model.model_options["sampler_post_cfg_function"])
    run(model, tiny.noise(6, SIZE))
    assert model.model_options["sampler_post_cfg_function"] == before


def test_a_guider_without_a_pair_of_prompts(animated):
    guider = custom.Guider_DualCFG(self_attention(windowed(animated, PLAN)))
    guider.set_cfg(4.0, 2.0)
    guider.set_conds(*(tiny.conditioning(seed) for seed in (1, 2, 3)))
    sigmas = comfy.samplers.calculate_sigmas(
        guider.model_patcher.get_model_object("model_sampling"), "normal", 1
    )
    noise = tiny.noise(6, SIZE)
    sampler = comfy.samplers.sampler_object("euler")
    with pytest.raises(AnimateDiffError, match=r"SelfAttentionGuidance[\s\S]*PerturbedAttention"):
        guider.sample(noise, torch.zeros_like(noise), sampler, sigmas, disable_pbar=True)


def test_masks_with_hooks_follow_the_frames():
    """Prompts that bring a LoRA each, by a mask per frame: without motion no frame knows another,
    so windows change nothing."""
    plain = tiny.model()
    key = "diffusion_model.middle_block.0.in_layers.2.weight"
    change = 0.5 * plain.model.state_dict()[key].roll(1, 0)

    def prompt(seed, mask, strength):
        hooks = comfy.hooks.HookGroup()
        hook = comfy.hooks.WeightHook(strength_model=strength)
        hook.weights = {key: (change,)}
        hook.need_weight_init = False
        hooks.add(hook)
        return tiny.conditioning(seed, mask=mask, hooks=hooks)

    mask = (torch.arange(8) % 3 == 0).float()[:, None, None].repeat(1, 8, 8)
    mask[:, :, :4] *= 0.5
    positive = prompt(1, mask, 1.0) + prompt(2, 1 - mask, -1.0)
    whole = tiny.sample(plain, positive=positive, steps=1)
    cut = tiny.sample(windowed(plain, PLAN), positive=positive, steps=1)
    assert torch.allclose(cut, whole, rtol=1e-3, atol=1e-3 * whole.std())
    unhooked = tiny.conditioning(1, mask=mask) + tiny.conditioning(2, mask=1 - mask)
    assert not torch.allclose(tiny.sample(plain, positive=unhooked, steps=1), whole, rtol=1e-2, atol=1e-2)


def test_self_attention_guidance_needs_all_frames_at_the_deepest_level(animated):
    shared = apply_frame_sharing(animated, 1)
    noise = torch.randn(4, 4, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    with pytest.raises(AnimateDiffError, match=r"SelfAttentionGuidance[\s\S]*levels"):
        run(self_attention(shared), noise)
    run(self_attention(animated), noise)
    run(shared, noise)
