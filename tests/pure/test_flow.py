"""The flow of paths: against a slow loop and OpenCV; slow and fast paths, and what is not seen."""

import numpy as np
import pytest
from adn_testing.tora_oracle import flow_by_hand
from animatediff_native.trajectories.flow import SCALE, kernel_of, path_flow
from animatediff_native.trajectories.trajectory import Trajectory


def paths(points, visible=None, width=64, height=64):
    """points: [F, N, 2], shares."""
    points = np.asarray(points, dtype=float)
    seen = np.ones(points.shape[:2], bool) if visible is None else visible
    return Trajectory(points, seen, np.full((points.shape[1], 2), 0.3), width, height)


def wandering(frames=6, count=3, seed=0):
    """Some of them leave the picture, some are hidden for a frame."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1, (1, count, 2)) + rng.normal(0, 0.15, (frames, count, 2)).cumsum(0)
    return paths(points, rng.uniform(size=(frames, count)) > 0.15)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (48, 80), (40, 24)])
def test_by_hand(height, width):
    for seed in range(4):
        asked = wandering(seed=seed)
        flow = path_flow(asked, height, width)
        expected = flow_by_hand(asked.points, asked.visible, height, width)
        assert flow.shape == (6, height, width, 2) and flow.dtype == np.float32
        assert not flow[0].any() and flow.any()
        assert np.abs(flow - expected).max() <= 1e-5 * expected.std()


@pytest.mark.parametrize("side", [64, 256])
def test_the_blur_is_that_of_opencv(side):
    cv2 = pytest.importorskip("cv2")
    asked = wandering()
    raw = np.zeros((6, side, side, 2))
    pixels = asked.points * side
    for frame, path in np.ndindex(5, 3):
        x, y = np.floor(pixels[frame, path]).astype(int)
        inside = 0 <= x < side and 0 <= y < side
        if inside and asked.visible[frame : frame + 2, path].all():
            raw[frame + 1, y, x] += SCALE * (pixels[frame + 1, path] - pixels[frame, path]) / side
    reach, sigma = kernel_of(side)
    axis = np.arange(-reach, reach + 1)
    bell = np.exp(-(axis[:, None] ** 2 + axis**2) / (2 * sigma**2))
    expected = [cv2.filter2D(each, -1, bell, borderType=cv2.BORDER_CONSTANT) for each in raw]
    assert np.abs(path_flow(asked, side, side) - expected).max() <= 1e-5


def test_the_gaussian_is_toras_at_its_size():
    assert kernel_of(256) == (49, 10.0)  # 99 x 99 pixels
    assert kernel_of(64) == (12, 2.5)
    assert kernel_of(1) == (1, 10 / 256)


def test_speed_is_kept():
    """The peak is the way of a frame, however slow; a path that crosses in 32 frames has 1."""
    for speed in (1 / 32, 1 / 64, 1 / 10_000):
        flow = path_flow(paths(np.linspace((0.3, 0.5), (0.3 + 3 * speed, 0.5), 4)[:, None]), 64, 64)
        assert flow[1:, ..., 0].max((1, 2)) == pytest.approx(np.full(3, 32 * speed), rel=1e-5)
        assert not flow[..., 1].any()


def test_the_same_pixels_at_any_size_of_the_picture():
    """Directions are those of pixels in a picture that is no square."""
    diagonal = paths(np.linspace((0.25, 0.25), (0.25 + 16 / 128, 0.25 + 16 / 64), 3)[:, None])
    flow = path_flow(diagonal, 64, 128)
    assert flow[1, ..., 0].max() == pytest.approx(flow[1, ..., 1].max())


def test_nothing_asked_is_no_flow():
    assert not path_flow(paths(np.full((5, 1, 2), 0.5)), 16, 16).any()  # it stands
    assert path_flow(paths(np.zeros((5, 0, 2))), 16, 16).shape == (5, 16, 16, 2)
    outside = paths(np.linspace((1.2, 0.5), (0.9, 0.5), 4)[:, None])
    flow = path_flow(outside, 16, 16)
    assert not flow[:3].any() and not flow[3].any()
    back = path_flow(paths(np.linspace((1.2, 0.5), (0.6, 0.5), 4)[:, None]), 16, 16)
    assert not back[:3].any() and back[3, ..., 0].min() < 0
