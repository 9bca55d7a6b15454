"""Clip Condition's regions in the host's sampling: what the model is given, and what comes out."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOptionalSubscript=false, reportOptionalMemberAccess=false

from functools import cache

import comfy.sample
import pytest
import torch
from adn_testing import probes, tiny, tiny_vae
from adn_testing.probes import frames_in, windowed
from animatediff_native.conditions.clip_region import CELL, cells_of
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.nodes.clip_condition import ClipConditionNode
from animatediff_native.samplers import context_handler
from animatediff_native.samplers.windows import Schedule, WindowPlan
from comfy.patcher_extension import WrappersMP

import nodes

pytestmark = pytest.mark.usefixtures("inference")
SIZE = 64  # pixels: 8 of the latent
SCALE = 0.18215  # of SD1.5's latent space
LONG = 64  # frames
PLANS = {
    "no windows": None,
    "windows": WindowPlan(16, 4),
    "moving windows": WindowPlan(16, 4, schedule=Schedule.UNIFORM),
}
FEATHERED = [("cinemagraph", 8), ("inpaint", 0), ("outpaint", 8)]
MODES = [mode for mode, _ in FEATHERED]


@pytest.fixture(scope="module")
def vae():
    return tiny_vae.vae()


@pytest.fixture(scope="module")
def long_clip(vae):
    """By mode and feather, made once: pixels, mask, and what the host makes of them with a noise
    mask. The long way through a VAE is most of these tests' time."""

    @cache
    def made(mode, feather):
        pixels, mask = given(mode, LONG, feather)
        return pixels, mask, conditioned(vae, pixels, mask, True)

    return made


@pytest.fixture(scope="module")
def channels(vae, long_clip):
    """Independently, one frame at a time: a cell is made where its middle is, and the picture is
    grey there; so the model sees C = source x M of what is given."""

    @cache
    def seen(mode, feather):
        rows = []
        for picture, made in zip(*long_clip(mode, feather)[:2], strict=True):
            middle = made.reshape(8, CELL, 8, CELL)[:, 3:5, :, 3:5].mean(dim=(1, 3))
            latent = vae.encode(torch.where((made > 0.5)[..., None], 0.5, picture)[None])
            rows.append(torch.cat([middle.round()[None, None], latent * SCALE], dim=1))
        return torch.cat(rows)

    return seen


@pytest.fixture(scope="module")
def animated():
    return apply_motion_module(tiny.model(), tiny.motion_module("v3"), strength=0.7)


def video(frames):
    return torch.rand(frames, SIZE, SIZE, 3, generator=torch.Generator().manual_seed(8))


def moving(frames):
    """A box of 24 x 16 pixels that goes to the right and comes in again at the left."""
    region = torch.zeros(frames, SIZE, SIZE)
    for i, mask in enumerate(region):
        mask[16:40, :16] = 1.0
        mask.copy_(mask.roll(3 * i, 1))
    return region


def given(mode, frames, feather=0, region=None, **options):
    """pixels and mask of the mode for a clip of so many frames, with a region that moves."""
    images = video(frames)[:1] if mode == "cinemagraph" else video(frames)
    if mode == "outpaint":
        options |= {"width": 48, "height": 48, "left": 8, "right": 8, "bottom": 16}
    else:
        options["region"] = moving(frames) if region is None else region
    return ClipConditionNode.execute(
        images, mode, frames=options.pop("part", frames), feather=feather, **options
    ).args


def conditioned(vae, pixels, mask, noise_mask):
    return nodes.InpaintModelConditioning().encode(
        tiny.conditioning(1), tiny.conditioning(3), pixels, vae, mask, noise_mask
    )


def planned(model, plan):
    return windowed(model, PLANS[plan]) if PLANS[plan] else model


def sampled(model, positive, negative, latent, steps=2, denoise=1.0):
    return nodes.common_ksampler(
        model, 11, steps, 4.0, "euler", "normal", positive, negative, latent, denoise
    )[0]["samples"]


def assert_kept(result, source, cells):
    """Where cells [F, h, w] are 0, up to the rounding of the latent's scale; made elsewhere."""
    kept = (cells == 0.0)[:, None].expand_as(result)
    assert kept.any() and not kept.all()
    assert torch.allclose(result[kept], source[kept], rtol=0, atol=1e-5 * source.std())
    made = (cells == 1.0)[:, None].expand_as(result)
    assert (result - source)[made].std() > 0.1 * result[made].std()


def noting(model):
    """(x, sigmas, c_concat, cond_or_uncond, frames of the window) of every call of the UNet."""
    model, calls = model.clone(), []

    def note(executor, x, t, c_concat=None, c_crossattn=None, control=None,
             transformer_options=None, **kwargs):  # fmt: skip
        window = transformer_options.get("context_window")
        frames = window.index_list if window else list(range(LONG))
        calls.append((x, t, c_concat, transformer_options["cond_or_uncond"], frames))
        return executor(x, t, c_concat, c_crossattn, control, transformer_options, **kwargs)

    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "probe", note)
    return model, calls


@pytest.mark.parametrize("split", [False, True], ids=["CFG in one batch", "CFG split"])
@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize(("mode", "feather"), FEATHERED)
def test_an_inpainting_model_gets_mask_and_masked_image_of_each_frame(
    long_clip, channels, mode, plan, split, feather, monkeypatch
):
    positive, negative, _ = long_clip(mode, feather)[2]
    model = probes.trivial(in_channels=9)
    if split:
        monkeypatch.setattr(model.model, "memory_required", lambda *_, **__: 1e18)
    monkeypatch.setattr(context_handler, "windows_per_call", lambda *_: 1)
    model, calls = noting(planned(model, plan))
    probes.sample_numbered(model, LONG, positive=positive, negative=negative)
    expected, seen = channels(mode, feather), set()
    for x, sigmas, c_concat, chunks, _ in calls:
        assert len(chunks) == (1 if split else 2)
        rows = frames_in(x, sigmas)
        parts = zip(chunks, rows.chunk(len(chunks)), strict=True)
        seen.update((chunk, row) for chunk, part in parts for row in part.tolist())
        assert torch.equal(c_concat[:, 0], expected[rows][:, 0])
        assert torch.allclose(c_concat, expected[rows], rtol=0, atol=1e-5)
    assert seen == {(chunk, row) for chunk in (0, 1) for row in range(LONG)}


@pytest.mark.parametrize("plan", PLANS)
def test_noise_masks_alone_reach_an_inpainting_model_by_frame(long_clip, plan):
    """Encoded, with Set Latent Noise Mask: the host makes the channels of it."""
    _, mask, (_, _, latent) = long_clip("inpaint", 0)
    source = latent["samples"]
    model, calls = noting(planned(probes.trivial(in_channels=9), plan))
    comfy.sample.sample(
        model, tiny.noise(LONG), 2, 4.0, "euler", "normal", tiny.conditioning(1),
        tiny.conditioning(3), source, noise_mask=mask[:, None], seed=5, disable_pbar=True,
    )  # fmt: skip
    cells = cells_of(mask).round()
    for _, _, c_concat, chunks, frames in calls:
        rows = frames * len(chunks)
        assert torch.equal(c_concat[:, 0], cells[rows])
        assert torch.allclose(c_concat[:, 1:], source[rows] * SCALE, rtol=0, atol=1e-5)
    assert calls


@pytest.mark.parametrize(("mode", "feather"), FEATHERED)
@pytest.mark.parametrize("plan", PLANS)
def test_outside_of_what_is_made_each_window_sees_the_source_with_its_noise(
    long_clip, mode, plan, feather
):
    """One noise mask for each frame, in every step and window: the frames that belong to it."""
    _, mask, (positive, negative, latent) = long_clip(mode, feather)
    noise, source = tiny.noise(LONG), latent["samples"] * SCALE
    model, calls = noting(planned(probes.trivial(), plan))
    comfy.sample.sample(
        model, noise, 3, 4.0, "euler", "normal", positive, negative, latent["samples"],
        noise_mask=latent["noise_mask"], denoise=0.9, seed=5, disable_pbar=True,
    )  # fmt: skip
    cells, seen = cells_of(mask), set()
    for x, sigmas, _, chunks, frames in calls:
        rows = frames * len(chunks)
        kept = (cells[rows] == 0.0)[:, None].expand_as(x)
        expected = source[rows] + noise[rows] * sigmas[:, None, None, None]
        assert torch.allclose(x[kept], expected[kept], rtol=0, atol=1e-5 * expected.std())
        seen.update((round(float(sigmas[0]), 3), frame) for frame in frames)
    assert len(seen) == 3 * LONG


@pytest.mark.parametrize("denoise", [1.0, 0.6])
@pytest.mark.parametrize("feather", [0, 8])
@pytest.mark.parametrize("mode", MODES)
def test_by_noise_masks_what_lies_outside_comes_out_as_it_went_in(
    vae, animated, mode, feather, denoise
):
    """And so does the first frame of a cinemagraph, all of it."""
    pixels, mask = given(mode, 8, feather)
    positive, negative, latent = conditioned(vae, pixels, mask, True)
    assert torch.equal(latent["samples"], vae.encode(pixels))
    result = sampled(animated, positive, negative, latent, denoise=denoise)
    assert_kept(result, latent["samples"], cells_of(mask))
    assert bool((cells_of(mask)[0] == 0.0).all()) == (mode == "cinemagraph")


@pytest.mark.parametrize(("mode", "feather"), FEATHERED)
def test_64_frames_in_windows(long_clip, animated, mode, feather):
    _, mask, (positive, negative, latent) = long_clip(mode, feather)
    plan = "moving windows" if mode == "inpaint" else "windows"
    result = sampled(planned(animated, plan), positive, negative, latent)
    assert_kept(result, latent["samples"], cells_of(mask))


@pytest.mark.parametrize("noise_mask", [False, True])
@pytest.mark.parametrize("plan", ["no windows", "windows"])
def test_with_an_inpainting_model(vae, plan, noise_mask):
    """What is given makes a difference to what is made; by a noise mask it also stays."""
    model = tiny.model(in_channels=9)
    model = planned(apply_motion_module(model, tiny.motion_module("v3")), plan)
    pixels, mask = given("inpaint", 20)
    positive, negative, latent = conditioned(vae, pixels, mask, noise_mask)
    result = sampled(model, positive, negative, latent)
    if noise_mask:
        assert_kept(result, latent["samples"], cells_of(mask))
    others = conditioned(vae, pixels.flip(0), mask, noise_mask)
    changed = sampled(model, others[0], others[1], latent)
    inside = (cells_of(mask) == 1.0)[:, None].expand_as(result)
    assert (changed - result)[inside].std() > 0.01 * result[inside].std()


def test_what_lies_beneath_the_region_is_not_what_an_inpainting_model_sees(vae):
    """Grey stands there, whatever the video has."""
    pixels, mask = given("inpaint", 8)
    other = torch.where(mask[..., None] == 1.0, 1 - pixels, pixels)
    both = [conditioned(vae, each, mask, False)[0][0][1] for each in (pixels, other)]
    assert torch.equal(*(each["concat_latent_image"] for each in both))


@pytest.mark.parametrize("plan", ["no windows", "windows"])
def test_where_all_is_given_the_source_comes_out(vae, animated, plan):
    pixels, mask = given("inpaint", 20, 8, region=torch.zeros(1, SIZE, SIZE))
    positive, negative, latent = conditioned(vae, pixels, mask, True)
    result, source = sampled(planned(animated, plan), positive, negative, latent), latent["samples"]
    assert torch.allclose(result, source, rtol=0, atol=1e-5 * source.std())


@pytest.mark.parametrize("plan", ["no windows", "windows"])
def test_where_nothing_is_given_the_plain_clip_comes_out(vae, animated, plan):
    """To the bit."""
    pixels, mask = given("inpaint", 20, 8, region=torch.ones(1, SIZE, SIZE))
    positive, negative, latent = conditioned(vae, pixels, mask, True)
    model = planned(animated, plan)
    prompts = tiny.conditioning(1), tiny.conditioning(3)
    plain = sampled(model, *prompts, {"samples": latent["samples"]})
    assert torch.equal(sampled(model, positive, negative, latent), plain)


@pytest.mark.parametrize("mode", MODES)
def test_a_clip_in_parts(vae, animated, mode):
    """Each part keeps what belongs to it of the whole; only the first begins with the picture."""
    whole, made = given(mode, 24)
    for first in (0, 8, 16):
        options = {"part": 8, "first_frame": first, "total_frames": 24}
        pixels, mask = given(mode, 24, **options)
        own = slice(first, first + 8)
        assert torch.equal(pixels, whole[own]) and torch.equal(mask, made[own])
        positive, negative, latent = conditioned(vae, pixels, mask, True)
        result = sampled(animated, positive, negative, latent)
        assert_kept(result, vae.encode(whole[own]), cells_of(made[own]))
