"""Shapes swing as they say, and whether they do is measured."""

import pytest
import torch

from demo import judge, world
from demo.aliasing_metric import best_cascade, swings
from demo.periodic import LOOP, PERIODS, STRIDE, SWING, WHOLE, loops, signs, swung


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def paths(period: int, count: int = 64) -> torch.Tensor:
    """[N, WHOLE]"""
    radius = torch.full((count,), world.RADIUS[0])
    return swung(radius, torch.full((count,), period), torch.arange(WHOLE), seeded())


@pytest.mark.parametrize("period", PERIODS)
def test_a_swing_comes_back_after_its_period_and_stays_in_the_picture(period):
    x = paths(period)
    torch.testing.assert_close(x[:, period:], x[:, :-period], atol=1e-3, rtol=0)
    edge = world.RADIUS[0] + 2
    assert x.min() >= edge and x.max() <= world.SIZE - edge
    assert (x.amax(1) - x.amin(1) <= 2 * SWING[1] + 1e-3).all()


def test_a_loop_is_whole_periods_and_found_where_it_was_drawn():
    assert not any(LOOP % period for period in PERIODS)
    frames, periods = loops(16, seeded())
    assert len(frames) == LOOP and set(periods.tolist()) <= set(PERIODS)
    drawn = torch.stack([frame.x for frame in frames], dim=1)
    found = judge.find(torch.cat([world.draw(frame) for frame in frames])).place[:, 0]
    torch.testing.assert_close(found.unflatten(0, (LOOP, 16)).T, drawn, atol=0.5, rtol=0)


@pytest.mark.parametrize("period", PERIODS)
def test_swings_of_the_period_are_right_and_of_one_piece(period):
    found = swings(paths(period), period)
    assert found.right.all() and found.of_one.all()
    torch.testing.assert_close(found.power, torch.ones(64), atol=1e-3, rtol=0)


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("other", PERIODS)
def test_another_period_is_wrong(period, other):
    """Of 6 and 8 frames, and of 8 and 12, the bins are neighbours: only the power tells them."""
    if period == other:
        return
    found = swings(paths(other), period)
    assert found.power.max() < 0.3
    assert not found.right.any() or {period, other} in ({6, 8}, {8, 12})


def test_what_stands_still_swings_in_no_period():
    assert not swings(torch.full((1, WHOLE), 30.0), PERIODS[0]).right.any()


def test_parts_that_swing_each_for_itself_are_not_of_one_piece():
    parts = paths(8).unflatten(1, (-1, STRIDE))
    shuffled = torch.stack([part.roll(n, 0) for n, part in enumerate(parts.unbind(1))], dim=1)
    found = swings(shuffled.flatten(1), 8)
    assert found.of_one.float().mean() < 0.3


@pytest.mark.parametrize("period", PERIODS)
def test_a_cascade_without_fault_cannot_know_the_swing_between_keyframes(period):
    told, guessed = (
        swings(best_cascade(period, 40, known, seeded()), period) for known in (True, False)
    )
    assert guessed.power.mean() < told.power.mean() < 0.8
    assert guessed.right.float().mean() < told.right.float().mean() < 1


def test_every_period_has_a_clock_of_its_own():
    told = signs(torch.tensor(PERIODS), range(LOOP + 1))
    assert told.shape == (len(PERIODS), LOOP + 1, 2 + len(PERIODS))
    torch.testing.assert_close(told[:, 0], told[:, -1], atol=1e-4, rtol=0)
    for clip, period in enumerate(PERIODS):
        torch.testing.assert_close(told[clip, period], told[clip, 0], atol=1e-4, rtol=0)
    assert torch.equal(told[:, 0, 2:], torch.eye(len(PERIODS)))
