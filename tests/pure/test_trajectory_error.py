"""TrajError: its figures, what is followed, and OpenCV's tracker on made clips."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from animatediff_native.trajectories.trajectory import Trajectory
from PIL import Image

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
trajectory_error = importlib.import_module("benchmarks.trajectory_error")
sys.path.remove(str(ROOT))

SIDE, FRAMES, BOX = 96, 12, 24


def asked(begin, end, frames=FRAMES):
    points = np.linspace(begin, end, frames)[:, None]
    boxes = np.full((1, 2), BOX / SIDE)
    return Trajectory(points, np.ones((frames, 1), bool), boxes, SIDE, SIDE)


def test_the_figures():
    path = asked((0.25, 0.5), (0.75, 0.5), 5)
    places = path.pixels + np.array([3.0, 4.0])
    found = np.ones((5, 1), bool)
    error = trajectory_error.error_of(places, found, path)
    assert (error.mean, error.median, error.seen) == pytest.approx((5, 5, 1))
    assert error.cosine == pytest.approx(1)
    assert "5.00 / 5.00 px (mean / median), 5.21 / 5.21 % of the width" in str(error)
    back = trajectory_error.error_of(path.pixels[::-1], found, path)
    assert back.cosine == pytest.approx(-1)
    assert back.mean == pytest.approx(np.mean([48, 24, 0, 24, 48]))
    places[4] = 1000
    found[4] = False
    lost = trajectory_error.error_of(places, found, path)
    assert (lost.mean, lost.seen) == pytest.approx((5, 0.8))


def test_frames_in_which_nothing_is_asked_do_not_count():
    path = asked((0.25, 0.5), (0.75, 0.5), 5)
    path.visible[2:] = False
    places = path.pixels.copy()
    places[2:] += 50
    error = trajectory_error.error_of(places, np.ones((5, 1), bool), path)
    assert (error.mean, error.seen) == (0, 1)


def test_what_stands_or_is_lost_has_no_direction():
    found = np.ones((FRAMES, 1), bool)
    still = asked((0.5, 0.5), (0.5, 0.5))
    assert trajectory_error.error_of(still.pixels, found, still).cosine is None
    going = asked((0.2, 0.5), (0.8, 0.5))
    assert trajectory_error.error_of(still.pixels, found, going).cosine == 0
    nowhere = trajectory_error.error_of(going.pixels, ~found, going)
    assert np.isnan(nowhere.mean) and nowhere.cosine == 0 and nowhere.seen == 0
    assert "nan" in str(nowhere)


def test_a_thing_goes_as_its_corners_do():
    """One of three is another thing's, and one stops being found."""
    frames = [np.full((1, 1), number) for number in range(6)]

    def flow(before, after, points):
        step = float(after[0, 0]) - float(before[0, 0])
        there = points + np.array([2.0, -1.0]) * step
        there[points[:, 0] > 50] -= np.array([2.0, -1.0]) * step  # stands
        good = ~((points[:, 0] < 0) | ((points[:, 1] > 40) & (after[0, 0] > 3)))
        return there, good

    corners = np.array([[10.0, 10], [12, 20], [30, 48], [60, 10], [-5, 5]])
    places = trajectory_error.followed(frames, np.array([11.0, 11]), corners, flow)
    assert places == pytest.approx(np.array([[11 + 2 * n, 11 - n] for n in range(6)]))


def test_it_is_lost_where_no_corner_comes_back():
    def flow(before, after, points):
        forth = float(after[0, 0]) > float(before[0, 0])
        wrong = 5.0 if float(before[0, 0]) == 3 and not forth else 0.0
        return points + (1.0 if forth else -1.0) + wrong, np.ones(len(points), bool)

    frames = [np.full((1, 1), number) for number in range(6)]
    assert len(trajectory_error.followed(frames, np.zeros(2), np.zeros((3, 2)), flow)) == 3


def footage(path):
    """A textured square that goes along a path over a plain ground."""
    texture = np.random.default_rng(4).integers(0, 256, (BOX // 2, BOX // 2), dtype=np.uint8)
    texture = texture.repeat(2, 0).repeat(2, 1)
    frames = []
    for x, y in path.pixels[:, 0]:
        picture = Image.new("L", (SIDE, SIDE), 90)
        moved = Image.fromarray(texture).transform(
            (SIDE, SIDE), Image.Transform.AFFINE, (1, 0, BOX / 2 - x, 0, 1, BOX / 2 - y),
            Image.Resampling.BILINEAR,
        )  # fmt: skip
        inside = Image.new("L", (BOX, BOX), 255).transform(
            (SIDE, SIDE), Image.Transform.AFFINE, (1, 0, BOX / 2 - x, 0, 1, BOX / 2 - y)
        )
        picture.paste(moved, mask=inside)
        frames.append(np.asarray(picture))
    return frames


@pytest.mark.parametrize("end", [(0.8, 0.3), (0.2, 0.5), (0.45, 0.8)])
def test_footage_that_follows_its_path(end):
    pytest.importorskip("cv2", reason="OpenCV is not installed: pip install opencv-python-headless")
    path = asked((0.2, 0.5), end)
    error = trajectory_error.error_of(*trajectory_error.tracked(footage(path), path), path)
    assert error.mean < 0.5 and error.seen == 1
    assert error.cosine is None or error.cosine > 0.99
    other = asked((0.2, 0.5), (0.8, 0.9))
    away = trajectory_error.error_of(*trajectory_error.tracked(footage(path), other), other)
    expected = np.linalg.norm(path.pixels - other.pixels, axis=2).mean()
    assert away.mean == pytest.approx(expected, abs=0.5)


def test_without_opencv_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    still = asked((0.5, 0.5), (0.5, 0.5), 2)
    with pytest.raises(SystemExit, match="pip install opencv-python-headless"):
        trajectory_error.tracked(footage(still), still)


def test_frames_of_a_folder(tmp_path):
    for number in (1, 0):
        Image.new("RGB", (8, 6), (100 * number,) * 3).save(tmp_path / f"{number}.png")
    frames = trajectory_error.grey_frames(tmp_path)
    assert [frame.shape for frame in frames] == [(6, 8)] * 2
    assert [int(frame[0, 0]) for frame in frames] == [0, 100]
