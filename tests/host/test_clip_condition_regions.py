"""Clip Condition with a region of the pictures, and with room around them."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import logging

import pytest
import torch
from animatediff_native.conditions.clip_region import feathered
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.clip_condition import ClipConditionNode

import nodes

pytestmark = pytest.mark.usefixtures("inference")
HEIGHT, WIDTH = 32, 48
BOX = slice(8, 16), slice(16, 32)


def pictures(count=1, height=HEIGHT, width=WIDTH):
    return torch.rand(count, height, width, 3, generator=torch.Generator().manual_seed(3))


def box(count=1, rows=BOX[0], columns=BOX[1], height=HEIGHT, width=WIDTH):
    """Masks of a rectangle: 1 inside."""
    region = torch.zeros(count, height, width)
    region[:, rows, columns] = 1.0
    return region


def moving(frames):
    """A box that goes to the right, two pixels a frame."""
    return torch.cat([box(columns=slice(2 * i, 2 * i + 8)) for i in range(frames)])


def condition(images, mode, frames=8, feather=0, **options):
    pixels, mask = ClipConditionNode.execute(
        images, mode, frames=frames, feather=feather, **options
    ).args
    assert pixels.shape == (*mask.shape, 3) and pixels.dtype == mask.dtype == torch.float32
    assert {side % 8 for side in mask.shape[1:]} == {0}
    return pixels, mask


def test_a_cinemagraph_moves_in_its_region_from_the_second_frame_on():
    image, region = pictures(), box()
    pixels, mask = condition(image, "cinemagraph", region=region)
    assert torch.equal(pixels, image.expand(8, -1, -1, -1))
    assert not mask[0].any()
    assert torch.equal(mask[1:], region.expand(7, -1, -1))


def test_a_region_that_moves_along_a_cinemagraph():
    _, mask = condition(pictures(), "cinemagraph", region=moving(8))
    assert not mask[0].any() and torch.equal(mask[1:], moving(8)[1:])


@pytest.mark.parametrize("of_images", [1, 8])
@pytest.mark.parametrize("of_masks", [1, 8])
def test_inpainting_of_a_video_or_an_image(of_images, of_masks):
    """What is beneath the mask stays: the host greys it for the model."""
    images = pictures(of_images)
    region = moving(8) if of_masks == 8 else box()
    pixels, mask = condition(images, "inpaint", region=region)
    assert torch.equal(pixels, images.expand(8, -1, -1, -1))
    assert torch.equal(mask, region.expand(8, -1, -1))


def test_the_images_given_are_not_the_ones_handed_on():
    """What a node changes in place must not change an input of another."""
    images, region = pictures(8), moving(8)
    pixels, mask = condition(images, "inpaint", region=region)
    pixels.zero_()
    mask.fill_(0.5)
    assert torch.equal(images, pictures(8)) and torch.equal(region, moving(8))


@pytest.mark.parametrize("sides", [(8, 16, 24, 32), (0, 8, 0, 0), (16, 0, 0, 0)])
@pytest.mark.parametrize("of_images", [1, 8])
def test_outpainting_is_the_hosts_padding(sides, of_images):
    images = pictures(of_images)
    pixels, mask = condition(images, "outpaint", **sides_of(sides))
    padded, made = nodes.ImagePadForOutpaint().expand_image(images, *sides, 0)
    assert torch.equal(pixels, padded.expand(8, -1, -1, -1))
    assert torch.equal(mask, made.expand(8, -1, -1))


def sides_of(sides):
    return dict(zip(("left", "top", "right", "bottom"), sides, strict=True))


def test_feathering_of_what_is_added_goes_into_the_picture_as_the_hosts_does():
    """Wherever the host does it, but in a straight line in place of its curve."""
    sides, feather = (8, 16, 0, 8), 6
    pixels, mask = condition(pictures(), "outpaint", feather=feather, **sides_of(sides))
    padded, made = nodes.ImagePadForOutpaint().expand_image(pictures(), *sides, feather)
    assert torch.equal(pixels[0], padded[0])
    inner = slice(16, 16 + HEIGHT), slice(8, 8 + WIDTH)
    distance = torch.stack(torch.meshgrid(
        torch.minimum(torch.arange(HEIGHT), HEIGHT - 1 - torch.arange(HEIGHT)) + 1,
        torch.arange(WIDTH) + 1, indexing="ij",
    )).amin(0)  # fmt: skip
    assert torch.allclose(mask[0][inner], (1 - distance / (feather + 1)).clamp(min=0), atol=1e-6)
    assert (mask[0][made[0] > 0] > 0).all()


def test_a_region_beside_what_is_added():
    pixels, mask = condition(pictures(), "outpaint", region=box(), left=16)
    assert torch.equal(mask[3, :, 16:], box()[0]) and (mask[:, :, :16] == 1.0).all()
    assert (pixels[:, :, :16] == 0.5).all() and torch.equal(pixels[5, :, 16:], pictures()[0])


def test_padding_is_made_whole_cells():
    """So that the cells of the picture's latent stay where they are."""
    _, mask = condition(pictures(), "outpaint", left=3, bottom=9)
    assert mask.shape == (8, HEIGHT + 16, WIDTH + 8)
    assert not mask[:, :HEIGHT, 8:].any()


@pytest.mark.parametrize("feather", [0, 1, 8, 40])
@pytest.mark.parametrize("soft", [False, True])
def test_feathering_falls_off_evenly_outside_of_the_region(feather, soft):
    """Against the slow rule: the most that any pixel of the region leaves, by its distance."""
    region = box(2, slice(5, 9), slice(3, 12), 20, 24)
    region[1] = region[1].roll((4, 7), (0, 1))
    if soft:
        region = region * torch.rand(region.shape, generator=torch.Generator().manual_seed(1))
    found = feathered(region, feather)
    rows, columns = torch.arange(20), torch.arange(24)
    for mask, given in zip(found, region, strict=True):
        for i in range(20):
            for j in range(24):
                away = torch.maximum((rows - i).abs()[:, None], (columns - j).abs()[None])
                expected = (given - away / (feather + 1))[away <= feather].max().clamp(min=0)
                assert abs(mask[i, j] - expected) < 1e-6
    assert (found[region == 1.0] == 1.0).all() and (found >= region).all()


def test_feathering_leaves_whole_frames_given():
    _, mask = condition(pictures(), "cinemagraph", region=box(), feather=8)
    assert not mask[0].any()
    assert torch.equal(mask[1:], feathered(box(), 8).expand(7, -1, -1))
    assert (mask[1:, BOX[0], BOX[1]] == 1.0).all()


def test_region_and_images_are_resized_alike():
    """The middle of a picture twice as wide as asked; the box lies where its pixels lie."""
    image = box(rows=slice(16, 32), columns=slice(32, 64), height=64, width=128)
    images = image[..., None].expand(-1, -1, -1, 3)
    pixels, mask = condition(images, "inpaint", region=image, width=32, height=32)
    assert torch.equal(pixels[..., 0], mask) and 0 < mask.mean() < 1
    assert torch.equal(mask[0], box(rows=slice(8, 16), columns=slice(0, 16), height=32, width=32)[0])


def test_a_region_of_another_size_than_the_images():
    """Stretched, as the host stretches masks."""
    small = box(rows=slice(1, 2), columns=slice(2, 4), height=4, width=6)
    _, mask = condition(pictures(), "inpaint", region=small)
    expected = torch.nn.functional.interpolate(small[None], (HEIGHT, WIDTH), mode="bilinear")[0]
    assert torch.equal(mask, expected.expand(8, -1, -1))


def test_enlarging_a_region_leaves_what_is_far_from_it_alone():
    _, mask = condition(pictures(), "inpaint", region=box(), width=96, height=64)
    near = feathered(box(rows=slice(16, 32), columns=slice(32, 64), height=64, width=96), 1)
    assert not mask[0][near[0] == 0].any() and (mask[0, 18:30, 34:62] == 1.0).all()


def test_a_mask_without_its_batch():
    _, mask = condition(pictures(), "inpaint", region=box()[0])
    assert torch.equal(mask, box().expand(8, -1, -1))


@pytest.mark.parametrize("given", ["of the whole", "of the part"])
def test_parts_of_a_longer_clip(given):
    whole, regions = pictures(24), moving(24)
    for first in (0, 8, 16):
        own = slice(first, first + 8)
        images, region = (
            (whole, regions) if given == "of the whole" else (whole[own], regions[own])
        )
        latent = {"samples": torch.zeros(8, 4, 4, 6)}
        options = {"latent": latent, "first_frame": first, "total_frames": 24}
        pixels, mask = condition(images, "inpaint", 99, region=region, **options)
        assert torch.equal(pixels, whole[own]) and torch.equal(mask, regions[own])
        pixels, _ = condition(images, "outpaint", 99, left=8, **options)
        assert torch.equal(pixels[:, :, 8:], whole[own])
        _, mask = condition(pictures(), "cinemagraph", 99, region=region, **options)
        assert torch.equal(mask[1:], regions[own][1:])
        assert torch.equal(mask[0], regions[own][0] * (first > 0))


@pytest.mark.parametrize(
    ("mode", "images", "options", "said"),
    [
        ("cinemagraph", 1, {}, "mode is 'cinemagraph', and region is not connected"),
        ("inpaint", 8, {}, "mode is 'inpaint', and region is not connected"),
        ("first frame", 1, {"region": 1}, "region is connected, and mode 'first frame'"),
        ("first and last", 1, {"region": 1}, "region is connected, and mode 'first and last'"),
        ("cinemagraph", 3, {"region": 1}, "images has 3 images, and mode 'cinemagraph' takes 1"),
        ("inpaint", 5, {"region": 1}, "images has 5 images, and the clip has 8 frames"),
        ("outpaint", 5, {"left": 8}, "images has 5 images, and the clip has 8 frames"),
        ("inpaint", 8, {"region": 3}, "region has 3 masks, and the clip has 8 frames"),
        ("cinemagraph", 1, {"region": 9}, "region has 9 masks, and the clip has 8 frames"),
        (
            "inpaint", 5, {"region": 1, "first_frame": 8, "total_frames": 24},
            "images has 5 images, and this part has 8 frames of a clip of 24",
        ),
        ("inpaint", 8, {"region": 1, "left": 8}, "above 0, and mode 'inpaint' adds nothing"),
        ("first frame", 1, {"top": 8}, "above 0, and mode 'first frame' adds nothing"),
        ("outpaint", 8, {}, "left, top, right and bottom are all 0"),
        (
            "outpaint", 1, {"right": 16384},
            "the images are 48 x 32 pixels, and with left, top, right and bottom 16432 x 32",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be(mode, images, options, said):
    if "region" in options:
        options = {**options, "region": box(options["region"])}
    with pytest.raises(AnimateDiffError) as error:
        condition(pictures(images), mode, **options)
    assert said in error.value.given
    assert error.value.expected and error.value.remedy


@pytest.mark.parametrize(
    ("mode", "region", "said"),
    [
        ("cinemagraph", torch.zeros(1, 64, 64), "nothing that is made anew"),
        ("inpaint", torch.zeros(8, HEIGHT, WIDTH), "nothing that is made anew"),
        ("inpaint", box(rows=slice(8, 9), columns=slice(8, 9)), "nothing that is made anew"),
        ("inpaint", torch.ones(1, HEIGHT, WIDTH), "covers all of every frame"),
        ("cinemagraph", torch.ones(1, HEIGHT, WIDTH), ""),  # from its first frame on
        ("inpaint", box(), ""),
    ],
)
def test_a_region_that_is_hardly_meant_is_told(mode, region, said, caplog):
    """Nothing to make, or nothing given: both run, and the log and the node say it."""
    with caplog.at_level(logging.WARNING, logger="animatediff_native"):
        _, mask = condition(pictures(), mode, region=region)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == bool(said) and all(said in one for one in told)
    if said.startswith("covers"):
        assert (mask == 1.0).all()
