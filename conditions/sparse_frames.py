"""The hints of SparseCtrl: pictures at their frames of a clip."""

import torch

from ..motion.clip_part import ClipPart
from .frame_places import placed_images


def sparse_hints(images: torch.Tensor, at: str, part: ClipPart) -> torch.Tensor:
    """Pictures [n, H, W, 3] at their frames of the whole: [F, H, W, 4] for the part's frames,
    with the mask as the last channel: 1 where there is a picture, 0 (and black) elsewhere."""
    hints = images.new_zeros([part.frames, *images.shape[1:3], 4])
    for placed in placed_images(at, len(images), part):
        hints[placed.frame, ..., :3] = images[placed.image, ..., :3]
        hints[placed.frame, ..., 3] = 1
    return hints
