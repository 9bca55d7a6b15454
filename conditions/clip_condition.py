"""Frames that a clip is given, and a mask of what is to be made, for the host's inpainting.

Both are in the host's polarity: a mask of 1 is made anew. Where a frame has no picture it is grey.
Where a picture is to be made anew in part, it stays beneath the mask: the host's inpainting greys
it for the model by itself, latents beside the region come out as of the picture alone, and a lower
denoise has something to start from. They serve checkpoints for inpainting (mask and masked image
as channels) and, as a noise mask, all others.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import comfy.utils
import torch

from ..motion.clip_part import ClipPart
from .clip_modes import FIRST, INPAINT, Mode, along, require
from .clip_region import CELL, NO_PADDING, Padding, cells_of, feathered, masks_of
from .frame_places import Placed

log = logging.getLogger("animatediff_native")

GREY = 0.5  # what the host's InpaintModelConditioning puts where something is to be made


@dataclass(frozen=True)
class ClipCondition:
    """pixels: [F, H, W, 3]; mask: [F, H, W], 1 where something is to be made."""

    pixels: torch.Tensor
    mask: torch.Tensor


@dataclass(frozen=True)
class Wanted:
    """at: only for the mode that takes it; width, height: of the pictures in the clip, 0: see
    `clip_size`; region: [n, h, w], 1 where pictures are made anew; feather: pixels."""

    mode: str = FIRST
    at: str = "0"
    width: int = 0
    height: int = 0
    region: torch.Tensor | None = None
    padding: Padding = NO_PADDING
    feather: int = 0


def clip_condition(images: torch.Tensor, wanted: Wanted, part: ClipPart) -> ClipCondition:
    """images: [n, h, w, c] in 0..1."""
    images, padding = images[..., :3].float(), wanted.padding.in_cells()
    wanted = replace(wanted, padding=padding)
    mode = require(wanted.mode, wanted.region is not None, any(padding))
    placed = mode.place(len(images), wanted.at, part)
    width, height = clip_size(images.shape[2], images.shape[1], wanted.width, wanted.height)
    whole_width, whole_height = padding.around(width, height)
    rows, columns = padding.inside(width, height)
    pixels = torch.full((part.frames, whole_height, whole_width, 3), GREY)
    mask = torch.ones(part.frames, whole_height, whole_width)
    if placed:
        frames = [one.frame for one in placed]
        pixels[frames, rows, columns] = _fitted(images, placed, width, height).to(pixels)
        mask[frames, rows, columns] = 0.0
    if mode.may_region:
        own_size = (images.shape[2], images.shape[1])
        mask = _made_anew(mask, wanted, part, own_size, (width, height))
        _keep_and_tell(mask, mode, wanted.mode, part)
    return ClipCondition(pixels, mask)


def _fitted(
    images: torch.Tensor, placed: Sequence[Placed], width: int, height: int
) -> torch.Tensor:
    """The picture of each placed frame; one that stands at many is resized once."""
    used = sorted({one.image for one in placed})
    return fit(images[used], width, height)[[used.index(one.image) for one in placed]]


def _made_anew(
    mask: torch.Tensor, wanted: Wanted, part: ClipPart, own: tuple[int, int], size: tuple[int, int]
) -> torch.Tensor:
    """mask: [F, H, W], 1 around the pictures, which are alike in all frames; wanted: with its
    padding in whole cells. own: the pictures'
    width and height, size: those that they have in the clip."""
    mask, frames = mask[:1], [0] * part.frames
    if wanted.region is not None:
        region = masks_of(wanted.region, *own)
        frames = along(len(region), part, "region")
        used = sorted(set(frames))
        region = fit(region[used, ..., None], *size, larger="bilinear")[..., 0].to(mask)
        frames = [used.index(frame) for frame in frames]
        rows, columns = wanted.padding.inside(*size)
        mask = mask.repeat(len(used), 1, 1)
        mask[:, rows, columns] = region
    return feathered(mask, wanted.feather)[frames]


def _keep_and_tell(mask: torch.Tensor, mode: Mode, name: str, part: ClipPart) -> None:
    """mask: [F, H, W], the clip's first frame given in place where the mode says so."""
    if mode.keeps_first and part.first == 0:
        mask[0] = 0.0
    if not cells_of(mask).any():
        log.warning(
            "AnimateDiff: region has nothing that is made anew (it is empty, or much smaller than "
            "%s pixels): the clip will be the images as they are. Paint what is to be made.", CELL
        )  # fmt: skip
    elif name == INPAINT and bool((mask == 1.0).all()):
        log.warning(
            "AnimateDiff: region covers all of every frame: nothing of the images is kept. If the "
            "mask was meant to say what stays, put Invert Mask before region."
        )


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


def fit(images: torch.Tensor, width: int, height: int, larger: str = "bicubic") -> torch.Tensor:
    """Resized to cover [height, width], what stands over cut off evenly. Pictures of this size stay
    as they are. larger: how they are made larger."""
    own_height, own_width = images.shape[1:3]
    if (own_width, own_height) == (width, height):
        return images
    smaller = width <= own_width and height <= own_height
    method = "area" if smaller else larger  # the mean of what a pixel covers; bicubic skips some
    fitted = comfy.utils.common_upscale(images.movedim(-1, 1), width, height, method, "center")
    return fitted.movedim(1, -1).clamp(0.0, 1.0)
