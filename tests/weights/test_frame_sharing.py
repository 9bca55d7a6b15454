"""Frames that the UNet's deep levels share, against a UNet that is written out here."""

import comfy.model_management
import comfy.sample
import pytest
import torch
from adn_testing import tiny
from adn_testing.shared_frames import CLOSE, FRAMES, blocks_of, by_hand, called, given
from animatediff_native.motion.apply import apply_frame_sharing, apply_motion_module
from animatediff_native.motion.effects import Effect
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.frame_strengths import FrameStrengths
from animatediff_native.motion.motion_strength import StrengthField, strength_effects
from animatediff_native.samplers.clip_run import set_windows
from animatediff_native.samplers.context_handler import ContextWindows
from animatediff_native.samplers.fuse import Fuse
from animatediff_native.samplers.windows import Schedule, WindowPlan


@pytest.fixture(scope="module")
def model():
    return tiny.model()


@pytest.mark.parametrize("halvings", [1, 2, 3])
@pytest.mark.parametrize("frames", [8, 7, 1])
def test_a_call_equals_the_unet_with_each_resolution_computed_apart(model, halvings, frames):
    x, t, context = given(frames)
    found = called(apply_frame_sharing(model, halvings), x, t, context)
    with torch.no_grad():
        wanted = by_hand(model.model.diffusion_model, x, t, context, frames, halvings)
    assert (found - wanted).abs().max() <= CLOSE * wanted.std()
    if frames > 1:
        plain = called(model, x, t, context)
        assert (found - plain).std() > 1e-3 * plain.std()


@pytest.mark.parametrize("frames", [8, 7])
def test_a_motion_module_sees_the_frames_that_are_there_at_their_places(model, frames):
    x, t, context = given(frames)
    moving = apply_motion_module(model, tiny.motion_module("v2"))
    found = called(apply_frame_sharing(moving, 2), x, t, context)
    motion = blocks_of(moving, frames)
    with torch.no_grad():
        wanted = by_hand(model.model.diffusion_model, x, t, context, frames, 2, motion)
    assert (found - wanted).abs().max() <= CLOSE * wanted.std()
    before = called(apply_motion_module(apply_frame_sharing(model, 2), tiny.motion_module("v2")),
                    x, t, context)  # fmt: skip
    assert torch.equal(before, found)


def test_an_effect_that_does_nothing_changes_nothing(model):
    """The way through the effects' points, against the way without."""

    class Through(Effect):
        def attend(self, site, index, attend, q, k, v):
            return attend(q, k, v)

    x, t, context = given()
    module = tiny.motion_module("v2")
    plain, through = (
        called(apply_frame_sharing(apply_motion_module(model, each), 3), x, t, context)
        for each in (module, module.with_effect(Through()))
    )
    assert (plain - through).abs().max() <= CLOSE * plain.std()


def control(x, generator):
    """As a ControlNet and a T2I-Adapter together would give it: the last of a list goes first."""

    def like(channels, size):
        return 0.3 * torch.randn(len(x), channels, size, size, generator=generator)

    widths, sizes = [32, 32, 32, 32, 64, 64, 64, 128, 128, 128, 128, 128], [8] * 3 + [4] * 3
    sizes += [2] * 3 + [1] * 3
    skips = [like(c, s) for c, s in zip(widths, sizes, strict=True)]
    ways = zip(widths, sizes, strict=True)
    adapter = [like(c, s) if number % 3 == 2 else None for number, (c, s) in enumerate(ways)]
    return {"input": adapter[::-1], "middle": [like(128, 1)], "output": skips}


@pytest.mark.parametrize("halvings", [1, 3])
def test_what_controlnets_add_follows_the_frames(model, halvings):
    x, t, context = given()
    given_lists = control(x, torch.Generator().manual_seed(4))
    kept = {name: list(each) for name, each in given_lists.items()}
    found = called(apply_frame_sharing(model, halvings), x, t, context, control=given_lists)
    with torch.no_grad():
        wanted = by_hand(model.model.diffusion_model, x, t, context, FRAMES, halvings,
                         control=kept)  # fmt: skip
    assert (found - wanted).abs().max() <= CLOSE * wanted.std()
    assert all(len(given_lists[name]) == len(each) for name, each in kept.items())


@pytest.mark.parametrize("version", ["v1", "v3"])
def test_v1s_norms_pool_over_the_frames_that_are_there(model, version):
    """Of frames that are all alike nothing is lost by sharing them, so every norm is the same."""
    x, t, context = given()
    x = x.unflatten(0, (2, FRAMES))[:, :1].expand(-1, FRAMES, -1, -1, -1).flatten(0, 1)
    context = context.unflatten(0, (2, FRAMES))[:, :1].expand(-1, FRAMES, -1, -1).flatten(0, 1)
    module = without_positions(tiny.motion_module(version))
    moving = apply_motion_module(model, module)
    plain = called(moving, x, t, context)
    found = called(apply_frame_sharing(moving, 3), x, t, context)
    assert (found - plain).abs().max() <= CLOSE * plain.std()


def without_positions(module):
    for name, table in module.patcher.model.named_parameters():
        if name.endswith("pos_encoder.weight"):
            table.data.zero_()
    return module


def test_attention_patches_are_told_which_frames_are_there(model):
    x, t, context = given()
    seen = {}

    def patch(q, k, v, extra):
        seen[extra["block"]] = (q.shape[0], extra["ad_params"]["sub_idxs"])
        return q, k, v

    patched = apply_frame_sharing(model, 2)
    patched.set_model_attn2_patch(patch)
    with pytest.raises(KeyError):  # the finest level is told nothing without context windows
        called(patched, x, t, context)
    window = {"sub_idxs": list(range(20, 20 + FRAMES)), "full_length": 64}
    called(patched, x, t, context, ad_params=window)
    assert seen[("input", 1)] == (16, window["sub_idxs"])
    assert seen[("input", 7)] == (8, [20, 22, 24, 26])
    assert seen[("middle", 0)] == (4, [20, 24])
    assert seen[("output", 3)] == (8, [20, 22, 24, 26])
    assert seen[("output", 6)] == (16, window["sub_idxs"])


def hooks(model):
    return [
        (name, len(layer._forward_hooks), len(layer._forward_pre_hooks))
        for name, layer in model.model.diffusion_model.named_modules()
        if layer._forward_hooks or layer._forward_pre_hooks
    ]


def test_nothing_is_left_also_after_an_exception(model):
    x, t, context = given()
    plain = called(model, x, t, context)
    shared = apply_frame_sharing(apply_motion_module(model, tiny.motion_module("v2")), 3)
    called(shared, x, t, context)
    assert not hooks(model)
    with pytest.raises(RuntimeError):
        called(shared, x, t, context[:, :, :3])
    assert not hooks(model)
    assert torch.equal(called(model, x, t, context), plain)


def test_off_is_the_model_without(model):
    plain = tiny.sample(model)
    assert torch.equal(tiny.sample(apply_frame_sharing(model, 0)), plain)
    never = apply_frame_sharing(model, 3, 0.2, 0.3)  # none of the three steps
    assert torch.equal(tiny.sample(never), plain)
    late = tiny.sample(apply_frame_sharing(model, 3, start_percent=0.5))
    assert not torch.equal(late, plain)
    assert not torch.equal(late, tiny.sample(apply_frame_sharing(model, 3)))


def test_a_window_is_a_clip_of_its_own(model):
    """Windows that share no frame give what clips of their frames give, one after the other."""
    shared = apply_frame_sharing(apply_motion_module(model, tiny.motion_module("v2")), 2)
    windowed = shared.clone()
    set_windows(windowed, ContextWindows(WindowPlan(length=6, overlap=0, schedule=Schedule.BATCHED), Fuse.FLAT))
    noise = tiny.noise(12, seed=7)
    whole = sampled(windowed, noise)
    parts = [sampled(shared, each) for each in noise.split(6)]
    assert (whole - torch.cat(parts)).abs().max() <= 1e-4 * whole.std()


def sampled(model, noise):
    prompts = tiny.conditioning(1), tiny.conditioning(3)
    return comfy.sample.sample(
        model, noise, 3, 4.0, "euler", "normal", *prompts, torch.zeros_like(noise),
        disable_pbar=True, seed=5,
    )  # fmt: skip


def test_a_strength_by_frame_meets_the_frames_that_are_there(model):
    """Zero at all frames that the deep levels compute is zero there."""
    frames = FrameStrengths(tuple(float(n % 2) for n in range(FRAMES)))
    x, t, context = given()
    module = tiny.motion_module("v2")
    every = apply_frame_sharing(
        apply_motion_module(model, with_strength(module, StrengthField(frames=frames))), 1
    )
    # at the levels that share frames only even ones are there
    upper = {"down": 1.0, "up": 1.0, "mid": 0.0, "down.3": 0.0, "up.0": 0.0}
    apart = apply_frame_sharing(
        apply_motion_module(
            model, with_strength(module, StrengthField(frames=frames, blocks=upper))
        ), 1,
    )  # fmt: skip
    found, wanted = called(every, x, t, context), called(apart, x, t, context)
    assert (found - wanted).abs().max() <= CLOSE * wanted.std()


def with_strength(module, each):
    for effect in strength_effects((each,)):
        module = module.with_effect(effect)
    return module


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda model: apply_frame_sharing(model, 4), "levels of .* is 4"),
        (lambda model: apply_frame_sharing(apply_frame_sharing(model, 1), 2), "already"),
        (lambda model: apply_frame_sharing(model, 1, 0.5, 0.2), "percent"),
    ],
)
def test_what_cannot_be(model, make, message):
    with pytest.raises(AnimateDiffError, match=message):
        make(model)
