"""Camera motions, measured: where a dot goes, how large it gets, how far it turns.

Positions are in pixels of the result, from its middle, to the right and down. They hold to 0.02
pixels: bicubic sampling with a = -0.75 shifts a point by up to 0.047 of the pixels that it samples,
half as much in the result's, and a dot of many pixels averages that. 0.011 was measured.
"""

import math

import pytest
import torch
from animatediff_native.training.augment import (
    PAN_SIDE,
    ROLL,
    ZOOM,
    Augmentation,
    augmented,
    flipped,
    flips,
)

FRAMES = 9
TOLERANCE = 0.02  # pixels, see above
TURNS = {Augmentation.ROLL_CLOCKWISE: 1, Augmentation.ROLL_COUNTER_CLOCKWISE: -1}
MOVES = {
    Augmentation.PAN_LEFT: (1, 0),  # the camera goes left, so what it sees goes right
    Augmentation.PAN_RIGHT: (-1, 0),
    Augmentation.PAN_UP: (0, 1),
    Augmentation.PAN_DOWN: (0, -1),
}
# width, height of the clip and of the result: as it is, shrunk, enlarged, cropped, both
SIZES = [
    ((128, 128), (128, 128)),
    ((320, 240), (128, 96)),
    ((96, 120), (192, 240)),
    ((200, 120), (120, 120)),
    ((150, 400), (100, 120)),
]


def clip(size, x=0.0, y=0.0, radius=0.04):
    """A soft dot on black in every frame, x and y from the middle and its radius in parts of the
    shorter side; [FRAMES, H, W, 3]."""
    width, height = size
    short = min(size)
    across = torch.arange(width) + 0.5 - width / 2 - x * short
    down = torch.arange(height) + 0.5 - height / 2 - y * short
    squares = across[None] ** 2 + down[:, None] ** 2
    dot = torch.exp(-squares / (2 * (radius * short) ** 2))
    return dot[None, :, :, None].expand(FRAMES, -1, -1, 3)


def centres(frames):
    """[F, 2]: x and y of what is not black."""
    height, width = frames.shape[1:3]
    light = frames.double().sum(3)
    across = (light.sum(1) * (torch.arange(width) + 0.5 - width / 2)).sum(1)
    down = (light.sum(2) * (torch.arange(height) + 0.5 - height / 2)).sum(1)
    return torch.stack([across, down], 1) / light.sum((1, 2))[:, None]


def fit(size, target):
    """Pixels of the clip by pixel of the result, in the largest centred part of its aspect."""
    return min(size[0] / target[0], size[1] / target[1])


def noise(width=64, height=48):
    generator = torch.Generator().manual_seed(5)
    return torch.rand(FRAMES, height, width, 3, generator=generator)


def test_the_names_are_those_of_the_node():
    assert [each.value for each in Augmentation] == [
        "none", "zoom in", "zoom out", "pan left", "pan right", "pan up", "pan down",
        "roll clockwise", "roll counter-clockwise",
    ]  # fmt: skip


@pytest.mark.parametrize("augmentation", Augmentation)
@pytest.mark.parametrize(("size", "target"), SIZES)
def test_shape_and_range(size, target, augmentation):
    result = augmented(noise(*size), augmentation, *target)
    assert result.shape == (FRAMES, target[1], target[0], 3)
    assert result.dtype == torch.float32
    assert result.min() >= 0
    assert result.max() <= 1


def test_none_at_the_same_size_is_the_identity():
    result = augmented(noise(), Augmentation.NONE, 64, 48)
    torch.testing.assert_close(result, noise(), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("size", "target"), SIZES)
def test_none_resizes_and_crops_around_the_middle(size, target):
    scale = min(size) / fit(size, target)
    found = centres(augmented(clip(size, x=0.15, y=-0.1), Augmentation.NONE, *target))
    expected = torch.tensor([0.15 * scale, -0.1 * scale], dtype=torch.float64)
    torch.testing.assert_close(found, expected.expand(FRAMES, 2), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("augmentation", MOVES)
@pytest.mark.parametrize(("size", "target"), SIZES)
def test_a_pan_goes_across_the_picture_evenly(size, target, augmentation):
    """From one edge to the other: the window moves by what it leaves out, 1 - PAN_SIDE."""
    found = centres(augmented(clip(size), augmentation, *target))
    direction = torch.tensor(MOVES[augmentation], dtype=torch.float64)
    way = (1 - PAN_SIDE) / PAN_SIDE * direction * torch.tensor(target)
    along = torch.linspace(-0.5, 0.5, FRAMES, dtype=torch.float64)[:, None]
    torch.testing.assert_close(found, along * way, atol=TOLERANCE, rtol=0)


def edge(picture, x, y):
    """The outermost row or column of a picture, [H, W], in this direction."""
    return picture[:, -1 if x > 0 else 0] if x else picture[-1 if y > 0 else 0]


@pytest.mark.parametrize("augmentation", MOVES)
def test_a_pan_begins_and_ends_at_the_edges(augmentation):
    """A frame around the picture is seen at its far side first, at its near side last, and never
    in between."""
    picture = torch.ones(100, 100)
    picture[2:-2, 2:-2] = 0.5
    frames = picture[None, :, :, None].expand(FRAMES, -1, -1, 3)
    result = augmented(frames, augmentation, 70, 70)[..., 0]
    x, y = MOVES[augmentation]
    assert edge(result[0], x, y).tolist() == pytest.approx([1.0] * 70, abs=1e-5)
    assert edge(result[-1], -x, -y).tolist() == pytest.approx([1.0] * 70, abs=1e-5)
    assert (result[1:-1] - 0.5).abs().max() < 1e-5


@pytest.mark.parametrize("augmentation", [Augmentation.ZOOM_IN, Augmentation.ZOOM_OUT])
@pytest.mark.parametrize(("size", "target"), SIZES)
def test_a_zoom_grows_by_an_even_rate(size, target, augmentation):
    """Distances from the middle by ZOOM, areas by its square; in equal steps of the logarithm.

    Areas to 0.5 %: what the clamp cuts off at a small dot's rim; 0.1 % was measured.
    """
    result = augmented(clip(size, x=0.15, y=-0.1), augmentation, *target)
    along = torch.linspace(0, 1, FRAMES, dtype=torch.float64)
    if augmentation is Augmentation.ZOOM_OUT:
        along = 1 - along
    start = torch.tensor([0.15, -0.1], dtype=torch.float64) * min(size) / fit(size, target)
    growth = ZOOM ** along[:, None]
    torch.testing.assert_close(centres(result), growth * start, atol=TOLERANCE, rtol=0)
    area = result.double().sum((1, 2, 3))
    torch.testing.assert_close(area / area.min(), growth[:, 0] ** 2, atol=0, rtol=0.005)


def corners_reach(turn, aspect):
    """How far the corners of a turned rectangle of half height 1 reach, by the half side."""
    x = aspect * math.cos(turn) + math.sin(turn)
    y = aspect * math.sin(turn) + math.cos(turn)
    return max(x / aspect, y)


@pytest.mark.parametrize("augmentation", TURNS)
@pytest.mark.parametrize(("size", "target"), SIZES)
def test_a_roll_turns_evenly(size, target, augmentation):
    """By the angle of a dot that is not in the middle; y points down, so clockwise is positive.

    An angle is off by at most the position's error over the distance from the middle.
    """
    found = centres(augmented(clip(size, x=0.25), augmentation, *target))
    distance = 0.25 * min(size) / fit(size, target) * corners_reach(ROLL / 2, target[0] / target[1])
    assert found.norm(dim=1).tolist() == pytest.approx([distance] * FRAMES, abs=2 * TOLERANCE)
    angles = torch.atan2(found[:, 1], found[:, 0])
    expected = TURNS[augmentation] * ROLL * torch.linspace(-0.5, 0.5, FRAMES, dtype=torch.float64)
    torch.testing.assert_close(angles, expected, atol=2 * TOLERANCE / distance, rtol=0)
    assert math.degrees(angles[-1] - angles[0]) == pytest.approx(30 * TURNS[augmentation], abs=0.5)


@pytest.mark.parametrize("augmentation", TURNS)
@pytest.mark.parametrize("target", [(96, 96), (160, 96), (96, 160), (480, 96)])
def test_no_corner_of_a_roll_leaves_the_picture(target, augmentation):
    """The picture's colours are its coordinates, so the result tells where each pixel is from.

    The corners, half a pixel outwards of what can be seen, follow from how the colours change. To
    0.05 pixels, as other positions are to 0.02, in a picture of twice the result's size.
    """
    width, height = 2 * target[0], 2 * target[1]
    x = ((torch.arange(width) + 0.5) / width).expand(height, -1)
    y = ((torch.arange(height) + 0.5) / height)[:, None].expand(-1, width)
    frames = torch.stack([x, y, x], 2).expand(FRAMES, -1, -1, -1)
    seen = augmented(frames, augmentation, *target)[..., :2] * torch.tensor([width, height])
    middle = seen.mean((1, 2))
    across = (seen[:, :, -4] - seen[:, :, 3]).mean(1) / (target[0] - 7) * target[0] / 2
    down = (seen[:, -4] - seen[:, 3]).mean(1) / (target[1] - 7) * target[1] / 2
    corners = torch.stack([middle + i * across + j * down for i in (-1, 1) for j in (-1, 1)])
    room = torch.minimum(corners, torch.tensor([width, height]) - corners)  # to the nearest edge
    assert room.min() > -0.05
    assert room[:, [0, -1]].min() < 0.05  # no smaller than it must be


@pytest.mark.parametrize("augmentation", Augmentation)
def test_nothing_aliases(augmentation):
    """A pattern far finer than the result's pixels becomes its mean: in every frame 0.5.

    To 0.005, which at the picture's edges, with no pattern beyond them, is not quite so: 0.0013.
    """
    rows, columns = torch.arange(384)[:, None], torch.arange(384)
    board = ((rows + columns) % 2).float()[None, :, :, None].expand(FRAMES, -1, -1, 3)
    result = augmented(board, augmentation, 64, 64)
    torch.testing.assert_close(result, torch.full_like(result, 0.5), atol=0.005, rtol=0)


@pytest.mark.parametrize("augmentation", Augmentation)
def test_sharpness_does_not_pulse(augmentation):
    """Sampling between pixels blurs as much in each frame as in its neighbour.

    To 10 %, of noise, half of which is a zoom's own; sampling once per pixel gives up to 55 %.
    """
    frames = noise(240, 240)[:1].expand(FRAMES, -1, -1, -1)
    result = augmented(frames, augmentation, 96, 96)
    sharpness = (result[:, :, 1:] - result[:, :, :-1]).abs().mean((1, 2, 3))
    assert (sharpness[1:] / sharpness[:-1] - 1).abs().max() < 0.1


@pytest.mark.parametrize("augmentation", [each for each in Augmentation if flips(each)])
@pytest.mark.parametrize(("size", "target"), SIZES)
def test_flipping_before_is_flipping_after(size, target, augmentation):
    """To 1e-4: positions are in fp32, a few 1e-5 of a pixel, and noise differs by up to 1 from
    pixel to pixel."""
    before = augmented(flipped(noise(*size)), augmentation, *target)
    after = flipped(augmented(noise(*size), augmentation, *target))
    torch.testing.assert_close(before, after, atol=1e-4, rtol=0)


@pytest.mark.parametrize("augmentation", Augmentation)
def test_a_camera_held_still_sees_the_middle_of_its_path(augmentation):
    """In every frame, and of an odd number of frames exactly what the moving one sees there."""
    frames = noise()[:1].expand(FRAMES, -1, -1, -1)
    still = augmented(frames, augmentation, 48, 48, still=True)
    moving = augmented(frames, augmentation, 48, 48)
    torch.testing.assert_close(still, moving[FRAMES // 2].expand_as(still), rtol=0, atol=1e-6)


def test_what_may_be_flipped():
    """Left is not right, and clockwise is not counter-clockwise."""
    found = [each.value for each in Augmentation if flips(each)]
    assert found == ["zoom in", "zoom out", "pan up", "pan down"]
    assert torch.equal(flipped(noise())[:, :, 0], noise()[:, :, -1])


def test_a_clips_own_motion_stays():
    """Frame i of the result comes from frame i."""
    frames = torch.linspace(0, 1, FRAMES)[:, None, None, None].expand(-1, 32, 32, 3)
    for augmentation in Augmentation:
        for still in (False, True):
            result = augmented(frames, augmentation, 16, 16, still)
            torch.testing.assert_close(result, frames[:, ::2, ::2], atol=1e-6, rtol=0)
