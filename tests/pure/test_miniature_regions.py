"""What the miniature's inpainting model is shown: regions of every kind, and pictures of two shapes
of which the region has one."""

import torch

from demo import judge, regions, two_shapes, world

COUNT = 64


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def pairs() -> tuple[world.Scenes, world.Scenes]:
    return two_shapes.apart(COUNT, seeded())


def test_regions_are_of_every_kind_and_size():
    share = regions.regions(400, seeded()).float().mean((1, 2))
    assert (share == 0).any() and (share == 1).any()
    between = share[(share > 0) & (share < 1)]
    assert between.min() < 0.1 and between.max() > 0.9


def test_a_region_around_a_shape_holds_all_of_it():
    scenes = world.random_scenes(COUNT, seeded())
    region = regions.around(scenes, seeded())
    assert not (world.silhouettes(scenes) > 0)[~region].any()


def test_two_shapes_lie_in_the_picture_and_apart_and_have_two_colours():
    first, second = pairs()
    for scenes in (first, second):
        covered = world.silhouettes(scenes) > 0
        assert not covered[:, [0, -1]].any() and not covered[:, :, [0, -1]].any()
    assert not ((world.silhouettes(first) > 0) & (world.silhouettes(second) > 0)).any()
    assert (first.colour != second.colour).all()
    assert (first.background == second.background).all()


def test_the_region_has_the_first_of_two_shapes_and_nothing_of_the_other():
    first, second = pairs()
    region = regions.of_two(first, second, seeded())
    assert not (world.silhouettes(first) > 0)[~region].any()
    assert not (world.silhouettes(second) > 0)[region].any()


def test_a_picture_of_two_shapes_is_that_of_each_where_the_other_is_not():
    first, second = pairs()
    both = two_shapes.draw_both(first, second)
    other = (world.silhouettes(second) > 0)[:, None].expand_as(both)
    torch.testing.assert_close(both[~other], world.draw(first)[~other])
    found = judge.find(torch.where(other, both, world.backdrop(first)))
    assert torch.equal(found.colour, second.colour)


def test_what_is_made_anew_is_grey_and_a_mask_of_whole_cells():
    region = torch.zeros(1, world.SIZE, world.SIZE, dtype=torch.bool)
    region[:, :, :24] = True
    pictures = world.draw(world.random_scenes(1, seeded()))
    shown = regions.greyed(pictures, region)
    assert (shown[..., :24] == 0.5).all() and torch.equal(shown[..., 24:], pictures[..., 24:])
    cells = regions.in_cells(region)
    assert cells.shape == (1, 1, 8, 8)
    assert (cells[..., :3] == 1).all() and (cells[..., 3:] == 0).all()
