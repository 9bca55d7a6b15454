"""Trajectory: its schema, and what it gives out."""

# The host is typed loosely.
# pyright: reportAttributeAccessIssue=false, reportIndexIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportOptionalMemberAccess=false
# pyright: reportOptionalSubscript=false, reportGeneralTypeIssues=false

import json
import logging

import numpy as np
import pytest
import torch
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.trajectory import EXAMPLE, TrajectoryNode

INPUTS = [
    "points", "width", "height", "frames", "interpolation", "timing", "box", "image", "tracks",
    "previous", "latent", "first_frame", "total_frames",
]  # fmt: skip
CURVED = '{"paths": [[[0.1, 0.2], [0.4, 0.9], [0.9, 0.3]], [[0.5, 0.5]]]}'


def made(points=EXAMPLE, width=64, height=48, frames=8, **options):
    return TrajectoryNode.execute(points, width, height, frames, **options).result


def test_its_schema():
    schema = TrajectoryNode.define_schema()
    assert [each.id for each in schema.inputs] == INPUTS
    assert [each.display_name for each in schema.outputs] == [
        "trajectory", "preview", "coordinates", "boxes",
    ]  # fmt: skip
    assert all(each.tooltip for each in (*schema.inputs, *schema.outputs))
    assert {each.id for each in schema.inputs if not each.optional} == {"points", "width", "height"}


def test_what_it_gives_out():
    out = TrajectoryNode.execute(EXAMPLE, 64, 48, 7, box=0.5)
    trajectory, preview, coordinates, boxes = out.result
    assert trajectory.points[:, 0] == pytest.approx(np.linspace((0.2, 0.5), (0.8, 0.5), 7))
    assert trajectory.boxes[0] * (64, 48) == pytest.approx([24, 24])  # a square
    assert preview.shape == (7, 48, 64, 3) and boxes.shape == (7, 48, 64)
    assert json.loads(coordinates)[0] == {"x": 12.8, "y": 24.0}
    assert len(json.loads(coordinates)) == 7


def test_the_dot_moves_and_the_boxes_are_around_it():
    _, preview, _, boxes = made(frames=2, box=0.5)
    assert (preview[0] - preview[1]).abs().max() > 0.5
    rows, columns = boxes[0].nonzero(as_tuple=True)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (12, 35, 1, 24)
    assert boxes.sum((1, 2)).tolist() == [24 * 24] * 2


def test_a_box_at_the_edge_has_a_pixel():
    for x in (1.0, 1.1499, -0.1499, 0.0):
        mask = made(f'{{"paths": [[[{x}, 0.5]]]}}', width=48, frames=1)[3]
        assert mask.sum() >= 1, x
    assert made('{"paths": [[[1.2, 0.5]]]}', frames=1)[3].sum() == 0


def test_coordinates_are_points_again():
    first, _, text, _ = made(CURVED, frames=9)
    again = made(text, frames=9)
    assert again[0].points == pytest.approx(first.points, abs=2e-5)
    assert again[2] == text
    single = made(EXAMPLE, frames=9)
    assert made(single[2], frames=9)[0].points == pytest.approx(single[0].points, abs=2e-5)


@pytest.mark.parametrize("timing", ["as drawn", "even", "ease"])
@pytest.mark.parametrize("points", [CURVED, "0: 0.2,0.5; 50%: 0.4,0.4; -1: 0.9,0.1"])
def test_parts_are_slices_of_the_whole(timing, points):
    whole = made(points, frames=20, timing=timing)
    part = made(points, frames=6, timing=timing, first_frame=8, total_frames=20)
    assert np.array_equal(part[0].points, whole[0].points[8:14])
    assert json.loads(part[2]) == (
        json.loads(whole[2])[8:14] if "paths" not in points
        else [path[8:14] for path in json.loads(whole[2])]
    )  # fmt: skip
    assert torch.equal(part[3], whole[3][8:14])


def test_the_length_of_a_latent():
    assert len(made(frames=None, latent={"samples": torch.zeros(5, 4, 8, 8)})[0]) == 5
    with pytest.raises(AnimateDiffError, match="neither frames nor latent"):
        made(frames=None)


def test_paths_of_previous_come_first(caplog):
    first = made(CURVED, frames=8, box=0.5)[0]
    both = made(EXAMPLE, frames=8, width=128, previous=first)[0]
    assert both.paths == 3 and (both.width, both.height) == (128, 48)
    assert np.array_equal(both.points[:, :2], first.points)
    assert np.array_equal(both.boxes[:2], first.boxes)
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        longer = made(EXAMPLE, frames=12, previous=first)[0]
    assert "previous of Trajectory has 8 frames for a clip of 12 frames" in caplog.text
    assert len(longer) == 12 and np.array_equal(longer.points[11, :2], first.points[7])


@pytest.mark.parametrize("points", ["", '{"paths": []}', '{"paths": [[]]}', "[]", " \n"])
def test_no_points_ask_for_nothing(points, caplog):
    with caplog.at_level(logging.INFO):
        trajectory, preview, coordinates, boxes = made(points)
    assert trajectory.paths == 0 and coordinates == "[]"
    assert preview.shape == (8, 48, 64, 3) and boxes.sum() == 0
    assert "nothing is asked" in caplog.text


def test_images_behind_it():
    image = torch.rand(1, 48, 64, 3)
    shown = made('{"paths": [[[-3, -3]]]}', image=image)[1]
    assert (shown - image).abs().max() < 0.01
    many = torch.rand(8, 96, 64, 4)  # cropped around the middle
    shown = made("", image=many)[1]
    assert (shown - many[:, 24:72, :, :3]).abs().max() < 0.01
    with pytest.raises(AnimateDiffError, match=r"image of Trajectory has 3 pictures .* 8 frames"):
        made(image=many[:3])


def tracks(frames=8, count=2):
    path = torch.rand(frames, count, 2) * 48
    return {"track_path": path, "track_visibility": torch.ones(frames, count, dtype=torch.bool)}


@pytest.mark.parametrize("interpolation", ["smooth", "linear"])
def test_tracks(interpolation):
    given = tracks()
    given["track_visibility"][3, 1] = False
    given["track_path"][3, 1] = float("nan")
    trajectory = made(tracks=given, interpolation=interpolation)[0]
    assert trajectory.paths == 3
    seen = given["track_visibility"].numpy()
    assert np.array_equal(trajectory.visible[:, 1:], seen)
    pixels = given["track_path"].double().numpy()
    assert trajectory.pixels[:, 1:][seen] == pytest.approx(pixels[seen], abs=1e-9)


BAD_TRACKS = {
    "no track_path": ({"paths": 1}, "hold no track_path"),
    "no dict": ([1], "hold no track_path"),
    "shape": ({"track_path": torch.zeros(8, 2)}, "track_path of 8 x 2"),
    "no frames": ({"track_path": torch.zeros(0, 1, 2)}, "track_path of 0 x 1 x 2"),
    "visibility": (
        {"track_path": torch.zeros(8, 2, 2), "track_visibility": torch.ones(7, 2)}, "of 7 x 2",
    ),
    "nan": (
        {"track_path": torch.full((8, 1, 2), float("nan"))}, "no number for track 1 at frame 0",
    ),
    "words": ({"track_path": "x"}, "holds no numbers"),
    "many": ({"track_path": torch.zeros(2, 65, 2)}, "at most .* 64 tracks"),
    "far": ({"track_path": torch.full((8, 1, 2), 1e9)}, "pictures away"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_TRACKS)
def test_tracks_that_are_none(name):
    given, said = BAD_TRACKS[name]
    with pytest.raises(AnimateDiffError, match=f"(?s){said}"):
        made(tracks=given)


def test_tracks_that_nobody_sees():
    given = tracks(count=1)
    given["track_visibility"][:] = False
    trajectory = made("", tracks=given)[0]
    assert not trajectory.visible.any() and not trajectory.box_edges().any()
