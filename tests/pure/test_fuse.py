"""Fusing weights: the least-squares solution, and the shape of each method."""

from itertools import product

import pytest
import torch
from animatediff_native.samplers.fuse import Fuse, shares, weights
from animatediff_native.samplers.windows import Schedule, WindowPlan

SHAPES = [
    (WindowPlan(length, overlap, stride, schedule), frames)
    for (length, overlap), stride in product(((6, 2), (5, 0), (4, 3)), (1, 2))
    for schedule, frames in product(Schedule, (13, 20))
]


@pytest.mark.parametrize("fuse", Fuse)
def test_fusing_solves_the_least_squares_problem(fuse):
    """min over z of sum_k sum_i w_ki (z[window_k[i]] - eps_ki)^2, by a dense solver in fp64."""
    generator = torch.Generator().manual_seed(1)
    for (plan, frames), step in product(SHAPES, (0, 3)):
        if plan.schedule.evolved and fuse is Fuse.OVERLAP_LINEAR:
            continue  # its ramps begin at 1e-37, which no solver can weigh
        windows = plan.windows(frames, step)
        rows, values, fused = [], [], torch.zeros(frames, dtype=torch.float64)
        for window, share in zip(windows, shares(fuse, windows, frames, plan), strict=True):
            eps = torch.randn(len(window), generator=generator, dtype=torch.float64)
            again = torch.tensor([window[i + 1 :].count(at) == 0 for i, at in enumerate(window)])
            root = (weights(fuse, window, frames, plan) * again).sqrt()
            picks = torch.zeros(len(window), frames, dtype=torch.float64)
            picks[torch.arange(len(window)), list(window)] = root
            rows.append(picks)
            values.append(root * eps)
            fused.index_add_(0, torch.tensor(window), share * eps)
        solution = torch.linalg.lstsq(torch.cat(rows), torch.cat(values)[:, None]).solution[:, 0]
        assert torch.allclose(fused, solution, atol=1e-10)  # fp64 solver


@pytest.mark.parametrize("fuse", Fuse)
def test_shares_are_positive_and_sum_to_one(fuse):
    for (plan, frames), step in product(SHAPES, range(6)):
        windows = plan.windows(frames, step)
        total = torch.zeros(frames, dtype=torch.float64)
        for window, share in zip(windows, shares(fuse, windows, frames, plan), strict=True):
            assert (share[[window[i + 1 :].count(at) == 0 for i, at in enumerate(window)]] > 0).all()
            total.index_add_(0, torch.tensor(window), share)
        assert torch.allclose(total, torch.ones(frames, dtype=torch.float64))


@pytest.mark.parametrize("fuse", Fuse)
def test_one_window_has_all_the_say(fuse):
    for schedule in Schedule:
        plan = WindowPlan(schedule=schedule)
        (share,) = shares(fuse, plan.windows(12), 12, plan)
        assert torch.equal(share, torch.ones(12, dtype=torch.float64))


def test_shapes():
    plan = WindowPlan(6, 2)
    window = tuple(range(4, 10))
    assert weights(Fuse.FLAT, window, 20, plan).tolist() == [1] * 6
    assert weights(Fuse.PYRAMID, window, 20, plan).tolist() == [1, 2, 3, 3, 2, 1]
    assert weights(Fuse.PYRAMID, window[:5], 20, plan).tolist() == [1, 2, 3, 2, 1]
    third = pytest.approx
    assert weights(Fuse.OVERLAP_LINEAR, window, 20, plan).tolist() == [
        third(1 / 3), third(2 / 3), 1, 1, third(2 / 3), third(1 / 3)]  # fmt: skip
    assert weights(Fuse.OVERLAP_LINEAR, tuple(range(6)), 20, plan).tolist()[:4] == [1] * 4
    assert weights(Fuse.OVERLAP_LINEAR, tuple(range(14, 20)), 20, plan).tolist()[2:] == [1] * 4
    relative = weights(Fuse.RELATIVE, window, 20, plan)
    assert torch.equal(relative, relative.flip(0))
    assert (relative[:3].diff() > 0).all()


@pytest.mark.parametrize("fuse", Fuse)
def test_a_wrapped_window_weighs_like_any_other(fuse):
    """Rotating a loop rotates the weights."""
    plan = WindowPlan(6, 2, schedule=Schedule.LOOPED)
    inside = weights(fuse, tuple(range(4, 10)), 20, plan)
    wrapped = weights(fuse, (17, 18, 19, 0, 1, 2), 20, plan)
    at_the_start = weights(fuse, tuple(range(6)), 20, plan)
    assert torch.equal(inside, wrapped)
    assert torch.equal(inside, at_the_start)


EVOLVED = [schedule for schedule in Schedule if schedule.evolved]


@pytest.mark.parametrize("schedule", EVOLVED)
def test_the_incumbents_weights(schedule):
    """overlap-linear: torch.linspace(1e-37, 1, overlap) but at the clip's ends. relative: by the
    frames of the window, 1 - |i - (first + last) / 2| / ((last - first + 0.01) / 2), at least
    0.01, also where it wraps and last < first."""
    plan = WindowPlan(6, 3, schedule=schedule)
    ramp = torch.linspace(1e-37, 1, 3, dtype=torch.float64)
    inside = weights(Fuse.OVERLAP_LINEAR, (4, 5, 6, 7, 8, 9), 20, plan)
    assert torch.allclose(inside, torch.cat([ramp, ramp.flip(0)]))
    first = weights(Fuse.OVERLAP_LINEAR, (0, 1, 2, 3, 4, 5), 20, plan)
    assert torch.allclose(first[:3], torch.ones(3, dtype=torch.float64))
    wrapped = weights(Fuse.OVERLAP_LINEAR, (17, 18, 19, 0, 1, 2), 20, plan)
    assert wrapped.tolist() == [1] * 6
    by_frame = weights(Fuse.RELATIVE, (17, 18, 19, 0, 1, 2), 20, plan)
    expected = [max(0.01, 1 - abs(i - 9.5) / ((2 - 17 + 0.01) / 2)) for i in (17, 18, 19, 0, 1, 2)]
    assert torch.allclose(by_frame, torch.tensor(expected, dtype=torch.float64))


def test_of_a_frame_that_a_window_holds_twice_the_last_counts():
    plan = WindowPlan(6, 2, 2, Schedule.LOOPED)
    windows = [(0, 2, 4, 6, 0, 2), (1, 3, 5, 7, 1, 3), tuple(range(6)), (2, 3, 4, 5, 6, 7)]
    found = shares(Fuse.PYRAMID, windows, 8, plan)
    assert found[0][0] == found[0][1] == 0
    assert float(found[0][4]) == 2 / (2 + 1)  # weights 2 and 1: frame 0 is also in the third
