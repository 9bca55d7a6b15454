"""Frames that a clip is given, and a mask of those that are to be made, for the host's inpainting.

Both are in the host's polarity: a mask of 1 is made anew, and there the pixels are grey. They serve
checkpoints for inpainting (mask and masked image as channels) and, as a noise mask, all others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import comfy.utils
import torch

from ..motion.clip_part import ClipPart
from ..motion.errors import AnimateDiffError, counted
from .frame_places import Placed, in_part, placed_images

FIRST, ENDS, CHOSEN = "first frame", "first and last", "chosen frames"
GREY = 0.5  # what the host's InpaintModelConditioning puts where something is to be made
CELL = 8  # pixels of a latent's


@dataclass(frozen=True)
class ClipCondition:
    """pixels: [F, H, W, 3]; mask: [F, H, W], 1 where something is to be made."""

    pixels: torch.Tensor
    mask: torch.Tensor


def clip_condition(
    images: torch.Tensor, mode: str, at: str, part: ClipPart, width: int = 0, height: int = 0
) -> ClipCondition:
    """images: [n, h, w, c] in 0..1; at: only for the mode that takes it; width, height: of the
    clip, 0: see `clip_size`."""
    images = images[..., :3].float()
    placed = MODES[mode](len(images), at, part)
    width, height = clip_size(images.shape[2], images.shape[1], width, height)
    pixels = torch.full((part.frames, height, width, 3), GREY)
    mask = torch.ones(part.frames, height, width)
    if placed:
        fitted = fit(images[[one.image for one in placed]], width, height)
        frames = [one.frame for one in placed]
        pixels[frames], mask[frames] = fitted.to(pixels), 0.0
    return ClipCondition(pixels, mask)


def clip_size(own_width: int, own_height: int, width: int, height: int) -> tuple[int, int]:
    """Of the clip, in whole pixels of the latent. Without one of the two it follows from the other
    in the pictures' proportion, without both it is theirs."""
    if width and not height:
        height = round(own_height * width / own_width)
    elif height and not width:
        width = round(own_width * height / own_height)
    return _whole(width or own_width), _whole(height or own_height)


def _whole(size: int) -> int:
    return max(CELL, size // CELL * CELL)


def fit(images: torch.Tensor, width: int, height: int) -> torch.Tensor:
    """Resized to cover [height, width], what stands over cut off evenly. Pictures of this size stay
    as they are."""
    own_height, own_width = images.shape[1:3]
    if (own_width, own_height) == (width, height):
        return images
    smaller = width <= own_width and height <= own_height
    method = "area" if smaller else "bicubic"  # the mean of what a pixel covers; bicubic skips some
    fitted = comfy.utils.common_upscale(images.movedim(-1, 1), width, height, method, "center")
    return fitted.movedim(1, -1).clamp(0.0, 1.0)


def _first(images: int, _at: str, part: ClipPart) -> list[Placed]:
    if images != 1:
        raise AnimateDiffError(
            f"images has {counted(images, 'image')}, and mode '{FIRST}' takes 1.",
            "the picture that the clip begins with",
            f"connect one image, or set mode to '{CHOSEN}' and say in at where each belongs.",
        )
    return in_part([0], part, images)


def _ends(images: int, _at: str, part: ClipPart) -> list[Placed]:
    """One picture for both ends: a clip that comes back to where it began."""
    if images > 2:
        raise AnimateDiffError(
            f"images has {counted(images, 'image')}, and mode '{ENDS}' takes 2.",
            "the first and the last frame, or 1 image for both",
            f"connect two images, or set mode to '{CHOSEN}' and say in at where each belongs.",
        )
    if part.whole < 2:
        raise AnimateDiffError(
            f"the clip has {counted(part.whole, 'frame')}, and mode '{ENDS}' places 2 of them.",
            "at least 2 frames",
            "make the clip longer: at least 8 frames for motion.",
        )
    return in_part([0, part.whole - 1], part, images)


def _chosen(images: int, at: str, part: ClipPart) -> list[Placed]:
    return placed_images(at, images, part)


# Of each mode: which picture stands at which frame of the part.
MODES: dict[str, Callable[[int, str, ClipPart], Sequence[Placed]]] = {
    FIRST: _first,
    ENDS: _ends,
    CHOSEN: _chosen,
}
