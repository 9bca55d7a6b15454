"""Clip Condition in the host's sampling: what the model is given, and what comes out."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOptionalSubscript=false

import pytest
import torch
from adn_testing import probes, tiny, tiny_vae
from adn_testing.probes import frames_in, windowed
from adn_testing.traces import ProcessTrace, model_trace
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.nodes.clip_condition import ClipConditionNode
from animatediff_native.samplers import context_handler
from animatediff_native.samplers.windows import Schedule, WindowPlan
from comfy.patcher_extension import WrappersMP

import nodes

pytestmark = pytest.mark.usefixtures("inference")
SIZE = 64  # pixels: 8 of the latent
SCALE = 0.18215  # of SD1.5's latent space
PLANS = {
    "no windows": None,
    "windows": WindowPlan(6, 2),
    "moving windows": WindowPlan(6, 2, schedule=Schedule.UNIFORM),
}


@pytest.fixture(scope="module")
def vae():
    return tiny_vae.vae()


def pictures(count):
    return torch.rand(count, SIZE, SIZE, 3, generator=torch.Generator().manual_seed(8))


def conditioned(vae, frames=14, mode="first and last", noise_mask=False, count=2, at="0"):
    """As a user connects it: both prompts, the latent; the frames that are given."""
    pixels, mask = ClipConditionNode.execute(pictures(count), mode, at, frames).args
    positive, negative, latent = nodes.InpaintModelConditioning().encode(
        tiny.conditioning(1), tiny.conditioning(3), pixels, vae, mask, noise_mask
    )
    return positive, negative, latent, (mask[:, 0, 0] == 0).nonzero().flatten().tolist()


def noting(model):
    """(x, sigmas, c_concat, cond_or_uncond) of every call of the UNet."""
    model, calls = model.clone(), []

    def note(executor, x, t, c_concat=None, c_crossattn=None, control=None,
             transformer_options=None, **kwargs):  # fmt: skip
        calls.append((x, t, c_concat, transformer_options["cond_or_uncond"]))
        return executor(x, t, c_concat, c_crossattn, control, transformer_options, **kwargs)

    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "probe", note)
    return model, calls


def channels(vae, frame, frames):
    """Of one frame, independently: the mask, and the latent of what is seen through it."""
    place = {0: 0, frames - 1: 1}.get(frame)
    seen = torch.full((1, SIZE, SIZE, 3), 0.5) if place is None else pictures(2)[place : place + 1]
    mask = torch.full((1, 1, 8, 8), float(place is None))
    return torch.cat([mask, vae.encode(seen) * SCALE], dim=1)


@pytest.mark.parametrize("noise_mask", [False, True])
@pytest.mark.parametrize("split", [False, True], ids=["CFG in one batch", "CFG split"])
@pytest.mark.parametrize("plan", PLANS)
def test_an_inpainting_model_gets_mask_and_masked_image_of_each_frame(
    vae, plan, split, noise_mask, monkeypatch
):
    frames = 14
    positive, negative, latent, _ = conditioned(vae, frames, noise_mask=noise_mask)
    model = probes.trivial(in_channels=9)
    if split:
        monkeypatch.setattr(model.model, "memory_required", lambda *_, **__: 1e18)
    monkeypatch.setattr(context_handler, "windows_per_call", lambda *_: 1)
    model, calls = noting(windowed(model, PLANS[plan]) if PLANS[plan] else model)
    masks = {"noise_mask": latent["noise_mask"]} if noise_mask else {}
    probes.sample_numbered(model, frames, positive=positive, negative=negative, **masks)
    expected = torch.cat([channels(vae, frame, frames) for frame in range(frames)])
    seen = set()
    for x, sigmas, c_concat, chunks in calls:
        assert len(chunks) == (1 if split else 2)
        rows = frames_in(x, sigmas)
        parts = zip(chunks, rows.chunk(len(chunks)), strict=True)
        seen.update((chunk, row) for chunk, part in parts for row in part.tolist())
        assert torch.allclose(c_concat, expected[rows], rtol=0, atol=1e-5)
        assert torch.equal(c_concat[:, 0], expected[rows][:, 0])
    assert seen == {(chunk, row) for chunk in (0, 1) for row in range(frames)}


def sampled(model, positive, negative, latent, steps=2, denoise=1.0, sampler="euler"):
    return nodes.common_ksampler(
        model, 11, steps, 4.0, sampler, "normal", positive, negative, latent, denoise
    )[0]["samples"]


@pytest.fixture(scope="module")
def animated():
    return apply_motion_module(tiny.model(), tiny.motion_module("v3"), strength=0.7)


@pytest.mark.parametrize("denoise", [1.0, 0.6])
@pytest.mark.parametrize("plan", PLANS)
def test_by_a_noise_mask_given_frames_come_out_as_they_went_in(vae, animated, plan, denoise):
    """Up to the rounding of the sampler's last step and of the latent's scale; others are made."""
    model = windowed(animated, PLANS[plan]) if PLANS[plan] else animated
    at = "0, 6, -1"
    positive, negative, latent, given = conditioned(vae, 14, "chosen frames", True, 3, at)
    assert given == [0, 6, 13]
    result, before = sampled(model, positive, negative, latent, denoise=denoise), latent["samples"]
    made = [i for i in range(14) if i not in given]
    assert torch.allclose(result[given], before[given], rtol=0, atol=1e-5 * before.std())
    assert ((result - before)[made].flatten(1).std(dim=1) > 0.1 * result.std()).all()


def test_frames_between_know_the_given_ones(vae, animated):
    """Through the motion module: other pictures at the ends give other frames between."""
    positive, negative, latent, _ = conditioned(vae, 8, noise_mask=True)
    other = {**latent, "samples": latent["samples"].flip(0)}
    one, two = (sampled(animated, positive, negative, each) for each in (latent, other))
    assert (one[1:-1] - two[1:-1]).std() > 0.01 * one.std()


def test_where_nothing_is_given_all_is_made(vae, animated):
    """A part without a given frame: the bits of the plain clip."""
    pixels, mask = ClipConditionNode.execute(
        pictures(2), "first and last", "0", 8, first_frame=8, total_frames=24
    ).args
    positive, negative, latent = nodes.InpaintModelConditioning().encode(
        tiny.conditioning(1), tiny.conditioning(3), pixels, vae, mask, True
    )
    plain = sampled(
        animated, tiny.conditioning(1), tiny.conditioning(3), {"samples": latent["samples"]}
    )
    assert torch.equal(sampled(animated, positive, negative, latent), plain)


@pytest.mark.parametrize("in_channels", [4, 9])
@pytest.mark.parametrize("noise_mask", [False, True])
def test_nothing_is_left(vae, in_channels, noise_mask):
    positive, negative, latent, _ = conditioned(vae, 8, noise_mask=noise_mask)
    model = tiny.model(in_channels=in_channels)
    plain = sampled(model, tiny.conditioning(1), tiny.conditioning(3), {"samples": latent["samples"]})
    before, process = model_trace(model), ProcessTrace()
    moving = windowed(apply_motion_module(model, tiny.motion_module("v3")), WindowPlan(6, 2))
    sampled(moving, positive, negative, latent)
    assert model_trace(model) == before
    process.assert_unchanged()
    again = sampled(model, tiny.conditioning(1), tiny.conditioning(3), {"samples": latent["samples"]})
    assert torch.equal(again, plain)
