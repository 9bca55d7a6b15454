"""The training loop around a small linear model: what it learns and draws, and going on where it
stopped.

Bit equality where the same sums are computed in the same order: by seed, after resuming, and in
chunks. Statistics name their standard deviations.
"""

from dataclasses import replace
from statistics import fmean

import pytest
import torch
from adn_testing.linear_noise import (
    CHANNELS,
    EVERYTHING,
    FRAMES,
    PLAIN,
    LinearNoise,
    assert_same_state,
    same,
    trained,
    trainer_of,
    weights,
)
from animatediff_native.training.objective import debiased_noise_loss, noise_loss
from animatediff_native.training.trainer import Trainer

# what is learnt, and that the seed decides it


def test_the_loss_falls():
    """To a quarter or so, which is left for not knowing the timestep."""
    losses = trained(replace(PLAIN, steps=300)).losses
    assert len(losses) == 300
    assert fmean(losses[-100:]) < 0.5 * fmean(losses[:20])


@pytest.mark.parametrize("settings", [PLAIN, EVERYTHING], ids=["plain", "everything on"])
def test_two_runs_with_one_seed_are_the_same(settings):
    assert_same_state(trained(settings), trained(settings))


def test_another_seed_is_another_run():
    one, other = trained(EVERYTHING), trained(replace(EVERYTHING, seed=8))
    assert one.losses != other.losses
    assert not same(weights(one), weights(other))


def test_what_else_is_random_does_not_matter():
    expected = trained(EVERYTHING)
    torch.manual_seed(123)
    torch.randn(1000)
    assert_same_state(trained(EVERYTHING), expected)


def test_training_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    trained(EVERYTHING)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("seed", [0, 2**32 - 1, 2**64 - 1])
def test_every_seed_of_the_host_works(seed):
    assert len(trained(replace(PLAIN, steps=2, seed=seed)).losses) == 2


# what is drawn


def test_one_timestep_per_clip_and_noise_of_its_own_per_frame():
    predict = LinearNoise()
    trained(replace(PLAIN, clips_per_step=3), predict)
    for batch, noise, t in predict.calls:
        assert noise.shape == batch.latents.shape == (3, FRAMES, CHANNELS, 4, 4)
        assert t.shape == (3,)
        assert len({frame.sum().item() for frame in noise.flatten(0, 1)}) == 3 * FRAMES


def test_only_so_much_noise_and_more_is_trained_on():
    predict = LinearNoise()
    trainer_of(replace(PLAIN, steps=200, least_timestep=7), predict).run()
    assert torch.cat([t for _, _, t in predict.calls]).unique().tolist() == [7, 8, 9]


def test_all_timesteps_and_clips_take_part_alike_over_the_steps():
    """Steps seed their generator with neighbouring numbers; 1,000 of them, and 4 standard
    deviations of a binomial count."""
    predict = LinearNoise()
    trained(replace(PLAIN, steps=1000, learning_rate=1e-6), predict)
    timesteps = torch.cat([t for _, _, t in predict.calls]).bincount(minlength=10)
    assert ((timesteps - 100).abs() < 4 * 90**0.5).all()
    first = predict.clips.latents[:, 0, 0, 0, 0]
    drawn = torch.tensor([float(batch.latents[0, 0, 0, 0, 0]) for batch, _, _ in predict.calls])
    clips = (drawn[:, None] == first).sum(0)
    assert ((clips - 200).abs() < 4 * 160**0.5).all()


def test_noise_is_standard_normal_over_the_steps():
    """48,000 numbers: mean 0 within 4 / sqrt(48,000), variance 1 within 4 * sqrt(2 / 48,000)."""
    predict = LinearNoise()
    trained(replace(PLAIN, steps=250), predict)
    noise = torch.cat([noise.flatten() for _, noise, _ in predict.calls]).double()
    assert abs(noise.mean()) < 0.0183
    assert abs(noise.var() - 1) < 0.0258


def test_the_loss_is_that_of_the_prediction():
    predict = LinearNoise()
    trainer = trainer_of(replace(PLAIN, steps=1), predict)
    untrained = LinearNoise()
    trainer.run()
    batch, noise, t = predict.calls[0]
    assert trainer.losses == [noise_loss(untrained(batch, noise, t), noise).item()]


def test_debias_adds_the_loss_of_some_anchor():
    predict, untrained = LinearNoise(), LinearNoise()
    loss = trained(replace(PLAIN, steps=1, debias=True), predict).losses[0]
    batch, noise, t = predict.calls[0]
    predicted = untrained(batch, noise, t).detach()
    possible = [
        debiased_noise_loss(predicted, noise, torch.tensor([anchor])).item()
        for anchor in range(FRAMES)
    ]
    assert loss in possible
    assert len(set(possible)) == FRAMES


def test_debias_does_nothing_to_single_frames():
    plain, debiased = (
        trained(replace(PLAIN, debias=debias), LinearNoise(frames=1)) for debias in (False, True)
    )
    assert_same_state(plain, debiased)


# stopping and going on


@pytest.mark.parametrize("settings", [PLAIN, EVERYTHING], ids=["plain", "everything on"])
@pytest.mark.parametrize("stop", [1, 7, 10, 19])
def test_a_resumed_run_is_the_same_as_one_that_was_not_stopped(settings, stop, tmp_path):
    first, file = trainer_of(settings), tmp_path / "checkpoint.pt"
    first.run(until=stop)
    first.save(file)
    second = trainer_of(settings)
    second.resume(file)
    assert second.step == stop
    assert_same_state(second, first)
    second.run()
    assert_same_state(second, trained(settings))


def test_a_checkpoint_is_saved_whole_or_not_at_all(tmp_path, monkeypatch):
    """One from before stays where writing breaks off."""
    file, trainer = tmp_path / "checkpoint.pt", trainer_of(PLAIN)
    trainer.run(until=3)
    trainer.save(file)
    assert list(tmp_path.iterdir()) == [file]
    whole = file.read_bytes()

    def breaks_off(_, target):
        target.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", breaks_off)
    with pytest.raises(OSError, match="disk full"):
        trainer.save(file)
    assert file.read_bytes() == whole


def renamed(predict):
    return {name.upper(): value for name, value in predict.parameters.items()}


def fewer(predict):
    return {"weight": predict.parameters["weight"]}


def reshaped(predict):
    return {**predict.parameters, "bias": torch.nn.Parameter(torch.zeros(CHANNELS + 1))}


def broadcastable(predict):
    return {**predict.parameters, "weight": torch.nn.Parameter(torch.ones(3, CHANNELS, CHANNELS))}


@pytest.mark.parametrize(
    "other",
    [
        renamed,
        fewer,
        reshaped,
        broadcastable,
    ],
)
def test_a_checkpoint_of_other_parameters_is_refused(other, tmp_path):
    file, predict = tmp_path / "checkpoint.pt", LinearNoise()
    trained(replace(PLAIN, steps=2)).save(file)
    trainer = Trainer(other(predict), predict, predict.clips, PLAIN)
    before = weights(trainer)
    with pytest.raises(ValueError, match=r"checkpoint\.pt is from another training"):
        trainer.resume(file)
    assert same(weights(trainer), before) and trainer.step == 0


def test_a_checkpoint_of_another_seed_is_refused(tmp_path):
    file = tmp_path / "checkpoint.pt"
    trained(replace(PLAIN, steps=2)).save(file)
    trainer = trainer_of(replace(PLAIN, seed=1))
    before = weights(trainer)
    with pytest.raises(ValueError, match="another seed"):
        trainer.resume(file)
    assert same(weights(trainer), before) and trainer.step == 0


def test_a_checkpoint_without_the_running_mean_is_refused_where_one_is_wanted(tmp_path):
    file = tmp_path / "checkpoint.pt"
    trained(replace(PLAIN, steps=2)).save(file)
    trainer = trainer_of(replace(PLAIN, ema=0.9))
    with pytest.raises(ValueError, match=r"checkpoint\.pt is from another training"):
        trainer.resume(file)
    assert trainer.step == 0


def test_chunks_are_one_run():
    chunked = trainer_of(EVERYTHING)
    for until in (1, 2, 9, 10, 9, 24):
        chunked.run(until=until)
    assert chunked.step == 24
    chunked.run()
    assert_same_state(chunked, trained(EVERYTHING))


def test_no_run_goes_beyond_the_last_step():
    trainer = trainer_of(PLAIN)
    trainer.run(until=100)
    assert trainer.step == 20
    before = weights(trainer)
    trainer.run()
    assert trainer.step == 20 and same(weights(trainer), before)


def test_on_step_is_called_after_every_step():
    steps = []
    trainer_of(PLAIN).run(on_step=lambda trainer: steps.append((trainer.step, len(trainer.losses))))
    assert steps == [(step, step) for step in range(1, 21)]


def test_an_exception_in_on_step_leaves_a_trainer_that_goes_on():
    def stop_at_five(trainer):
        if trainer.step == 5:
            raise KeyboardInterrupt

    trainer = trainer_of(EVERYTHING)
    with pytest.raises(KeyboardInterrupt):
        trainer.run(on_step=stop_at_five)
    assert trainer.step == 5
    trainer.run()
    assert_same_state(trainer, trained(EVERYTHING))
