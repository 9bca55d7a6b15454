"""A clip of one window: left alone, or, where it shall loop, turned from step to step."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import logging

import pytest
import torch
from adn_testing import tiny
from adn_testing.probes import windowed
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.samplers.windows import Schedule, WindowPlan
from comfy.patcher_extension import WrappersMP

pytestmark = pytest.mark.usefixtures("inference")


@pytest.fixture(scope="module")
def animated():
    return apply_motion_module(tiny.model(), tiny.motion_module("v3"), strength=0.7)


def turning(model, frames):
    """The model, seeing in each step the clip turned as far as `looped` turns it."""
    plan, step = WindowPlan(schedule=Schedule.LOOPED), iter(range(1000))

    def turned(executor, base, conds, x, *args):
        first = plan.windows(frames, next(step))[0][0]
        predicted = executor(base, conds, x.roll(-first, 0), *args)
        return [one.roll(first, 0) for one in predicted]

    model = model.clone()
    model.add_wrapper_with_key(WrappersMP.CALC_COND_BATCH, "probe", turned)
    return model


@pytest.mark.parametrize("frames", [5, 8])
def test_a_looped_clip_of_one_window_is_closed(animated, frames, caplog):
    """Its one window begins elsewhere in every step: the model sees end and beginning joined."""
    caplog.set_level(logging.INFO, logger="animatediff_native")
    looped = windowed(animated, WindowPlan(8, 2, schedule=Schedule.LOOPED))
    result = tiny.sample(looped, frames=frames)
    assert f"{frames} frames in one looped window" in caplog.text
    assert torch.equal(result, tiny.sample(turning(animated, frames), frames=frames))
    assert not torch.equal(result, tiny.sample(animated, frames=frames))


@pytest.mark.parametrize("schedule", [Schedule.STATIC, Schedule.UNIFORM, Schedule.BATCHED])
def test_an_open_clip_of_one_window_is_left_alone(animated, schedule):
    model = windowed(animated, WindowPlan(8, 2, schedule=schedule))
    assert torch.equal(tiny.sample(model), tiny.sample(animated))


def test_one_frame_cannot_turn(animated):
    model = windowed(animated, WindowPlan(schedule=Schedule.LOOPED))
    assert torch.equal(tiny.sample(model, frames=1), tiny.sample(animated, frames=1))
