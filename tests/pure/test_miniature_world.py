"""The miniature world is drawn as it says, and judged by rules that find what was drawn."""

import pytest
import torch

from demo import judge, world


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
