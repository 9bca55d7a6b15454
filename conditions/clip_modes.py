"""Of each mode of Clip Condition: which picture stands at which frame, and what else it takes."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..motion.clip_part import ClipPart
from ..motion.errors import AnimateDiffError, counted
from .frame_places import Placed, in_part, placed_images

FIRST, ENDS, CHOSEN = "first frame", "first and last", "chosen frames"
CINEMAGRAPH, INPAINT, OUTPAINT = "cinemagraph", "inpaint", "outpaint"


class Mode(NamedTuple):
    """place: pictures at frames of the part, of their number, `at` and the part. may_region,
    needs_region: a mask of what is made anew. pads: something is added around the pictures.
    keeps_first: the clip's first frame is given whole, whatever the region."""

    place: Callable[[int, str, ClipPart], Sequence[Placed]]
    may_region: bool = False
    needs_region: bool = False
    pads: bool = False
    keeps_first: bool = False


def require(name: str, has_region: bool, pads: bool) -> Mode:
    """The mode, if it has what it needs and no more."""
    mode = MODES[name]
    if mode.needs_region and not has_region:
        raise AnimateDiffError(
            f"mode is '{name}', and region is not connected.",
            "a mask of what is to be made anew: 1 there, 0 where the images stay",
            "connect a mask to region, such as one that you paint on the image of Load Image "
            "(Open in MaskEditor).",
        )
    if has_region and not mode.may_region:
        raise AnimateDiffError(
            f"region is connected, and mode '{name}' makes whole frames.",
            f"no region, or one of the modes {CINEMAGRAPH}, {INPAINT} and {OUTPAINT}",
            "set mode to what you want of the region, or disconnect it.",
        )
    if mode.pads and not pads:
        raise AnimateDiffError(
            f"mode is '{name}', and left, top, right and bottom are all 0.",
            "at least one of them above 0: so many pixels are made at that side",
            f"set one of them, or take mode '{INPAINT}' for a region of the images.",
        )
    if pads and not mode.pads:
        raise AnimateDiffError(
            f"left, top, right or bottom is above 0, and mode '{name}' adds nothing around images.",
            f"0 in all four, or mode '{OUTPAINT}'",
            f"set mode to '{OUTPAINT}', or the four to 0.",
        )
    return mode


def _first(images: int, _at: str, part: ClipPart) -> list[Placed]:
    _one_image(FIRST, images, "the picture that the clip begins with", CHOSEN,
               "say in at where each belongs")  # fmt: skip
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


def _cinemagraph(images: int, _at: str, part: ClipPart) -> list[Placed]:
    _one_image(CINEMAGRAPH, images, "the picture of which a part begins to move", INPAINT,
               "connect as many images as the clip has frames")  # fmt: skip
    return [Placed(0, frame) for frame in range(part.frames)]


def _one_image(name: str, images: int, expected: str, other: str, and_there: str) -> None:
    if images != 1:
        raise AnimateDiffError(
            f"images has {counted(images, 'image')}, and mode '{name}' takes 1.",
            expected,
            f"connect one image, or set mode to '{other}' and {and_there}.",
        )


def _video(images: int, _at: str, part: ClipPart) -> list[Placed]:
    return [Placed(image, frame) for frame, image in enumerate(along(images, part, "images"))]


def along(count: int, part: ClipPart, name: str) -> Sequence[int]:
    """Which of `count` pictures or masks each frame of the part has: there is one for all, one for
    each frame of the part, or one for each of the whole."""
    if count == 1:
        return [0] * part.frames
    if count == part.frames:
        return range(count)
    if count == part.whole:
        return part.of_the_whole
    what, for_all = ("image", "") if name == "images" else ("mask", "of the region, ")
    if part.is_all:
        clip = f"the clip has {counted(part.frames, 'frame')}"
    else:
        clip = f"this part has {counted(part.frames, 'frame')} of a clip of {part.whole}"
    raise AnimateDiffError(
        f"{name} has {counted(count, what)}, and {clip}.",
        f"one {what} {for_all}for each frame, or 1 {what} for all of them",
        f"set frames to {count} (or connect a latent of that batch_size), or connect "
        f"{counted(part.frames, what)} to {name}.",
    )


MODES: dict[str, Mode] = {
    FIRST: Mode(_first),
    ENDS: Mode(_ends),
    CHOSEN: Mode(_chosen),
    CINEMAGRAPH: Mode(_cinemagraph, may_region=True, needs_region=True, keeps_first=True),
    INPAINT: Mode(_video, may_region=True, needs_region=True),
    OUTPAINT: Mode(_video, may_region=True, pads=True),
}
