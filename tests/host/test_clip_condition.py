"""Clip Condition: which frames are given, which are to be made, and how pictures fit."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import pytest
import torch
from animatediff_native.conditions.clip_condition import clip_size, fit
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.clip_condition import ClipConditionNode

pytestmark = pytest.mark.usefixtures("inference")


def pictures(count=2, height=16, width=24, channels=3):
    generator = torch.Generator().manual_seed(3)
    return torch.rand(count, height, width, channels, generator=generator)


def condition(images, mode, at="0", frames=16, **options):
    pixels, mask = ClipConditionNode.execute(images, mode, at, frames, **options).args
    assert pixels.shape == (*mask.shape, 3) and pixels.dtype == mask.dtype == torch.float32
    return pixels, mask


def given_frames(mask):
    """Frames whose mask is 0 all over; all others are 1 all over."""
    of_each = [frame.unique().tolist() for frame in mask]
    assert all(values in ([0.0], [1.0]) for values in of_each)
    return [i for i, values in enumerate(of_each) if values == [0.0]]


@pytest.mark.parametrize(
    ("mode", "at", "count", "frames"),
    [
        ("first frame", "7", 1, [0]),
        ("first and last", "7", 2, [0, 15]),
        ("chosen frames", "0, 15", 2, [0, 15]),
        ("chosen frames", "12, 3, -1", 3, [12, 3, 15]),
        ("chosen frames", "50%", 1, [8]),
        ("chosen frames", "centre", 2, [5, 10]),
    ],
)
def test_given_frames_are_the_pictures_and_all_others_are_grey(mode, at, count, frames):
    images = pictures(count)
    pixels, mask = condition(images, mode, at)
    assert given_frames(mask) == sorted(frames)
    for i in range(16):
        expected = images[frames.index(i)] if i in frames else torch.full((16, 24, 3), 0.5)
        assert torch.equal(pixels[i], expected)


def test_one_picture_for_both_ends():
    image = pictures(1)
    pixels, mask = condition(image, "first and last")
    assert given_frames(mask) == [0, 15]
    assert torch.equal(pixels[0], image[0]) and torch.equal(pixels[15], image[0])


def test_a_part_of_a_longer_clip_has_its_own_frames():
    images = pictures(2)
    latent = {"samples": torch.zeros(20, 4, 2, 3)}
    ends = [
        condition(images, "first and last", latent=latent, first_frame=first, total_frames=60)
        for first in (0, 20, 40)
    ]
    assert [given_frames(mask) for _, mask in ends] == [[0], [], [19]]
    assert torch.equal(ends[2][0][19], images[1])
    assert (ends[1][0] == 0.5).all()


def test_transparency_is_left_out():
    images = pictures(1, channels=4)
    assert torch.equal(condition(images, "first frame")[0][0], images[0, ..., :3])


@pytest.mark.parametrize(
    ("own", "asked", "size"),
    [
        ((512, 768), (0, 0), (512, 768)),
        ((515, 767), (0, 0), (512, 760)),
        ((1024, 512), (512, 0), (512, 256)),
        ((1024, 512), (0, 128), (256, 128)),
        ((1024, 512), (320, 320), (320, 320)),
        ((1024, 512), (100, 0), (96, 48)),
        ((5, 3), (0, 0), (8, 8)),
    ],
)
def test_the_clips_size(own, asked, size):
    assert clip_size(*own, *asked) == size


def test_a_picture_of_another_size_covers_the_clip():
    """Twice as wide as asked: the middle is kept, in its proportion."""
    image = torch.zeros(1, 32, 64, 3)
    image[:, :, 16:48] = torch.arange(32.0)[:, None] / 31  # a ramp in the middle
    image[:, :, :16], image[:, :, 48:] = 1.0, 1.0
    pixels, mask = condition(image, "first frame", width=16, height=16)
    assert pixels.shape == (16, 16, 16, 3) and given_frames(mask) == [0]
    means = torch.arange(32.0).reshape(16, 2).mean(1) / 31
    assert torch.allclose(pixels[0, :, :, 0], means.expand(16, 16), atol=1e-6)


def test_enlarging_stays_in_the_range_of_colours():
    image = (torch.rand(1, 8, 8, 3) > 0.5).float()
    larger = fit(image, 32, 32)
    assert larger.shape == (1, 32, 32, 3) and larger.min() >= 0 and larger.max() <= 1


@pytest.mark.parametrize(
    ("count", "mode", "at", "frames", "said"),
    [
        (2, "first frame", "0", 16, "images has 2 images, and mode 'first frame' takes 1"),
        (3, "first and last", "0", 16, "images has 3 images, and mode 'first and last' takes 2"),
        (2, "first and last", "0", 1, "the clip has 1 frame, and mode 'first and last' places 2"),
        (2, "chosen frames", "0", 16, "at names 1 frame, and images has 2 images"),
        (1, "chosen frames", "16", 16, "at names frame 16, and the clip has 16 frames"),
        (1, "first frame", "0", None, "neither frames nor latent is given"),
    ],
)
def test_what_cannot_be(count, mode, at, frames, said):
    with pytest.raises(AnimateDiffError) as error:
        condition(pictures(count), mode, at, frames)
    assert said in error.value.given


def test_the_schema_explains_itself():
    schema = ClipConditionNode.GET_SCHEMA()
    assert schema.node_id == "ADN_ClipCondition"
    assert [one.id for one in schema.inputs] == [
        "images", "mode", "at", "frames", "latent", "first_frame", "total_frames", "width",
        "height", "region", "left", "top", "right", "bottom", "feather",
    ]  # fmt: skip
    assert all(one.tooltip for one in (*schema.inputs, *schema.outputs)) and schema.description
    assert [one.optional for one in schema.inputs] == [False] * 3 + [True] * 12
    assert schema.inputs[1].options == [
        "first frame", "first and last", "chosen frames", "cinemagraph", "inpaint", "outpaint",
    ]  # fmt: skip
    assert [one.default for one in schema.inputs[10:]] == [0, 0, 0, 0, 8]
