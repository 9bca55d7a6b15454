"""Asked paths of the miniature world, and the measure of how clips followed them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from demo import world
from demo.paths import MARGIN, Kind, asked_path, followed

KINDS = list(Kind)


def _drawn(path, shift=(0.0, 0.0), gone=()):
    """A clip of a red circle on the path."""
    frames = []
    one = world.random_scenes(1, torch.Generator().manual_seed(1))
    one = replace(one, shape=torch.tensor([0]), colour=torch.tensor([0]))
    for frame, (x, y) in enumerate(path.pixels[:, 0].tolist()):
        place = {"x": torch.tensor([x + shift[0]]), "y": torch.tensor([y + shift[1]])}
        scene = replace(one, radius=torch.tensor([12.0]), **place)
        frames.append(world.backdrop(scene) if frame in gone else world.draw(scene))
    return torch.cat(frames)[None]


@pytest.mark.parametrize("frames", [2, 16, 64])
@pytest.mark.parametrize("kind", KINDS)
def test_paths_stay_inside_and_go_at_even_speed(kind, frames):
    for seed in range(20):
        pixels = asked_path(kind, seed, frames).pixels[:, 0]
        assert pixels.shape == (frames, 2)
        assert pixels.min() >= MARGIN - 1e-9 and pixels.max() <= world.SIZE - MARGIN + 1e-9
        steps = np.linalg.norm(np.diff(pixels, axis=0), axis=1)
        going = steps[: (frames + 1) // 2 - 1] if kind is Kind.STOPPING else steps
        if len(going) > 1 and kind in (Kind.STRAIGHT, Kind.STOPPING):
            assert going.max() - going.min() < 1e-6
        if kind is Kind.STOPPING and frames > 2:
            assert (steps[(frames + 1) // 2 - 1 :] == 0).all() and (going > 0).all()


def test_same_seed_same_path_and_other_seeds_others():
    first, again, other = (asked_path(Kind.CURVED, seed) for seed in (3, 3, 4))
    assert np.array_equal(first.points, again.points)
    assert not np.array_equal(first.points, other.points)


def test_a_crossing_path_crosses_itself():
    def side(a, b, c):
        return np.sign(np.cross(b - a, c - a))

    for seed in range(10):
        p = asked_path(Kind.CROSSING, seed, 64).pixels[:, 0]
        crossed = any(
            side(p[i], p[i + 1], p[j]) != side(p[i], p[i + 1], p[j + 1])
            and side(p[j], p[j + 1], p[i]) != side(p[j], p[j + 1], p[i + 1])
            for i in range(63)
            for j in range(i + 2, 63)
        )
        assert crossed


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_that_follows_has_no_error(kind):
    paths = [asked_path(kind, seed) for seed in range(3)]
    result = followed(torch.cat([_drawn(path) for path in paths]), paths)
    assert result.mean < 0.3 and result.lost == 0
    assert result.right == 1.0 and (result.made - 1).abs().max() < 0.05


def test_error_is_the_distance_in_pixels():
    path = asked_path(Kind.STRAIGHT, 2)
    result = followed(_drawn(path, (3.0, -4.0)), [path])
    assert result.mean == pytest.approx(5.0, abs=0.2)
    assert result.median == pytest.approx(5.0, abs=0.2)
    assert result.right == 1.0  # the way is the same


def test_a_clip_that_goes_back_goes_wrong():
    path = asked_path(Kind.STRAIGHT, 2)
    result = followed(_drawn(path).flip(1), [path])
    assert result.cosine.item() == pytest.approx(-1, abs=0.01)
    assert result.made.item() == pytest.approx(-1, abs=0.05) and result.right == 0


def test_frames_without_a_shape_are_counted_apart():
    path = asked_path(Kind.STRAIGHT, 2)
    result = followed(_drawn(path, gone=(0, 7)), [path])
    assert (result.lost, result.frames, len(result.error)) == (2, 16, 14)
    assert result.mean < 0.3 and "2 of 16 frames without a shape" in str(result)
    empty = followed(_drawn(path, gone=(13, 14, 15)), [path])
    assert empty.cosine.item() == 0 and empty.right == 0
