"""Window schedules: properties over many clips, and the published mathematics."""

from itertools import pairwise, product

import pytest
from adn_testing.incumbent_windows import incumbent_windows
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.samplers.windows import Schedule, WindowPlan, van_der_corput

FRAMES = (2, 15, 16, 17, 20, 31, 32, 33, 47, 64, 100, 129)
SHAPES = ((16, 4), (16, 0), (16, 15), (8, 2), (5, 3), (2, 1), (24, 12))
CASES = [
    (plan, frames, step)
    for (length, overlap), stride, schedule in product(SHAPES, (1, 2, 3), Schedule)
    for frames, step in product(FRAMES, (0, 1, 2, 5, 19))
    if (plan := WindowPlan(length, overlap, stride, schedule))
]
OPEN = (Schedule.STATIC, Schedule.UNIFORM, Schedule.BATCHED, Schedule.UNIFORM_EVOLVED)


def test_van_der_corput():
    eighths = [8 * van_der_corput(step) for step in range(8)]
    assert eighths == [0, 4, 2, 6, 1, 5, 3, 7]


def check(plan: WindowPlan, frames: int, step: int) -> None:
    windows = plan.windows(frames, step)
    whole = set(range(frames))
    assert set().union(*windows) == whole, "every frame is covered"
    spaced_out = plan.schedule.wraps and plan.stride > 1  # may go around more than once
    assert spaced_out or all(len(set(w)) == len(w) for w in windows), "no frame twice in a window"
    assert len(set(windows)) == len(windows), "no window twice"
    if frames <= plan.length:
        ((first, *_),) = windows
        assert windows == [tuple((first + i) % frames for i in range(frames))]
        assert plan.schedule is Schedule.LOOPED or first == 0
        return
    if plan.schedule is not Schedule.BATCHED:
        assert all(len(w) == plan.length for w in windows)
    if plan.schedule in OPEN:
        assert all(list(w) == sorted(w) for w in windows), "open schedules never wrap"


def test_properties():
    assert len(CASES) > 2000
    for case in CASES:
        check(*case)


def joins(windows, frames, closed):
    """Frames shared by neighbouring windows of adjacent frames."""
    tight = sorted(w for w in windows if len(w) < 2 or (w[1] - w[0]) % frames == 1)
    pairs = [*pairwise(tight), *([(tight[-1], tight[0])] if closed else [])]
    return [len(set(a) & set(b)) for a, b in pairs]


@pytest.mark.parametrize("schedule", [Schedule.STATIC, Schedule.UNIFORM, Schedule.LOOPED])
def test_every_join_overlaps(schedule):
    """Also at the moving seam of `uniform`, and where `looped` closes."""
    closed = schedule is Schedule.LOOPED
    for (length, overlap), frames, step in product(SHAPES, FRAMES, range(20)):
        plan = WindowPlan(length, overlap, 1, schedule)
        if frames > length:
            assert min(joins(plan.windows(frames, step), frames, closed)) >= overlap


def test_looped_closes_the_loop():
    for frames, step in product((17, 33, 64, 100), range(20)):
        windows = WindowPlan(schedule=Schedule.LOOPED).windows(frames, step)
        assert any({frames - 1, 0} <= set(w) for w in windows)


@pytest.mark.parametrize("frames", [2, 8, 15, 16])
def test_looped_turns_a_clip_of_one_window(frames):
    """Another frame comes first in every step, evenly spread over the steps."""
    plan = WindowPlan(schedule=Schedule.LOOPED)
    windows = [plan.windows(frames, step)[0] for step in range(16)]
    firsts = [window[0] for window in windows]
    assert firsts[0] == 0
    assert {firsts.count(frame) for frame in range(frames)} <= {16 // frames, 16 // frames + 1}
    assert plan.turns(frames) and not plan.turns(1) and not plan.turns(17)


def test_static_by_hand():
    plan = WindowPlan(4, 2, schedule=Schedule.STATIC)
    assert plan.windows(9) == [(0, 1, 2, 3), (2, 3, 4, 5), (4, 5, 6, 7), (5, 6, 7, 8)]
    assert plan.windows(8) == [(0, 1, 2, 3), (2, 3, 4, 5), (4, 5, 6, 7)]


def test_batched_by_hand():
    plan = WindowPlan(4, 2, schedule=Schedule.BATCHED)
    assert plan.windows(9) == [(0, 1, 2, 3), (4, 5, 6, 7), (8,)]


def test_looped_by_hand():
    """F = 8, L = 4, O = 2, S = 2, step 1: H = 1/2, pad 4; starts 4 6 8 10, then 5 and 11 with spacing 2."""
    plan = WindowPlan(4, 2, 2, Schedule.LOOPED)
    assert plan.windows(8, 1) == [(4, 5, 6, 7), (6, 7, 0, 1), (0, 1, 2, 3), (2, 3, 4, 5), (5, 7, 1, 3), (3, 5, 7, 1)]  # fmt: skip


def test_uniform_by_hand():
    """F = 10, L = 4, O = 2, step 1: pad 5; starts 5, 7 -> 6 (the last that fits), 9 -> 6, 11 -> 1."""
    plan = WindowPlan(4, 2, 1, Schedule.UNIFORM)
    assert [w[0] for w in plan.windows(10, 1)] == [0, 1, 3, 5, 6]
    assert [w[0] for w in plan.windows(10, 0)] == [0, 2, 4, 6]


def test_moving_schedules_move_and_others_do_not():
    for schedule in Schedule:
        plan = WindowPlan(schedule=schedule)
        assert (plan.windows(64, 0) != plan.windows(64, 1)) == schedule.moves


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"length": 1, "overlap": 0}, "context_length is 1"),
        ({"overlap": 16}, "context_overlap is 16[\\s\\S]*less than context_length, which is 16"),
        ({"overlap": -1}, "context_overlap is -1"),
        ({"stride": 0}, "context_stride is 0"),
    ],
)
def test_settings_that_cannot_work(settings, message):
    with pytest.raises(AnimateDiffError, match=message):
        WindowPlan(**settings)


@pytest.mark.parametrize("schedule", [Schedule.UNIFORM, Schedule.UNIFORM_EVOLVED])
@pytest.mark.parametrize(("frames", "largest"), [(17, 1), (31, 2), (61, 3), (64, 3), (121, 4)])
def test_a_stride_too_large_for_the_clip_is_the_largest_that_fits(schedule, frames, largest):
    plan = WindowPlan(stride=largest, schedule=schedule)
    for step, more in product(range(4), (1, 5)):
        asked = WindowPlan(stride=largest + more, schedule=schedule)
        assert asked.windows(frames, step) == plan.windows(frames, step)
    assert (largest - 1) * (frames - 31) >= 0  # a second layer needs room for 31 frames
    assert asked.windows(16) == [tuple(range(16))]  # one window: nothing to space


@pytest.mark.parametrize("schedule", [Schedule.LOOPED, Schedule.LOOPED_OPEN])
@pytest.mark.parametrize(("frames", "largest"), [(17, 2), (32, 2), (33, 3), (64, 3), (65, 4)])
def test_a_stride_too_large_for_a_loop_goes_around_it_once(schedule, frames, largest):
    """ceil(log2(F / L)) + 1."""
    asked = WindowPlan(stride=8, schedule=schedule)
    assert asked.fitted(frames).stride == largest
    assert asked.windows(frames, 3) == WindowPlan(16, 4, largest, schedule).windows(frames, 3)


@pytest.mark.parametrize(
    ("schedule", "closed", "shifted"),
    [
        (Schedule.LOOPED, True, False),
        (Schedule.LOOPED_OPEN, False, False),
        (Schedule.UNIFORM_EVOLVED, False, True),
    ],
)
def test_the_incumbents_windows(schedule, closed, shifted):
    """Window by window, in its order; but for those that run out of its own clip or leave frames
    without a window, where it fails."""
    same = 0
    shapes = [(16, 4), (16, 0), (12, 8), (24, 6), (8, 2)]
    for (length, overlap), frames in product(shapes, (25, 31, 32, 40, 47, 64, 97)):
        for stride, step in product((1, 2, 3), (0, 1, 2, 3, 7, 12)):
            theirs = incumbent_windows(frames, length, overlap, stride, step, closed, shifted)
            if {frame for window in theirs for frame in window} != {*range(frames)}:
                continue
            ours = WindowPlan(length, overlap, stride, schedule).windows(frames, step)
            assert ours == theirs, (length, overlap, frames, stride, step)
            same += 1
    assert same > 400


def test_static_and_batched_take_any_stride():
    for schedule in (Schedule.STATIC, Schedule.BATCHED):
        plan = WindowPlan(stride=9, schedule=schedule)
        assert plan.windows(20) == WindowPlan(schedule=schedule).windows(20)
