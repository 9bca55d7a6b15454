"""The miniature world is drawn as it says, and judged by rules that find what was drawn."""

from dataclasses import replace

import pytest
import torch
from animatediff_native.conditions.camera_poses import along
from animatediff_native.conditions.camera_rays import fitted_intrinsics

from demo import judge, world
from demo.camera_views import WALL, opposite_views, seen
from demo.shown import like_the_first, outlines, shown_frames


def scenes(count: int = 64, seed: int = 1) -> world.Scenes:
    return world.random_scenes(count, torch.Generator().manual_seed(seed))


def test_pictures_repeat_by_seed_and_differ_otherwise():
    assert torch.equal(world.draw(scenes()), world.draw(scenes()))
    assert not torch.equal(world.draw(scenes()), world.draw(scenes(seed=2)))


@pytest.mark.parametrize("style", [world.Style.PLAIN, world.Style.INK])
def test_place_and_colour_are_found(style):
    drawn = scenes()
    found = judge.find(world.draw(drawn, style))
    assert found.present.all()
    assert torch.equal(found.colour, drawn.colour)
    # the centre of mass of a triangle lies a quarter of its radius below the middle
    assert (found.place[:, 0] - drawn.x).abs().max() < 0.5
    assert (found.place[:, 1] - drawn.y).abs().max() < 0.3 * world.RADIUS[1]


def test_area_is_that_of_the_shape():
    drawn = scenes()
    circles = drawn.shape == world.SHAPES.index("circle")
    area = judge.find(world.draw(drawn)).area[circles]
    # pixels at the edge count whole or not at all
    torch.testing.assert_close(area, torch.pi * drawn.radius[circles] ** 2, rtol=0.05, atol=0)


def test_nothing_is_found_where_nothing_is():
    empty = world.draw(scenes(4))[:, :, :1, :1].expand(-1, -1, 64, 64)
    assert not judge.find(empty).present.any()


def test_clips_move_straight_and_evenly():
    clip = world.random_clips(16, torch.Generator().manual_seed(3))
    x = torch.stack([frame.x for frame in clip])
    steps = x[1:] - x[:-1]
    torch.testing.assert_close(steps, steps[:1].expand_as(steps), atol=1e-3, rtol=0)
    distance = torch.stack([clip[-1].x - clip[0].x, clip[-1].y - clip[0].y]).norm(dim=0)
    assert ((distance > 14) & (distance < 36)).all()


def test_the_watermark_is_measured():
    pictures = world.draw(scenes())
    assert judge.watermark_correlation(pictures).mean().abs() < 0.02
    marked = judge.watermark_correlation(world.as_video_data(pictures)).mean()
    assert marked == pytest.approx(0.55, abs=0.02)  # the mark's opacity


def test_prompts_name_what_is_shown():
    drawn = scenes(1)
    (text,) = drawn.prompts()
    for names, index in (
        (world.SHAPES, drawn.shape),
        (world.COLOURS, drawn.colour),
        (world.BACKGROUND_NAMES, drawn.background),
    ):
        assert names[int(index)] in text.split()


def test_what_is_shown_is_the_first_frame_both_ends_or_a_few():
    shown = shown_frames(200, world.FRAMES, torch.Generator().manual_seed(1))
    count = shown.sum(1)
    assert set(shown.unique().tolist()) == {0.0, 1.0}
    assert count.min() == 1 and count.max() == 3
    ends = (shown[:, 0] == 1) & (shown[:, -1] == 1) & (count == 2)
    assert 0.2 < ends.float().mean() < 0.45
    assert ((shown[:, 0] == 1) & (count == 1)).float().mean() > 0.25


def test_outlines_are_the_inner_edge_of_what_is_covered():
    drawn = scenes()
    lines, covered = outlines(drawn), world.silhouettes(drawn)
    assert lines.min() >= 0 and lines.max() <= 1
    assert (lines <= covered + 1e-6).all()
    middle = [lines[n, int(drawn.y[n]), int(drawn.x[n])].item() for n in range(len(drawn))]
    assert max(middle) == 0
    assert (lines.sum((1, 2)) > 4 * drawn.radius).all()


def test_pia_clips_go_as_far_as_their_masks_say_and_some_come_back():
    frames, masks = like_the_first(64, torch.Generator().manual_seed(2))
    x, y = (torch.stack([getattr(f, name) for f in frames], dim=1) for name in ("x", "y"))
    way = ((x - x[:, :1]) ** 2 + (y - y[:, :1]) ** 2).sqrt()  # from the first frame
    assert masks.shape == (64, world.FRAMES) and (masks[:, 0] == 1).all()
    farthest, least = way.max(1).values, masks.min(1).values
    assert farthest[least == 0.8].max() < 10 < farthest[least == 0.5].max()
    loops = masks[:, -1] == 1
    assert 0 < loops.sum() < 32
    assert way[loops, -1].max() < 1e-3 and way[~loops, -1].min() > 1


def test_a_camera_that_goes_left_moves_the_picture_right_and_one_that_nears_makes_it_larger():
    one = scenes(1)
    left = seen(one, torch.tensor([[1.0, 0.0, 0.0]]))
    assert left.x > one.x and torch.equal(left.y, one.y) and torch.equal(left.radius, one.radius)
    near = seen(one, torch.tensor([[0.0, 0.0, -2.0]]))
    torch.testing.assert_close(near.radius, 2 * one.radius)
    torch.testing.assert_close(near.x - 32, 2 * (one.x - 32))


def test_shapes_stay_in_the_picture_of_a_moving_camera_and_half_go_the_opposite_way():
    frames, middle, paths = opposite_views(64, torch.Generator().manual_seed(3))
    assert paths.shape == (128, world.FRAMES, 3)
    torch.testing.assert_close(paths[:64], -paths[64:])
    for one in frames:
        for place in (one.x, one.y):
            assert (place > one.radius).all() and (place < world.SIZE - one.radius).all()
    way = torch.stack([frames[-1].x - frames[0].x, frames[-1].y - frames[0].y]).norm(dim=0)
    assert way.max() > 20 and (way < 1e-3).any()
    torch.testing.assert_close(frames[0].x[:64], frames[-1].x[64:])
    assert (frames[0].x[:64] <= middle.x[:64]).any() and (frames[0].x > middle.x).any()


def test_a_camera_sees_what_its_poses_say():
    """The host of the poses, Camera Path, has the same signs and the same focal length."""
    path = along("pan left", world.FRAMES, 1.0)
    shift = torch.tensor(path.w2c[:, :, 3], dtype=torch.float32)
    point = replace(scenes(1), x=torch.tensor([32.0]), y=torch.tensor([32.0]))
    moved = [seen(point, each[None]).x.item() for each in shift]
    fx, _, cx, _ = fitted_intrinsics(path, world.SIZE, world.SIZE)[-1]
    aim = cx + fx * path.w2c[-1, 0, 3] / WALL
    assert moved[-1] == pytest.approx(aim, abs=0.1)
