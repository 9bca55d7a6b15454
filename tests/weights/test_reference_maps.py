"""Reference motion: maps, loss and gradient.

The gradient is held against central differences of the loss along random directions; in fp32 with
steps of 1e-3 of the latents' deviation they agree to about 1e-3, and 2e-2 is asked for.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportOperatorIssue=false

import gc
import math
import weakref
from contextlib import nullcontext

import pytest
import torch
from adn_testing import tiny
from adn_testing.reference import FRAMES, SIGMA, UP_1, Bare, Recorder, noise
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.trajectories import reference_pass
from animatediff_native.trajectories.reference_maps import QUERIES, SCALE, Comparing

pytestmark = pytest.mark.usefixtures("inference")


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


@pytest.fixture(scope="module")
def module():
    return tiny.motion_module()


def differences_agree(bare, maps, x, more=dict, tolerance=2e-2):
    """Along three random directions."""
    gradient = bare.compared(x, maps, **more()).gradient
    sites = 6 * 4 * FRAMES  # places, each of 2 x 2 pixels and so many frames
    for seed in range(3):
        direction = noise(100 + seed) * SIGMA
        step = 1e-3
        up, down = (bare.compared(x + sign * step * direction, maps, **more()).loss
                    for sign in (1, -1))  # fmt: skip
        slope = (up - down) / (2 * step) * (sites / 6) / QUERIES
        found = float((gradient * direction).sum())
        scale = float(gradient.norm() * direction.norm())
        assert abs(found - slope) < tolerance * abs(slope) + 1e-3 * scale, seed


@pytest.mark.parametrize("version", ["v2", "v1"])
def test_the_gradient_is_that_of_differences(plain, version):
    """v1: with norms over all frames, also where layers are computed again."""
    with Bare(apply_motion_module(plain, tiny.motion_module(version))) as bare:
        maps = bare.noted(noise(1))
        differences_agree(bare, maps, noise(2) * SIGMA)


def test_controlnet_is_in_the_gradient(plain, module):
    """The host adds to tensors that autograd keeps; here they are copied before."""
    unet = plain.model.diffusion_model

    def control():
        generator = torch.Generator().manual_seed(8)
        shapes = _skips(unet)
        added = [torch.randn(FRAMES, *s, generator=generator) * 0.3 for s in shapes]
        return {"control": {"output": added, "middle": [0.3 * added[-1]], "input": []}}

    with Bare(apply_motion_module(plain, module)) as bare:
        maps, x = bare.noted(noise(1)), noise(2) * SIGMA
        differences_agree(bare, maps, x, control)
        with_it, without = bare.compared(x, maps, **control()).loss, bare.compared(x, maps).loss
        assert abs(with_it - without) > 1e-3 * without


def _skips(unet):
    """Channels and size of what goes to the way up, as the host pops it: the coarsest last."""
    sizes = [8] * 3 + [4] * 3 + [2] * 3 + [1] * 3
    channels = [32] * 4 + [64] * 3 + [128] * 5
    return [(c, s, s) for c, s in zip(channels, sizes, strict=True)]


def test_the_maps_are_a_softmax_written_by_hand(plain, module):
    recorder = Recorder()
    with Bare(apply_motion_module(plain, module.with_effect(recorder))) as bare:
        recorder.seen.clear()
        maps = bare.noted(noise(1))
    assert {(place.site, place.index) for place in maps} == {(s, i) for s in UP_1 for i in (0, 1)}
    for place, strongest in maps.items():
        q, k = (torch.cat(each) for each in zip(*recorder.seen[place.site, place.index], strict=True))
        assert strongest.value.shape == q.shape[:3] == (4, 8, FRAMES)
        for pixel, head, frame in ((0, 0, 0), (3, 5, 2), (1, 7, 3)):
            scores = [
                sum(float(a) * float(b) for a, b in zip(q[pixel, head, frame], key, strict=True))
                / math.sqrt(q.shape[-1])
                for key in k[pixel, head]
            ]
            powers = [math.exp(score) for score in scores]
            likely = [power / sum(powers) for power in powers]
            assert float(strongest.value[pixel, head, frame]) == pytest.approx(max(likely), 1e-5)
            assert int(strongest.key[pixel, head, frame]) == likely.index(max(likely))


def test_the_loss_is_the_authors(plain, module):
    """2000 times the sum over the attentions of the mean squared difference at the kept keys."""
    recorder = Recorder()
    with Bare(apply_motion_module(plain, module.with_effect(recorder))) as bare:
        maps, x = bare.noted(noise(1)), noise(2) * SIGMA
        recorder.seen.clear()
        with torch.no_grad():
            bare.noted(x, SIGMA)
        compared = bare.compared(x, maps)
    total = 0.0
    for place, wanted in maps.items():
        calls = recorder.seen[place.site, place.index]
        q, k = (torch.cat(each).double() for each in zip(*calls[: len(calls)], strict=True))
        q, k = q[:4], k[:4]
        found = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1)
        at_key = torch.gather(found, -1, wanted.key.long()[..., None])[..., 0]
        total += float(((at_key - wanted.value.double()) ** 2).mean())
    assert compared.loss == pytest.approx(2000 * total, rel=1e-4)
    assert SCALE == 2000


def test_a_step_of_eulers_lowers_the_loss(plain, module):
    """Against the same step without, at where it ends."""
    end, lower = 7.0, 0
    with Bare(apply_motion_module(plain, module)) as bare:
        maps = bare.noted(noise(1))
        for seed in range(8):
            x = noise(20 + seed) * SIGMA
            denoised = bare.base.apply_model(x, bare.sigmas(FRAMES), **bare.given(FRAMES))
            gradient = bare.compared(x, maps).gradient
            gradient = gradient / gradient.norm() * 0.05 * x.norm() / (SIGMA * end)
            added = -(SIGMA**2) * end / (SIGMA - end) * gradient
            losses = [
                bare.compared(x + (end - SIGMA) * (x - each) / SIGMA, maps).loss
                for each in (denoised, denoised + added)
            ]
            lower += losses[1] < losses[0]
    assert lower >= 7


def test_weights_that_may_move_are_copied(plain, module, monkeypatch):
    """As a host with dynamic VRAM needs it; copies lie otherwise, so that sums are rounded
    otherwise."""
    with Bare(apply_motion_module(plain, module)) as bare:
        maps, x = bare.noted(noise(1)), noise(2) * SIGMA
        expected = bare.compared(x, maps).gradient
        monkeypatch.setattr(reference_pass, "_is_dynamic", lambda _patcher: True)
        copied = bare.compared(x, maps).gradient
    assert (copied - expected).abs().max() < 1e-4 * expected.std()


@pytest.mark.parametrize("broken", [False, True])
def test_what_was_compared_is_let_go(plain, module, monkeypatch, broken):
    """Layers that can be computed again know of whoever looks, who knows of the sums."""
    seen = []

    class Known(Comparing):
        def complete(self):
            seen.append(weakref.ref(self))
            if broken:
                raise RuntimeError("broken")
            super().complete()

    monkeypatch.setattr(reference_pass, "Comparing", Known)
    with Bare(apply_motion_module(plain, module)) as bare:
        with pytest.raises(RuntimeError, match="broken") if broken else nullcontext():
            bare.compared(noise(2) * SIGMA, bare.noted(noise(1)))
        gc.collect()
        assert len(seen) == 1 and seen[0]() is None
