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
        windows = plan.windows(frames, step)
        rows, values, fused = [], [], torch.zeros(frames, dtype=torch.float64)
        for window, share in zip(windows, shares(fuse, windows, frames, plan), strict=True):
            eps = torch.randn(len(window), generator=generator, dtype=torch.float64)
            root = weights(fuse, window, frames, plan).sqrt()
            picks = torch.zeros(len(window), frames, dtype=torch.float64)
            picks[torch.arange(len(window)), list(window)] = root
            rows.append(picks)
            values.append(root * eps)
            fused[list(window)] += share * eps
        solution = torch.linalg.lstsq(torch.cat(rows), torch.cat(values)[:, None]).solution[:, 0]
        assert torch.allclose(fused, solution, atol=1e-10)  # fp64 solver


@pytest.mark.parametrize("fuse", Fuse)
def test_shares_are_positive_and_sum_to_one(fuse):
    for (plan, frames), step in product(SHAPES, range(6)):
        windows = plan.windows(frames, step)
        total = torch.zeros(frames, dtype=torch.float64)
        for window, share in zip(windows, shares(fuse, windows, frames, plan), strict=True):
            assert (share > 0).all()
            total[list(window)] += share
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
