"""Which frames pictures are, and the hints of Sparse Frames."""

import pytest
import torch
from animatediff_native.conditions.sparse_frames import frames_at, sparse_hints
from animatediff_native.motion.clip_part import ClipPart
from animatediff_native.motion.errors import AnimateDiffError

PICTURES = torch.rand(3, 4, 6, 3, generator=torch.Generator().manual_seed(0))

FRAMES = {
    ("0", 1): [0],
    ("0, 15", 2): [0, 15],
    ("-1", 1): [15],
    ("0 , 50%, -1", 3): [0, 8, 15],
    ("0，8、-1", 3): [0, 8, 15],
    ("4\n+3\n+3", 3): [4, 7, 10],
    ("0, -1", 1): [0, 15],
    ("spread", 1): [0],
    ("starts", 1): [0],
    ("ends", 1): [15],
    ("centre", 1): [7],
    (" Spread ", 4): [0, 5, 10, 15],
    ("starts", 3): [0, 5, 10],
    ("ends", 3): [5, 10, 15],
    ("centre", 2): [5, 10],
    ("centre", 14): [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13],
    ("starts", 16): list(range(16)),
    ("spread", 16): list(range(16)),
}


@pytest.mark.parametrize(("at", "count"), FRAMES)
def test_frames(at, count):
    assert frames_at(at, count, 16) == FRAMES[at, count]


@pytest.mark.parametrize("word", ["spread", "starts", "ends", "centre"])
def test_dealt_out(word):
    """Every picture has a frame of its own, in order, inside the clip."""
    for frames in range(1, 40):
        for count in range(1, frames + 1):
            chosen = frames_at(word, count, frames)
            assert len(chosen) == count and chosen == sorted(set(chosen))
            assert chosen[0] >= 0 and chosen[-1] < frames


WRONG = {
    ("0, 3", 3): "names 2 frames, and there are 3 images",
    ("", 1): "names no frame",
    ("16", 1): "frame 16 is none of a clip of 16 frames",
    ("-17", 1): "before a clip of 16 frames",
    ("3, 3", 2): "frame 3 is named twice",
    ("nearest", 1): "nearest",
    ("spread", 17): "17 images, and the clip has 16 frames",
}


@pytest.mark.parametrize(("at", "count"), WRONG)
def test_what_is_no_frame(at, count):
    with pytest.raises(AnimateDiffError, match=WRONG[at, count]):
        frames_at(at, count, 16)


def test_hints():
    hints = sparse_hints(PICTURES, "5, 0, -1", ClipPart(8, 0, 8))
    assert hints.shape == (8, 4, 6, 4)
    for frame, number in {5: 0, 0: 1, 7: 2}.items():
        assert torch.equal(hints[frame, ..., :3], PICTURES[number])
        assert (hints[frame, ..., 3] == 1).all()
    assert not hints[[1, 2, 3, 4, 6]].any()


def test_of_a_longer_clip():
    """Frames are those of the whole; a part has what lies in it."""
    whole = sparse_hints(PICTURES, "spread", ClipPart(24, 0, 24))
    for first in (0, 8, 16):
        assert torch.equal(
            sparse_hints(PICTURES, "spread", ClipPart(8, first, 24)), whole[first : first + 8]
        )
    with_alpha = torch.cat([PICTURES, torch.zeros(3, 4, 6, 1)], dim=-1)
    assert torch.equal(sparse_hints(with_alpha, "spread", ClipPart(24, 0, 24)), whole)
