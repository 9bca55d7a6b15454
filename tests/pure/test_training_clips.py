"""Clips out of batches and videos, and every way in which that cannot be done."""

import re

import pytest
import torch
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.training.clips import require_same_size, split_clips, take_clip


def images(count, height=2, width=3):
    """Images that tell by their pixels which they are; [count, height, width, 3]."""
    return torch.arange(float(count))[:, None, None, None].expand(-1, height, width, 3)


def numbers(clip):
    return clip[:, 0, 0, 0].tolist()


@pytest.mark.parametrize(("count", "length"), [(2, 2), (6, 2), (6, 3), (16, 16), (48, 16)])
def test_splitting(count, length):
    clips = split_clips(images(count), length)
    assert {tuple(clip.shape) for clip in clips} == {(length, 2, 3, 3)}
    assert torch.equal(torch.cat(clips), images(count))


@pytest.mark.parametrize(
    ("count", "length", "said"),
    [
        (8, 1, ["frames_per_clip is 1", "at least 2"]),
        (8, 0, ["frames_per_clip is 0"]),
        (0, 16, ["images has 0 frames", "one clip needs 16"]),
        (5, 16, ["images has 5 frames", "one clip needs 16"]),
        (21, 8, ["21 frames", "2 clips of 8", "5 left over", "take 5 frames out", "add 3"]),
        (17, 16, ["17 frames", "1 clip of 16", "1 left over", "take 1 frame out", "add 15"]),
    ],
)
def test_a_batch_that_cannot_be_split(count, length, said):
    with pytest.raises(AnimateDiffError) as caught:
        split_clips(images(count), length)
    assert [part for part in said if part not in str(caught.value)] == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_pixels_that_are_no_numbers(value):
    batch = images(8).clone()
    batch[2, 1, 2, 0] = batch[5, 0, 0, 1] = value
    with pytest.raises(AnimateDiffError, match="2 of 8 images, the first of them number 3"):
        split_clips(batch, 4)


@pytest.mark.parametrize(
    ("frames", "length", "stride", "expected"),
    [
        (100, 4, 4, [0, 4, 8, 12]),
        (13, 4, 4, [0, 4, 8, 12]),
        (9, 3, 1, [0, 1, 2]),
        (61, 16, 4, list(range(0, 61, 4))),
    ],
)
def test_taking(frames, length, stride, expected):
    taken = take_clip(images(frames), length, stride, "a.mp4")
    assert [frame[0, 0, 0].item() for frame in taken] == expected


def test_no_frame_is_asked_for_after_the_clip():
    frames = iter(range(100))
    assert list(take_clip(frames, 4, 4, "a.mp4")) == [0, 4, 8, 12]
    assert next(frames) == 13


def test_settings_that_are_wrong_show_before_a_frame_is_asked_for():
    with pytest.raises(AnimateDiffError, match="frames_per_clip is 1"):
        take_clip(iter(()), 1, 4, "a.mp4")


@pytest.mark.parametrize(
    ("frames", "length", "stride", "said"),
    [
        (60, 16, 4, ["'a.mp4'", "60 frames", "16", "stride of 4", "needs 61", "frames_per_clip to 15", "stride to 3"]),
        (10, 16, 4, ["10 frames", "needs 61", "frames_per_clip to 3"]),
        (4, 16, 4, ["4 frames", "take a longer video"]),
        (60, 1, 4, ["frames_per_clip is 1"]),
        (60, 16, 0, ["stride is 0"]),
    ],
)  # fmt: skip
def test_a_video_that_is_too_short(frames, length, stride, said):
    with pytest.raises(AnimateDiffError) as caught:
        list(take_clip(images(frames), length, stride, "a.mp4"))
    assert [part for part in said if part not in str(caught.value)] == []


@pytest.mark.parametrize("frames", range(1, 61))
def test_what_the_remedy_says_works(frames):
    with pytest.raises(AnimateDiffError) as caught:
        list(take_clip(images(frames), 16, 4, "a.mp4"))
    found = re.findall(r"(frames_per_clip|stride) to (\d+)", caught.value.remedy)
    said = {name: int(most) for name, most in found}
    assert ("frames_per_clip" in said) == (frames >= 5)
    assert ("stride" in said) == (frames >= 16)
    for name, most in said.items():
        changed = {"frames_per_clip": 16, "stride": 4, name: most}
        list(take_clip(images(frames), **changed, name="a.mp4"))
        with pytest.raises(AnimateDiffError):
            list(take_clip(images(frames), **{**changed, name: most + 1}, name="a.mp4"))


def test_clips_of_one_size():
    require_same_size([images(4), images(6)], ["a", "b"])
    require_same_size([], [])


def test_clips_of_several_sizes():
    clips = [images(4), images(4), images(4, height=5, width=7)]
    with pytest.raises(AnimateDiffError, match="width and height on the node") as caught:
        require_same_size(clips, ["a.mp4", "b.mp4", "c.mp4"])
    assert "'a.mp4' is 3x2, 'c.mp4' is 7x5" in caught.value.given
