"""FreeNoise orders: the paper's formula, and no noise frame twice in a window."""

from itertools import product

import pytest
import torch
from animatediff_native.samplers.free_noise import NoiseOrder, noise_order
from animatediff_native.samplers.windows import Schedule, WindowPlan

FRAMES = (2, 16, 17, 20, 31, 32, 33, 64, 100, 129)
SHAPES = ((16, 4), (16, 0), (16, 12), (16, 15), (8, 2), (5, 3), (2, 1))


def repeats(plan, frames, order, steps):
    """Windows that show a noise frame twice."""
    return [
        window
        for step in steps
        for window in plan.windows(frames, step)
        if len({order[frame] for frame in window}) < len(window)
    ]


@pytest.mark.parametrize("schedule", Schedule)
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_no_window_of_any_schedule_holds_a_noise_frame_twice(schedule, stride):
    for (length, overlap), frames in product(SHAPES, FRAMES):
        plan = WindowPlan(length, overlap, stride, schedule)
        if frames > length and (length - 1) * plan.spacings[-1] >= frames:
            continue
        made_for = WindowPlan(length, overlap, stride, Schedule.LOOPED)  # as the node does
        order = noise_order(made_for, frames, NoiseOrder.ANY, seed=3)
        assert len(order) == frames
        assert repeats(plan, frames, order, range(8)) == []


def test_noise_is_shared_and_shuffled():
    """A long clip needs little more noise than a window, and does not simply repeat it."""
    order = noise_order(WindowPlan(), 512, NoiseOrder.ANY, seed=3)
    assert len(set(order)) < 16 + 4 + 16  # the window, the choice, and where the loop closes
    assert len(set(order[:480])) == 16 + 4
    assert all(order[i : i + 16] != order[i + 16 : i + 32] for i in range(16, 400, 16))
    assert sorted(set(order)) == list(range(len(set(order))))


def test_static_is_the_papers_formula():
    """eps[i : i+s] = shuffle(eps[i-L : i-L+s]), drawn with the same generator; L 16, s 4."""
    length, block, frames = 16, 4, 64
    generator = torch.Generator().manual_seed(7)
    noise = torch.arange(frames)
    for i in range(length, frames, block):
        source = noise[i - length : i - length + block].clone()
        noise[i : i + block] = source[torch.randperm(block, generator=generator)]
    plan = WindowPlan(length, length - block)
    assert noise_order(plan, frames, NoiseOrder.STATIC, seed=7) == noise.tolist()


def test_static_windows_hold_no_noise_frame_twice_under_the_papers_order():
    """Also the last window, which begins between two blocks."""
    for (length, overlap), frames in product(SHAPES, FRAMES):
        plan = WindowPlan(length, overlap)
        order = noise_order(plan, frames, NoiseOrder.STATIC, seed=3)
        assert repeats(plan, frames, order, [0]) == []


def test_the_papers_order_is_not_for_other_windows():
    """The trap that `any` is for."""
    order = noise_order(WindowPlan(), 64, NoiseOrder.STATIC, seed=3)
    assert repeats(WindowPlan(schedule=Schedule.LOOPED), 64, order, range(8))


@pytest.mark.parametrize("order", NoiseOrder)
def test_the_seed_decides(order):
    plan = WindowPlan()
    one, again, other = (noise_order(plan, 64, order, seed) for seed in (1, 1, 2))
    assert one == again != other
    assert noise_order(plan, 12, order, 1) == list(range(12))
