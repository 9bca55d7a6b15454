"""Where a path is in every frame: curve and timing."""

import numpy as np
import pytest
from animatediff_native.motion.clip_part import ClipPart
from animatediff_native.trajectories.drawn_path import DrawnPath, in_samples
from animatediff_native.trajectories.trajectory_times import (
    Curve,
    Interpolation,
    Timing,
    trajectory_of,
)

SMOOTH, LINEAR = Interpolation.SMOOTH, Interpolation.LINEAR
POINTS = np.random.default_rng(3).uniform(0, 100, (7, 2))
SIZE = 96, 64


def slow_spline(points, piece, share):
    """Barry and Goldman's pyramid, with points put behind the ends."""
    p = [2 * points[0] - points[1], *points, 2 * points[-1] - points[-2]][piece : piece + 4]
    t = [0.0]
    for number in range(3):
        t.append(t[-1] + float(np.linalg.norm(p[number + 1] - p[number])) ** 0.5)
    at = t[1] + share * (t[2] - t[1])

    def mix(first, second, low, high):
        return ((high - at) * first + (at - low) * second) / (high - low)

    a = [mix(p[n], p[n + 1], t[n], t[n + 1]) for n in range(3)]
    b = [mix(a[n], a[n + 1], t[n], t[n + 2]) for n in range(2)]
    return mix(b[0], b[1], t[1], t[2])


def slow_length(points, piece, share, steps=20_000):
    at = slow_spline(points, piece, share * np.linspace(0, 1, steps + 1)[:, None])
    return float(np.linalg.norm(np.diff(at, axis=0), axis=1).sum())


def placed(points, frames=16, how=SMOOTH, timing=Timing.AS_DRAWN, times=None, part=None):
    path = DrawnPath(np.array(points, dtype=float), times)
    part = part or ClipPart(frames, 0, frames)
    return trajectory_of([path], part, SIZE, 0.3, how, timing).points[:, 0]


def test_the_spline_is_the_slow_one():
    curve = Curve(POINTS, SMOOTH)
    for place in np.linspace(0, 6, 97):
        piece = min(int(place), 5)
        expected = slow_spline(POINTS, piece, place - piece)
        assert curve.place(np.array([place]))[0] == pytest.approx(expected, abs=1e-9)


def test_it_goes_through_its_points():
    for how in (SMOOTH, LINEAR):
        curve = Curve(POINTS, how)
        assert curve.at(curve.ways) == pytest.approx(POINTS, abs=1e-9)


def test_linear_is_straight_between_points():
    curve = Curve(POINTS, LINEAR)
    middles = (curve.ways[1:] + curve.ways[:-1]) / 2
    assert curve.at(middles) == pytest.approx((POINTS[1:] + POINTS[:-1]) / 2)
    assert curve.ways == pytest.approx(
        [0, *np.linalg.norm(np.diff(POINTS, axis=0), axis=1).cumsum()]
    )


@pytest.mark.parametrize("timing", Timing)
def test_two_points_are_a_straight_line(timing):
    smooth = placed([[0.2, 0.1], [0.8, 0.9]], timing=timing)
    assert smooth == pytest.approx(placed([[0.2, 0.1], [0.8, 0.9]], how=LINEAR, timing=timing))
    ways = (smooth - smooth[0]) @ np.array([0.6, 0.8])
    assert smooth - smooth[0] == pytest.approx(ways[:, None] * np.array([0.6, 0.8]))
    assert smooth[[0, -1]] == pytest.approx(np.array([[0.2, 0.1], [0.8, 0.9]]))


def test_lengths_along_the_curve():
    curve = Curve(POINTS[:4], SMOOTH)
    pieces = [slow_length(POINTS[:4], piece, 1) for piece in range(3)]
    assert np.diff(curve.ways) == pytest.approx(pieces, rel=1e-6)


def test_even_timing_has_equal_steps():
    """Measured on the slow spline, in shares of the whole way."""
    points = POINTS[:4]
    curve = Curve(points, SMOOTH)
    frames = 8
    at = placed(points / SIZE, frames, timing=Timing.EVEN) * SIZE
    assert at == pytest.approx(curve.at(np.linspace(0, curve.ways[-1], frames)))
    pieces = [slow_length(points, piece, 1) for piece in range(3)]
    for frame in range(frames):
        asked = sum(pieces) * frame / (frames - 1)
        piece = min(int(np.searchsorted(np.cumsum(pieces), asked, side="right")), 2)
        low, high = 0.0, 1.0
        for _ in range(30):
            share = (low + high) / 2
            shorter = sum(pieces[:piece]) + slow_length(points, piece, share, 4000) < asked
            low, high = (share, high) if shorter else (low, share)
        assert at[frame] == pytest.approx(slow_spline(points, piece, low), abs=1e-6 * sum(pieces))


def test_even_steps_of_a_straight_way():
    """Corners on one line, at uneven distances."""
    line = np.array([0.1, 0.15, 0.4, 0.42, 0.9])[:, None] * np.array([1.0, 0.5])
    for how in (SMOOTH, LINEAR):
        steps = np.diff(placed(line, 31, how, Timing.EVEN), axis=0)
        assert abs(steps - steps.mean(0)).max() < 1e-6


def test_ease_is_slow_at_both_ends():
    at = placed([[0.0, 0.5], [1.0, 0.5]], 17, timing=Timing.EASE)[:, 0]
    clip = np.arange(17) / 16
    assert at == pytest.approx(3 * clip**2 - 2 * clip**3)
    steps = np.diff(at)
    assert steps[0] == pytest.approx(steps[-1]) and steps[0] < steps[8] / 4


def test_as_drawn_is_at_its_points_when_it_was():
    times = np.array([0.0, 0.5, 0.75, 1.0])
    at = placed(POINTS[:4] / SIZE, 17, times=times) * SIZE
    assert at[[0, 8, 12, 16]] == pytest.approx(POINTS[:4], abs=1e-9)
    even = placed(POINTS[:4] / SIZE, 17, times=times, timing=Timing.EVEN)
    assert even == pytest.approx(placed(POINTS[:4] / SIZE, 17))


def test_it_waits_where_the_hand_did():
    points = [[0.1, 0.1], [0.4, 0.6], [0.4, 0.6], [0.9, 0.2]]
    at = placed(points, 13, times=np.array([0.0, 0.25, 0.75, 1.0]))
    assert at[3:10] == pytest.approx(np.tile([0.4, 0.6], (7, 1)))
    assert np.isfinite(placed([[0.5, 0.5]] * 4, 5)).all()
    assert placed([[0.5, 0.5]] * 4, 5) == pytest.approx(np.full((5, 2), 0.5))


def test_before_and_behind_its_times_it_stands():
    at = placed([[0.2, 0.5], [0.8, 0.5]], 11, times=np.array([0.3, 0.6]))[:, 0]
    assert at[:4] == pytest.approx([0.2] * 4) and at[6:] == pytest.approx([0.8] * 5)


@pytest.mark.parametrize("how", Interpolation)
@pytest.mark.parametrize("timing", Timing)
def test_parts_are_slices_of_the_whole(how, timing):
    whole = placed(POINTS / 100, 30, how, timing)
    part = placed(POINTS / 100, how=how, timing=timing, part=ClipPart(7, 11, 30))
    assert np.array_equal(part, whole[11:18])


def test_one_point_and_one_frame():
    assert placed([[0.3, 0.7]], 4) == pytest.approx(np.tile([0.3, 0.7], (4, 1)))
    assert placed([[0.2, 0.5], [0.8, 0.5]], 1) == pytest.approx(np.array([[0.2, 0.5]]))


def test_samples_at_as_many_frames_are_the_samples():
    samples = np.random.default_rng(1).uniform(0, 1, (12, 2))
    for how in Interpolation:
        path = in_samples(samples)
        found = trajectory_of([path], ClipPart(12, 0, 12), SIZE, 0.3, how)
        assert found.points[:, 0] == pytest.approx(samples, abs=1e-9)


def test_what_is_visible_goes_with_its_place():
    visible = np.array([True, True, False, False])
    path = in_samples(np.linspace((0.1, 0.5), (0.9, 0.5), 4), visible)
    for timing in (Timing.AS_DRAWN, Timing.EVEN):
        found = trajectory_of([path], ClipPart(7, 0, 7), SIZE, 0.3, timing=timing)
        assert found.visible[:, 0].tolist() == [True] * 3 + [found.visible[3, 0]] + [False] * 3


def test_many_points_are_thinned_between_the_same_ends():
    turn = np.linspace(0, 2 * np.pi, 10_000)
    circle = 0.5 + 0.4 * np.stack((np.cos(turn), np.sin(turn)), axis=1)
    thin = in_samples(circle).thinned()
    assert len(thin.points) == 2000
    assert np.array_equal(thin.points[[0, -1]], circle[[0, -1]])
    at = trajectory_of([thin], ClipPart(9, 0, 9), (64, 64), 0.3).points[:, 0]
    turn = np.linspace(0, 2 * np.pi, 9)
    assert at == pytest.approx(0.5 + 0.4 * np.stack((np.cos(turn), np.sin(turn)), 1), abs=2e-5)


def test_a_near_pair_of_points_makes_no_loop():
    """What the centripetal form is for: x does not turn back."""
    points = np.array([[0.0, 0], [50, 0], [51, 1], [52, 0], [100, 0]])
    curve = Curve(points, SMOOTH)
    x = curve.at(np.linspace(0, curve.ways[-1], 2000))[:, 0]
    assert (np.diff(x) >= -1e-9).all()


def test_boxes_are_squares_of_the_shorter_side():
    found = trajectory_of([DrawnPath(np.array([[0.5, 0.5]]))], ClipPart(1, 0, 1), SIZE, 0.25)
    assert found.boxes[0] * SIZE == pytest.approx([16, 16])
