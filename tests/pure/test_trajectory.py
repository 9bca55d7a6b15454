"""Paths through a clip: boxes and cells."""

import numpy as np
import pytest
import torch
from animatediff_native.trajectories.trajectory import Trajectory
from animatediff_native.trajectories.trajectory_pictures import preview


def straight(frames=5, begin=(0.2, 0.5), end=(0.8, 0.5), box=(0.25, 0.5)):
    points = np.linspace(begin, end, frames)[:, None]
    return Trajectory(points, np.ones((frames, 1), bool), np.array([box]), 64, 32)


def test_a_box_is_around_its_point():
    assert straight().box_edges()[0, 0] == pytest.approx((0.075, 0.25, 0.325, 0.75))


def test_a_box_is_cut_at_the_edge_and_gone_outside():
    edges = straight(begin=(0.0, 0.5), end=(1.5, 0.5), frames=4).box_edges()[:, 0]
    assert edges[0] == pytest.approx((0, 0.25, 0.125, 0.75))
    assert (edges[3] == 0).all()


def test_a_box_has_as_many_cells_in_every_frame():
    cells = straight(frames=13).cells(8, 8)[:, 0]
    assert {(frame.any(0).sum(), frame.any(1).sum()) for frame in cells} == {(2, 4)}
    assert cells[0].any(0).nonzero()[0].tolist() == [1, 2]
    assert cells[-1].any(0).nonzero()[0].tolist() == [5, 6]


def test_a_box_smaller_than_a_cell_has_one():
    cells = straight(box=(0.02, 0.02)).cells(4, 4)
    assert (cells.sum((2, 3)) == 1).all()


def test_a_path_that_is_not_visible_has_no_cells():
    path = straight()
    path.visible[2] = False
    assert [bool(frame.any()) for frame in path.cells(8, 8)] == [True, True, False, True, True]


def test_behind_the_end_the_last_place_is_held():
    held = straight().at([3, 4, 5, 90])
    assert held.points[1:, 0, 0] == pytest.approx([0.8] * 3)


def test_paths_of_two_lengths_together():
    both = straight(3).with_paths_of(straight(5, begin=(0.5, 0.1), end=(0.5, 0.9)))
    assert both.points.shape == (5, 2, 2)
    assert both.points[3:, 0].tolist() == [[0.8, 0.5]] * 2
    assert both.only(1).points[-1, 0].tolist() == [0.5, 0.9]
    assert both.pixels[0, 0] == pytest.approx((12.8, 16))


def test_without_a_picture_a_disc_fills_the_box():
    frames = preview(straight(frames=3))
    disc = (frames[..., 0] > 0.5).numpy()
    rows, columns = disc[1].any(1).nonzero()[0], disc[1].any(0).nonzero()[0]
    assert (columns[0], columns[-1] + 1) == pytest.approx((24, 40), abs=1)  # 0.25 of 64 pixels
    assert (rows[0], rows[-1] + 1) == pytest.approx((8, 24), abs=1)
    assert disc[1].sum() == pytest.approx(np.pi * 8 * 8, rel=0.1)


def test_over_a_picture_there_are_lines_only():
    frames = preview(straight(frames=3), torch.zeros(1, 32, 64, 3))
    assert (frames[1] > 0.5).any(-1).float().mean() < 0.25
    assert frames[1, 20, 30].max() < 0.5  # inside of the box
