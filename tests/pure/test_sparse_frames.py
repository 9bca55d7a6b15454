"""Which frames pictures are, and the hints of Sparse Frames."""

import torch
from animatediff_native.conditions.sparse_frames import sparse_hints
from animatediff_native.motion.clip_part import ClipPart

PICTURES = torch.rand(3, 4, 6, 3, generator=torch.Generator().manual_seed(0))

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
