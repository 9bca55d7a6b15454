"""Noise in which the camera's motion cannot be seen, by its closed form."""

from dataclasses import replace

import pytest
import torch
from adn_testing.linear_noise import FRAMES, PLAIN, LinearNoise, trained, trainer_of
from animatediff_native.training.objective import hide_motion

SEED = 5
SIGMA = torch.tensor([14.6, 5.0], dtype=torch.float64)


BOTH = torch.tensor([True, True])


def _clips_stills_and_noise() -> torch.Tensor:
    generator = torch.Generator().manual_seed(SEED)
    return torch.randn(3, 2, FRAMES, 4, 8, 8, generator=generator, dtype=torch.float64)


def _noisy(latents: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    sigma = SIGMA.view(-1, 1, 1, 1, 1)
    return (latents + sigma * noise) / (1 + sigma**2).sqrt()


def test_the_noisy_clip_is_that_of_the_still_one():
    """fp64: only rounding is left."""
    latents, still, noise = _clips_stills_and_noise()
    hiding = hide_motion(noise, latents, still, SIGMA, BOTH)
    assert torch.allclose(_noisy(latents, hiding), _noisy(still, noise), rtol=0, atol=1e-12)


def test_the_prediction_of_such_noise_is_one_of_the_moving_clip():
    """x0 = sqrt(1 + sigma^2) x - sigma eps, as samplers take it from the predicted noise."""
    latents, still, noise = _clips_stills_and_noise()
    hiding = hide_motion(noise, latents, still, SIGMA, BOTH)
    sigma = SIGMA.view(-1, 1, 1, 1, 1)
    clean = (1 + sigma**2).sqrt() * _noisy(latents, hiding) - sigma * hiding
    assert torch.allclose(clean, latents, rtol=0, atol=1e-12)


def test_the_noise_of_other_clips_keeps_its_bits():
    latents, still, noise = _clips_stills_and_noise()
    hiding = hide_motion(noise, latents, still, SIGMA, torch.tensor([True, False]))
    assert not torch.equal(hiding[0], noise[0])
    assert torch.equal(hiding[1], noise[1])


def test_in_a_clip_that_does_not_move_there_is_nothing_to_hide():
    latents, _, noise = _clips_stills_and_noise()
    assert torch.equal(hide_motion(noise, latents, latents, SIGMA, BOTH), noise)


def test_the_trainer_hides_each_clip_behind_its_own_still_one():
    """Beside a training that hides nothing: the same clips and noise. Rounding of fp32."""
    hiding, plain = LinearNoise(), LinearNoise()
    settings = replace(PLAIN, steps=8, clips_per_step=3)
    trained(replace(settings, hidden_motion=1.0), hiding)
    trained(settings, plain)
    for (batch, noise, t), (same, drawn, _) in zip(hiding.calls, plain.calls, strict=True):
        assert torch.equal(batch.latents, same.latents)
        assert batch.still is not None
        sigma = hiding.sigmas[t].view(-1, 1, 1, 1, 1)
        seen = batch.latents + sigma * noise
        torch.testing.assert_close(seen, batch.still + sigma * drawn, rtol=0, atol=1e-5)


def test_a_share_of_the_clips_is_hidden_in_strong_noise():
    """Timesteps 4 to 9 of 10 are the strong ones. 1,000 draws: 40 % hidden there, and 60 % of the
    others; 4 standard deviations of the binomial."""
    predict = LinearNoise()
    trained(replace(PLAIN, steps=1000, learning_rate=1e-6, hidden_motion=0.4), predict)
    strong = sum(int(t) >= 4 for _, _, t in predict.calls)
    share = 0.4 + 0.6 * 0.6
    assert abs(strong - 1000 * share) < 4 * (1000 * share * (1 - share)) ** 0.5


@pytest.mark.parametrize(("least", "expected"), [(0, {4, 5, 6, 7, 8, 9}), (7, {7, 8, 9})])
def test_every_clip_can_be_hidden(least, expected):
    predict = LinearNoise()
    trained(replace(PLAIN, steps=100, hidden_motion=1.0, least_timestep=least), predict)
    assert set(torch.cat([t for _, _, t in predict.calls]).tolist()) == expected


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_is_from_0_to_1(share):
    with pytest.raises(ValueError, match="hidden_motion is a share"):
        replace(PLAIN, hidden_motion=share)


def test_without_still_clips_it_cannot_be():
    predict = LinearNoise()
    predict.clips.still = None
    with pytest.raises(ValueError, match="the camera held still"):
        trainer_of(replace(PLAIN, hidden_motion=0.5), predict)
