"""FreeLong: attention over a whole clip and along its parts, blended by frequency."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportGeneralTypeIssues=false

import comfy.sample
import numpy as np
import pytest
import torch
from adn_testing import tiny
from adn_testing.probes import windowed
from adn_testing.temporal import (
    animated,
    attention_by_hand,
    block_by_hand,
    call_of,
    run_block,
    table_of,
)
from adn_testing.traces import model_trace
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.config import Site
from animatediff_native.motion.effects import Effect
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.free_long import FreeLong, blended
from animatediff_native.samplers.windows import Schedule, WindowPlan

pytestmark = pytest.mark.usefixtures("inference")

TOLERANCE = 1e-4
LENGTH, FRAMES = 4, 9
VALUES = torch.linspace(0.5, 2.0, FRAMES)
SITE, FULL_SIZE = Site("up", 1, 0), Site("up", 3, 1)


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


def relative_error(a, b):
    return ((a - b).abs().max() / b.std()).item()


def pictures(call, site, height=4, width=6, seed=4):
    count = call.frames * len(call.parts) * len(call.conds)
    shape = (count, call.network.config.channels[site], height, width)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def by_numpy(wide, local, height, width, spatial, temporal):
    """wide, local: [(h w), F, C]. Frequencies from -1 to 1, the lowest in the middle."""
    shares = np.zeros((wide.shape[1], height, width))
    middle = [size // 2 for size in shares.shape]
    for place in np.ndindex(shares.shape):
        t, y, x = (2 * (i - m) / n for i, m, n in zip(place, middle, shares.shape, strict=True))
        shares[place] = np.exp(-0.5 * ((t / temporal) ** 2 + (y**2 + x**2) / spatial**2))
    out = np.zeros(wide.shape)
    for channel in range(wide.shape[2]):
        low, high = (
            np.fft.fftshift(
                np.fft.fftn(part[..., channel].T.reshape(-1, height, width).double().numpy())
            )
            for part in (wide, local)
        )
        mixed = np.fft.ifftn(np.fft.ifftshift(shares * low + (1 - shares) * high)).real
        out[..., channel] = mixed.reshape(mixed.shape[0], -1).T
    return torch.from_numpy(out).float()


def attended(attention, x, full_size, height, width, spatial, temporal, values):
    """One attention by hand, for x [(h w), F, C], normalised; values: [F], see by_hand."""
    frames, table = x.shape[1], table_of(attention)
    starts = [0, 2, 4, 5]
    assert frames == FRAMES
    local, total = torch.zeros_like(x), torch.zeros(frames)
    for start in starts:
        part = slice(start, start + LENGTH)
        seen = attention_by_hand(attention, x[:, part], table[:LENGTH], values[part])
        for place, weight in enumerate((1, 2, 2, 1)):
            local[:, start + place] += weight * seen[:, place]
            total[start + place] += weight
    local = local / total[:, None]
    if full_size:
        return local
    positions = []
    for frame in range(frames):  # from the first of LENGTH rows to the last
        row = frame * (LENGTH - 1) / (frames - 1)
        below = min(int(row), LENGTH - 2)
        positions.append(table[below] + (row - below) * (table[below + 1] - table[below]))
    wide = attention_by_hand(attention, x, torch.stack(positions), values)
    return by_numpy(wide, local, height, width, spatial, temporal)


class Values(Effect):
    """Factors of each frame's values in the attention, by its place in the clip."""

    def linear(self, site, name, layer, x):
        if not name.endswith("to_v"):
            return layer(x)
        return layer(x) * site.at_hand(VALUES[None])[0][:, None]


@pytest.mark.parametrize("values", [None, Values()], ids=["plain", "with an effect by frame"])
@pytest.mark.parametrize("site", [SITE, FULL_SIZE], ids=["inside", "full size"])
def test_as_a_slow_loop(plain, site, values):
    call = call_of(plain, FRAMES, conds=2, parts=2)
    x = pictures(call, site)
    spatial, temporal = 0.3, 0.4
    factors = VALUES if values else torch.ones(FRAMES)

    def both(block, tokens):
        for attention, norm in zip(block.attention_blocks, block.norms, strict=True):
            tokens = tokens + attended(
                attention,
                norm(tokens),
                site is FULL_SIZE,
                *x.shape[-2:],
                spatial,
                temporal,
                factors,
            )
        return tokens

    expected = block_by_hand(call, site, x, both)
    others = [values] if values else []
    ours = run_block(call, site, x, *others, FreeLong(LENGTH, spatial, temporal).for_call(call))
    assert relative_error(ours, expected) <= TOLERANCE
    assert relative_error(run_block(call, site, x, *others), expected) > 1e-2


@pytest.mark.parametrize("shape", [(1, 1, 1, 8), (2, 3, 5, 9), (1, 4, 1, 12)])
def test_what_is_alike_stays(shape):
    x = torch.randn(*shape, 3)
    assert relative_error(blended(x, x, (0.25, 0.25, 0.25)), x) <= 1e-6


def test_the_mean_is_the_whole_clips_and_the_rest_the_parts():
    """Of what does not change over the clip, and of what changes from frame to frame."""
    still, flicker = torch.ones(1, 2, 2, 8, 1), torch.ones(1, 2, 2, 8, 1)
    flicker[:, :, :, ::2] = -1
    narrow = (0.25, 0.25, 0.1)
    assert (
        relative_error(
            blended(2 * still + 1e-9 * flicker, still, narrow) + flicker, 2 * still + flicker
        )
        <= 1e-5
    )
    assert relative_error(blended(still, still + flicker, narrow), still + flicker) <= 1e-5


@pytest.mark.parametrize("frames", [1, 4])
def test_clips_of_one_part_have_the_bits_of_none(plain, frames):
    latent = torch.zeros(frames, 4, 8, 8)
    ours = tiny.sample(animated(plain, FreeLong(LENGTH)), latent=latent)
    assert torch.equal(ours, tiny.sample(animated(plain), latent=latent))


def test_a_cutoff_of_0_is_the_parts_alone(plain):
    call = call_of(plain, FRAMES)
    x = pictures(call, SITE)
    alone = run_block(call, SITE, x, FreeLong(LENGTH, 0.0, 0.25).for_call(call))
    assert torch.equal(run_block(call, SITE, x, FreeLong(LENGTH, 0.25, 0.0).for_call(call)), alone)
    nearly = run_block(call, SITE, x, FreeLong(LENGTH, 0.25, 1e-9).for_call(call))
    assert relative_error(nearly, alone) > 1e-3  # what has no frequency is the whole clip's


def predicted(model, noise, **options):
    """After one step from this noise."""
    return comfy.sample.sample(
        model, noise, 1, 4.0, "euler", "normal", tiny.conditioning(1), tiny.conditioning(3),
        torch.zeros_like(noise), disable_pbar=True, seed=5, **options,
    )  # fmt: skip


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_every_window_is_a_clip_by_itself(plain, version):
    alone = animated(plain, FreeLong(LENGTH), version=version)
    noise = tiny.noise(12, size=16)
    whole = predicted(windowed(alone, WindowPlan(6, 0, 1, Schedule.BATCHED)), noise)
    parts = torch.cat([predicted(alone, part) for part in noise.split(6)])
    assert relative_error(whole, parts) <= TOLERANCE


def test_every_clip_of_a_batch_is_one_by_itself(plain):
    module = tiny.motion_module("v2").with_effect(FreeLong(LENGTH))
    noise = tiny.noise(12, size=16)
    together = predicted(apply_motion_module(plain, module, clips=2), noise)
    alone = apply_motion_module(plain, module)
    parts = torch.cat([predicted(alone, part) for part in noise.split(6)])
    assert relative_error(together, parts) <= TOLERANCE


def test_the_same_where_cond_and_uncond_are_called_apart(plain):
    model, noise = animated(plain, FreeLong(LENGTH)), tiny.noise(6)
    together = predicted(model, noise)
    apart = model.clone()

    def split(apply, args):
        count = len(args["cond_or_uncond"])
        out = []
        for i in range(count):
            part = slice(i * 6, i * 6 + 6)
            c = {
                key: value[part] if torch.is_tensor(value) else value
                for key, value in args["c"].items()
            }
            c["transformer_options"] = {
                **c["transformer_options"],
                "cond_or_uncond": [args["cond_or_uncond"][i]],
            }
            out.append(apply(args["input"][part], args["timestep"][part], **c))
        return torch.cat(out)

    apart.set_model_unet_function_wrapper(split)
    assert relative_error(predicted(apart, noise), together) <= TOLERANCE


def test_slices_are_of_whole_clips(plain):
    seen = []

    class Noted(FreeLong):
        def attention(self, site, index, attention, x, rows):
            seen.append((site.first, site.behind_last, site.pixels))
            return super().attention(site, index, attention, x, rows)

    tiny.sample(animated(plain, Noted(LENGTH)), frames=6, steps=1, size=24)
    assert all(first % pixels == behind % pixels == 0 for first, behind, pixels in seen)


def test_longer_clips_than_the_table_are_seen_at_once(plain):
    before = model_trace(plain)
    model = animated(plain, FreeLong(16))
    assert tiny.sample(model, frames=36, steps=1).isfinite().all()
    assert model_trace(plain) == before


def test_more_frames_than_positions_are_an_error_where_the_module_is_applied(plain):
    with pytest.raises(AnimateDiffError, match=r"of FreeLong is 40.*positions for 32 frames"):
        animated(plain, FreeLong(40))


def test_the_node(plain):
    from animatediff_native.nodes.free_long import FreeLong as Node

    module = tiny.motion_module("v2")
    (given,) = Node.execute(module, LENGTH, 0.25, 0.5).args
    assert module.effects == ()
    ours = tiny.sample(apply_motion_module(plain, given), frames=6)
    assert torch.equal(ours, tiny.sample(animated(plain, FreeLong(LENGTH, 0.25, 0.5)), frames=6))
