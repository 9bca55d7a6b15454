"""At which frames of a clip given pictures stand."""

import pytest
from animatediff_native.conditions.frame_places import WORDS, frame_places, placed_images
from animatediff_native.motion.clip_part import ClipPart
from animatediff_native.motion.errors import AnimateDiffError


@pytest.mark.parametrize(
    ("text", "images", "frames", "at"),
    [
        ("0", 1, 16, [0]),
        ("0, 15", 2, 16, [0, 15]),
        ("15, 0", 2, 16, [15, 0]),  # the order of the pictures
        ("0,-1", 2, 16, [0, 15]),
        ("-1", 1, 16, [15]),
        ("50%", 1, 16, [8]),
        ("100%", 1, 16, [15]),
        ("0\n+5;+5", 3, 16, [0, 5, 10]),
        ("0, max_f/2", 2, 16, [0, 8]),
        ("0，3, ", 2, 16, [0, 3]),
        ("spread", 1, 16, [0]),
        (" Spread ", 2, 16, [0, 15]),
        ("spread", 4, 16, [0, 5, 10, 15]),
        ("starts", 1, 16, [0]),
        ("starts", 3, 16, [0, 5, 10]),
        ("ends", 1, 16, [15]),
        ("ends", 3, 16, [5, 10, 15]),
        ("centre", 1, 16, [7]),
        ("center", 2, 16, [5, 10]),
        ("centre", 14, 16, [i * 15 // 14 for i in range(14)]),  # from the start: almost full
        ("ends", 16, 16, list(range(16))),
        ("spread", 1, 1, [0]),
        ("0, -1", 1, 16, [0, 15]),  # one picture at both ends
        ("0，8、-1", 3, 16, [0, 8, 15]),
    ],
)
def test_the_frames(text, images, frames, at):
    assert frame_places(text, images, frames) == at


def test_words_name_every_frame_once_and_in_order():
    for word in WORDS:
        for frames in range(1, 40):
            for images in range(1, frames + 1):
                at = frame_places(word, images, frames)
                assert len(at) == images and at == sorted(set(at)) and at[-1] < frames


@pytest.mark.parametrize(
    ("text", "images", "said"),
    [
        ("0, 16", 2, "frame 16, and the clip has 16 frames"),
        ("3, 5, 3", 3, "frame 3 twice"),
        ("0, 0%", 2, "frame 0 twice"),
        ("0, 15", 3, "2 frames, and images has 3 images"),
        ("0, 15", 4, "2 frames, and images has 4 images."),
        ("", 1, "0 frames, and images has 1 image."),
        ("-17", 1, "'-17' lies before a clip of 16 frames"),
        ("first", 1, "'first' is not a frame number"),
        ("0 15", 2, "'0 15' is not a frame number"),
        ("0:8", 1, "'0:8' is not a frame number"),
        ("120%", 1, "more than the clip"),
        ("spread", 17, "17 images, and the clip has 16 frames"),
    ],
)
def test_what_is_no_place(text, images, said):
    with pytest.raises(AnimateDiffError) as error:
        frame_places(text, images, 16)
    assert said in error.value.given


def test_a_part_has_the_pictures_of_its_own_frames():
    assert placed_images("0, -1, 40, 32", 4, ClipPart(16, 32, 64)) == [(3, 0), (2, 8)]
    assert placed_images("15, 0", 2, ClipPart(16, 0, 16)) == [(1, 0), (0, 15)]
    assert placed_images("0", 1, ClipPart(16, 16, 32)) == []
