"""The recipe of the training loop: running mean, learning rate, clipping, and what happens to a
loss that is no number."""

import math
from dataclasses import replace

import pytest
import torch
from adn_testing.linear_noise import (
    EVERYTHING,
    PLAIN,
    LinearNoise,
    same,
    trained,
    trainer_of,
    weights,
)
from animatediff_native.training.settings import Decay
from animatediff_native.training.trainer import LossNotFinite


class BreaksAt(LinearNoise):
    """Predicts NaN in one step, counted from 1, and in those after it."""

    def __init__(self, step):
        super().__init__()
        self.breaks_at = step

    def __call__(self, batch, noise, t):
        predicted = super().__call__(batch, noise, t)
        return predicted * float("nan") if len(self.calls) >= self.breaks_at else predicted


class NanGradient(LinearNoise):
    """A finite prediction whose gradient is 0 / 0."""

    def __call__(self, batch, noise, t):
        return super().__call__(batch, noise, t) + (0 * self.parameters["weight"]).sqrt().sum()


# the result, and the running mean


def test_the_result_is_the_weights_where_there_is_no_mean():
    trainer = trained(PLAIN)
    assert same(trainer.result(), weights(trainer))


@pytest.mark.parametrize("ema", [None, 0.9])
def test_the_result_is_a_copy(ema):
    trainer = trained(replace(PLAIN, ema=ema))
    before = trainer.result()
    for value in trainer.result().values():
        value.fill_(99)
    assert same(trainer.result(), before)


@pytest.mark.parametrize("ema", [0.3, 0.9, 0.9999])
def test_the_mean_follows_its_recursion(ema):
    """m_k = d_k m_(k-1) + (1 - d_k) w_k with d_k = min(ema, k / (9 + k)), from the first weights
    on; in fp64, so that 1e-6 is what 40 roundings of fp32 leave."""
    trainer = trainer_of(replace(PLAIN, steps=40, ema=ema))
    seen = [weights(trainer)]
    trainer.run(on_step=lambda trainer: seen.append(weights(trainer)))
    for name, mean in trainer.result().items():
        expected = seen[0][name].double()
        for k in range(1, 41):
            decay = min(ema, k / (9 + k))
            expected = decay * expected + (1 - decay) * seen[k][name].double()
        assert torch.allclose(mean.double(), expected, rtol=0, atol=1e-6)
        assert not torch.equal(mean, seen[-1][name])


def test_the_mean_changes_nothing_of_the_training():
    assert same(weights(trained(PLAIN)), weights(trained(replace(PLAIN, ema=0.9))))


# the learning rate


def rates(settings):
    """Those of every step, over the setting's."""
    found = []
    trainer = trainer_of(settings)
    trainer.run(
        on_step=lambda trainer: found.append(
            trainer.optimizer.param_groups[0]["lr"] / settings.learning_rate
        )
    )
    return found


def test_a_constant_rate():
    assert rates(PLAIN) == [1.0] * 20


def test_warm_up_rises_evenly_to_the_whole_rate():
    expected = [0.25, 0.5, 0.75, *[1.0] * 17]
    assert rates(replace(PLAIN, warm_up=4)) == pytest.approx(expected)


def test_cosine_falls_from_the_whole_rate_towards_a_twentieth():
    """Half a cosine over the 16 steps behind the warm-up."""
    found = rates(replace(PLAIN, warm_up=4, decay=Decay.COSINE))
    cosines = [0.5 + 0.5 * math.cos(math.pi * step / 16) for step in range(16)]
    expected = [0.25, 0.5, 0.75, 1.0, *[0.05 + 0.95 * each for each in cosines]]
    assert found == pytest.approx(expected)
    assert found[4] == 1.0 and found[12] == pytest.approx(0.525) and found[-1] < 0.06


def test_a_warm_up_as_long_as_the_run():
    found = rates(replace(PLAIN, warm_up=20, decay=Decay.COSINE))
    assert found == pytest.approx([step / 20 for step in range(1, 21)])


def test_the_first_step_moves_every_weight_by_the_warm_up_rate():
    """Adam's first step is the rate times the gradient's sign, to its epsilon of 1e-8."""
    trainer = trainer_of(replace(PLAIN, warm_up=4, weight_decay=0.0))
    before = weights(trainer)
    trainer.run(until=1)
    for name, after in weights(trainer).items():
        moved = (after - before[name]).abs()
        assert torch.allclose(moved, torch.full_like(moved, 0.02 / 4), rtol=1e-3)


# clipping


def gradients(max_norm):
    """Those that the first step used."""
    trainer = trainer_of(replace(PLAIN, max_gradient_norm=max_norm))
    trainer.run(until=1)
    found = [p.grad for p in trainer.parameters.values() if p.grad is not None]
    return torch.cat([gradient.flatten() for gradient in found])


def test_gradients_beyond_the_norm_are_scaled_to_it_together():
    whole = gradients(1e9)
    norm = whole.norm().item()
    clipped = gradients(norm / 3)
    # torch divides by norm + 1e-6
    assert clipped.norm().item() == pytest.approx(norm / 3, rel=1e-5)
    assert torch.allclose(clipped, whole / 3, rtol=1e-5)


def test_gradients_below_the_norm_are_left_alone():
    whole = gradients(1e9)
    assert torch.equal(gradients(2 * whole.norm().item()), whole)


# what goes wrong


@pytest.mark.parametrize(("step", "good"), [(1, 0), (4, 0), (15, 10)])
def test_a_loss_of_nan_is_an_error_that_keeps_good_weights(step, good):
    """Weights are known to be good where their loss was finite; every tenth step's are kept."""
    trainer = trainer_of(EVERYTHING, BreaksAt(step))
    kept = [weights(trainer)]
    with pytest.raises(LossNotFinite, match=f"step {step}") as caught:
        trainer.run(on_step=lambda trainer: kept.append(weights(trainer)))
    assert (caught.value.step, caught.value.good_step) == (step, good)
    assert trainer.step == step - 1 and all(map(math.isfinite, trainer.losses))
    behind = [index for index, each in enumerate(kept) if same(each, weights(trainer))]
    assert behind == [good]


def test_a_gradient_of_nan_is_the_same_error():
    trainer = trainer_of(PLAIN, NanGradient())
    before = weights(trainer)
    with pytest.raises(LossNotFinite, match="step 1"):
        trainer.run()
    assert same(weights(trainer), before) and trainer.losses == []


@pytest.mark.parametrize("ema", [None, 0.9])
def test_weights_that_broke_the_loss_are_not_the_result(ema):
    """A rate of 1e30: the second loss overflows, and the mean has seen the weights that did it."""
    trainer = trainer_of(replace(PLAIN, learning_rate=1e30, ema=ema))
    before = weights(trainer)
    with pytest.raises(LossNotFinite, match="step 2"):
        trainer.run()
    assert same(weights(trainer), before)
    assert same(trainer.result(), before)


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"clips_per_step": 0},
        {"text_dropout": -0.1},
        {"text_dropout": 1.1},
        {"ema": 0.0},
        {"ema": 1.0},
    ],
    ids=str,
)
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(PLAIN, **wrong)
