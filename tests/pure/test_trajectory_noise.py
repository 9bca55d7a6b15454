"""Noise along a path: FreeTraj's, against a slow loop."""

# torch is typed loosely.
# pyright: reportArgumentType=false

import itertools

import numpy as np
import pytest
import torch
from animatediff_native.samplers.frame_noise import FrameNoise, NoiseKind, NoiseLayer, NoiseMix
from animatediff_native.trajectories.trajectory import Trajectory
from animatediff_native.trajectories.trajectory_noise import FRESH, PATCHES, TrajectoryNoise

FRAMES, SIZE, SEED = 6, 8, 7
SEEDS = 2**64
LATENT = {"samples": torch.zeros(FRAMES, 4, SIZE, SIZE)}


def draw(latent, seed, numbers=None):
    """The host's way: one stream per seed, where a number is a place in it."""
    generator = torch.Generator().manual_seed(seed)
    if numbers is None:
        return torch.randn(latent.shape, generator=generator)
    stream = [torch.randn(latent[:1].shape, generator=generator) for _ in range(max(numbers) + 1)]
    return torch.cat([stream[number] for number in numbers])


def going(*paths, box=0.3, visible=None):
    """Paths from (x, y) to (x, y)."""
    time = np.linspace(0, 1, FRAMES)[:, None, None]
    begin, end = (np.array([path[i : i + 2] for path in paths]) for i in (0, 2))
    points = begin + time * (end - begin)
    shown = np.ones((FRAMES, len(paths)), bool) if visible is None else np.array(visible)
    return Trajectory(points, shown, np.full((len(paths), 2), box), 64, 64)


ALONG = going((0.2, 0.5, 0.8, 0.4))


def noise(path=ALONG, latent=LATENT, **settings):
    return TrajectoryNoise(draw, path, SEED, **settings).generate_noise(latent)


def by_hand(eps, path, strength=1.0):
    """A box of each path, cell by cell."""
    out = eps.clone()
    for number in range(path.paths):
        u = draw(torch.zeros(1, 4, SIZE, SIZE), (SEED + PATCHES + number) % SEEDS)[0]
        side = max(1, round(path.boxes[number, 0] * SIZE))
        for frame in range(FRAMES):
            if not path.visible[frame, number]:
                continue
            x, y = path.points[frame, number]
            left, top = (int(np.rint(c * SIZE - side / 2)) for c in (x, y))
            for row, column in itertools.product(range(side), range(side)):
                if 0 <= top + row < SIZE and 0 <= left + column < SIZE:
                    old = out[frame, :, top + row, left + column]
                    new = (1 - strength) ** 0.5 * old + strength**0.5 * u[:, row, column]
                    out[frame, :, top + row, left + column] = new
    return out


def mixed_by_hand(slow, fast, mix=1.0):
    """Frequency by frequency."""

    def squared(index, count, cutoff):
        distance = min(index, count - index) / (count / 2)
        return (distance / cutoff) ** 2

    a, b = (np.fft.fftn(each.double().numpy(), axes=(0, 2, 3)) for each in (slow, fast))
    for t, y, x in itertools.product(range(FRAMES), range(SIZE), range(SIZE)):
        d = squared(t, FRAMES, 0.1) + squared(y, SIZE, 0.25) + squared(x, SIZE, 0.25)
        kept = 1 - mix * (1 - 1 / (1 + d**4))
        a[t, :, y, x] = kept * a[t, :, y, x] + (1 - kept) * b[t, :, y, x]
    return torch.from_numpy(np.fft.ifftn(a, axes=(0, 2, 3)).real).float()


PATHS = {
    "one": ALONG,
    "two that cross": going((0.2, 0.2, 0.8, 0.8), (0.8, 0.2, 0.2, 0.8), box=0.4),
    "out of the picture": going((0.1, 0.5, 1.3, -0.2), box=0.5),
    "one that is hidden for a while": going(
        (0.3, 0.3, 0.6, 0.6), visible=[[i not in (2, 3)] for i in range(FRAMES)]
    ),
    "smaller than a cell": going((0.1, 0.1, 0.9, 0.9), box=0.02),
}


@pytest.mark.parametrize("strength", [1.0, 0.4])
@pytest.mark.parametrize("path", PATHS)
def test_patches_go_along(path, strength):
    expected = by_hand(draw(LATENT["samples"], SEED), PATHS[path], strength)
    assert torch.equal(noise(PATHS[path], strength=strength, mix=0), expected)


@pytest.mark.parametrize("mix", [1.0, 0.5])
def test_the_fast_part_is_made_anew(mix):
    slow = by_hand(draw(LATENT["samples"], SEED), ALONG)
    fast = draw(LATENT["samples"], (SEED + FRESH) % SEEDS)
    got = noise(mix=mix)
    assert got.dtype == slow.dtype
    assert (got - mixed_by_hand(slow, fast, mix)).abs().max() < 1e-5
    assert (got - slow).abs().max() > 0.1


def test_without_strength_it_is_the_hosts_noise():
    assert torch.equal(noise(strength=0), draw(LATENT["samples"], SEED))
    hidden = going((0.2, 0.5, 0.8, 0.4), visible=[[False]] * FRAMES)
    assert torch.equal(noise(hidden), draw(LATENT["samples"], SEED))
    nothing = Trajectory(np.zeros((1, 0, 2)), np.zeros((1, 0), bool), np.zeros((0, 2)), 64, 64)
    assert torch.equal(noise(nothing), draw(LATENT["samples"], SEED))


def test_variance_stays():
    large = {"samples": torch.zeros(FRAMES, 4, 64, 64)}
    wide = going((0.4, 0.5, 0.6, 0.5), box=0.7)
    for strength in (0.3, 1.0):
        made = noise(wide, large, strength=strength, mix=0)
        assert made.var().item() == pytest.approx(1, abs=0.02)
        assert made.mean().item() == pytest.approx(0, abs=0.02)


def test_over_another_noise_and_beneath_one():
    constant = FrameNoise(draw, 3, NoiseKind.CONSTANT)
    expected = by_hand(constant.generate_noise(LATENT), ALONG)
    ours = TrajectoryNoise(draw, ALONG, SEED, mix=0, noise=constant)
    assert torch.equal(ours.generate_noise(LATENT), expected)
    layer = NoiseLayer(constant, ours, NoiseMix.REPLACE, first_frame=2)
    assert torch.equal(layer.generate_noise(LATENT)[2:], expected[2:])


def test_a_part_has_what_the_whole_clip_has():
    part = {"samples": LATENT["samples"][:2]}
    whole = noise(mix=0)
    assert torch.equal(noise(latent=part, mix=0, first_frame=3), whole[3:5])
    assert noise(latent=part, first_frame=3).shape == part["samples"].shape


def test_path_over_the_shared_noise_of_free_noise():
    """batch_index says which noise frame is beneath; the path goes by the clip's frames."""
    numbers = [0, 1, 2, 1, 0, 2]
    shared = {**LATENT, "batch_index": numbers}
    expected = by_hand(draw(LATENT["samples"], SEED, numbers), ALONG)
    assert torch.equal(noise(latent=shared, mix=0), expected)


def test_a_short_path_holds_its_last_place(caplog):
    short = ALONG.at(range(3))
    held = ALONG.at([0, 1, 2, 2, 2, 2])
    expected = by_hand(draw(LATENT["samples"], SEED), held)
    assert torch.equal(noise(short, mix=0), expected)
    assert "3 places for a clip of 6 frames" in caplog.text
