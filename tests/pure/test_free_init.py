"""FreeInit's filters and mixing, against diffusers, a slow DFT and the ends of the scale."""

# numpy, torch and diffusers are typed loosely.
# pyright: reportCallIssue=false, reportAttributeAccessIssue=false

import itertools
import math

import numpy as np
import pytest
import torch
from animatediff_native.samplers.free_init import FreeInit, LowPass, mixed, next_noise, noised

SHAPES = [(16, 8, 8), (5, 7, 6), (1, 4, 4), (2, 3, 9)]
CUTOFFS = [(0.25, 0.25), (0.5, 0.2), (0.1, 0.9), (1.0, 1.0), (0.0, 0.25), (0.25, 0.0)]


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def diffusers_mixin():
    return pytest.importorskip("diffusers.pipelines.free_init_utils").FreeInitMixin()


def diffusers_filter(settings, shape):
    return diffusers_mixin()._get_free_init_freq_filter(
        (1, 4, *shape),
        "cpu",
        settings.filter.value,
        settings.order,
        settings.spatial_cutoff,
        settings.temporal_cutoff,
    )


@pytest.mark.parametrize("cutoffs", CUTOFFS)
@pytest.mark.parametrize("kind", LowPass)
@pytest.mark.parametrize("shape", SHAPES)
def test_filters_are_diffusers(shape, kind, cutoffs):
    for order in (1, 4):
        settings = FreeInit(3, kind, *cutoffs, order)
        theirs = diffusers_filter(settings, shape)[0, 0]
        ours = torch.fft.fftshift(settings.low_pass(*shape))
        assert torch.allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("kind", LowPass)
@pytest.mark.parametrize("shape", SHAPES)
def test_mixing_is_diffusers(shape, kind):
    settings = FreeInit(3, kind)
    slow, fast = random(1, 4, *shape), random(1, 4, *shape, seed=1)
    theirs = diffusers_mixin()._apply_freq_filter(slow, fast, diffusers_filter(settings, shape))
    frames_first = [one[0].movedim(1, 0) for one in (slow, fast)]
    ours = mixed(*frames_first, settings.low_pass(*shape))
    assert torch.allclose(ours, theirs[0].movedim(0, 1), atol=1e-5)


@pytest.mark.parametrize("shape", [(4, 3, 2), (3, 4, 4)])
@pytest.mark.parametrize("kind", LowPass)
def test_mixing_is_a_slow_sum_over_frequencies(shape, kind):
    """The paper's formulas written out, frequency by frequency, without any FFT."""
    settings = FreeInit(3, kind, 0.4, 0.6, 2)
    slow, fast = (random(*shape, seed=s).double().numpy() for s in (2, 3))
    positions = list(itertools.product(*map(range, shape)))
    result = np.zeros(shape, complex)
    for k in positions:
        centred = [(i + n // 2) % n for i, n in zip(k, shape, strict=True)]
        t, y, x = (2 * c / n - 1 for c, n in zip(centred, shape, strict=True))
        squared = (0.4 / 0.6 * t) ** 2 + y**2 + x**2
        kept = {
            LowPass.BUTTERWORTH: 1 / (1 + (squared / 0.4**2) ** 2),
            LowPass.GAUSSIAN: math.exp(-squared / (2 * 0.4**2)),
            LowPass.IDEAL: float(squared <= 2 * 0.4),
        }[kind]
        for at in positions:
            turn = sum(i * j / n for i, j, n in zip(k, at, shape, strict=True))
            both = kept * slow[at] + (1 - kept) * fast[at]
            wave = np.exp(-2j * np.pi * turn) * both / len(positions)
            for to in positions:
                back = sum(i * j / n for i, j, n in zip(k, to, shape, strict=True))
                result[to] += wave * np.exp(2j * np.pi * back)
    slow, fast = (torch.from_numpy(one).float()[:, None] for one in (slow, fast))
    ours = mixed(slow, fast, settings.low_pass(*shape))[:, 0]
    assert torch.allclose(ours, torch.from_numpy(result.real).float(), atol=1e-5)


def test_the_ends_of_the_scale():
    """P = 1 keeps the noised clip, P = 0 is new noise."""
    slow, fast = random(8, 4, 6, 6), random(8, 4, 6, 6, seed=1)
    assert torch.allclose(mixed(slow, fast, torch.ones(8, 6, 6)), slow, atol=1e-5)
    assert torch.allclose(mixed(slow, fast, torch.zeros(8, 6, 6)), fast, atol=1e-5)
    for nothing in (FreeInit(spatial_cutoff=0.0), FreeInit(temporal_cutoff=0.0)):
        assert torch.allclose(next_noise(nothing, slow, slow, fast, 14.6), fast, atol=1e-5)


@pytest.mark.parametrize("kind", LowPass)
def test_a_round_is_diffusers(kind):
    """Noising to the last step of a schedule, new noise and the mix, all theirs."""
    schedulers = pytest.importorskip("diffusers.schedulers")
    scheduler = schedulers.DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="linear", steps_offset=1
    )
    a = float(scheduler.alphas_cumprod[-1])
    clip, noise = random(1, 4, 16, 8, 8), random(1, 4, 16, 8, 8, seed=1)
    theirs = diffusers_mixin()
    theirs.scheduler = scheduler
    theirs.enable_free_init(method=kind.value)
    generator = torch.Generator().manual_seed(5)
    for index, latents in enumerate((noise, clip)):
        made, _ = theirs._apply_free_init(
            latents, index, 10, torch.device("cpu"), torch.float32, generator
        )
    clip, noise, fresh, made = (
        one[0].movedim(1, 0) for one in (clip, noise, random(1, 4, 16, 8, 8, seed=5), made)
    )
    ours = next_noise(FreeInit(3, kind), clip, noise, fresh, ((1 - a) / a) ** 0.5)
    assert torch.allclose(ours, made, atol=1e-5)


@pytest.mark.parametrize("frames", [8, 16])
def test_what_is_slow_is_kept(frames):
    """The mean over the clip, and not what changes from frame to frame."""
    settings = FreeInit()
    flat, none = torch.ones(frames, 4, 8, 8), torch.zeros(frames, 4, 8, 8)
    assert torch.allclose(mixed(flat, none, settings.low_pass(frames, 8, 8)), flat, atol=1e-5)
    flicker = flat * torch.tensor([1.0, -1.0]).repeat(frames // 2)[:, None, None, None]
    assert mixed(flicker, none, settings.low_pass(frames, 8, 8)).abs().max() < 1e-3


def test_noising_keeps_the_variance():
    """sqrt(a) and sqrt(1-a) of the schedule, whose squares are 1 together."""
    clip, noise = random(8, 4, 32, 32), random(8, 4, 32, 32, seed=1)
    for sigma in (0.5, 14.6):
        a = 1 / (1 + sigma**2)
        made = noised(clip, noise, sigma)
        assert torch.allclose(made, a**0.5 * clip + (1 - a) ** 0.5 * noise, atol=1e-6)
        assert abs(made.var() - 1) < 0.03


def test_noise_of_the_next_round_has_variance_1():
    clip, noise, fresh = (random(16, 4, 32, 32, seed=s) for s in range(3))
    for kind in (LowPass.IDEAL, LowPass.BUTTERWORTH):
        assert abs(next_noise(FreeInit(3, kind), clip, noise, fresh, 14.6).var() - 1) < 0.05


def test_clips_of_a_batch_know_nothing_of_each_other():
    clip, noise, fresh = (random(12, 4, 8, 8, seed=s) for s in range(3))
    settings = FreeInit()
    both = next_noise(settings, clip, noise, fresh, 14.6, clips=2)
    for part in (slice(0, 6), slice(6, 12)):
        alone = next_noise(settings, clip[part], noise[part], fresh[part], 14.6)
        assert torch.equal(both[part], alone)


def test_half_precision_is_computed_in_single():
    clip, noise, fresh = (random(4, 4, 8, 8, seed=s).half() for s in range(3))
    made = next_noise(FreeInit(), clip, noise, fresh, 14.6)
    whole = next_noise(FreeInit(), clip.float(), noise.float(), fresh.float(), 14.6)
    assert made.dtype == torch.float32 and torch.equal(made, whole)
