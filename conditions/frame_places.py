"""At which frames of a clip given pictures stand: `0, 15`, `-1`, `50%`, `spread`, `ends`."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ..motion.clip_part import ClipPart
from ..motion.errors import AnimateDiffError, counted
from ..motion.frame_keys import NoFrame, frame_of
from ..motion.keyed_text import quote

SPREAD, STARTS, ENDS, CENTRE = "spread", "starts", "ends", "centre"
WORDS = (SPREAD, STARTS, ENDS, CENTRE)
_SAME = {"center": CENTRE}
_BETWEEN = re.compile(r"[,，、;；\n]")
_EXAMPLE = (
    "write, for example, 0, -1 for a picture at the first frame and one at the last, or spread."
)


class Placed(NamedTuple):
    """image: which of the pictures; frame: of the part that is at hand, from 0."""

    image: int
    frame: int


def placed_images(text: str, images: int, part: ClipPart) -> list[Placed]:
    """Those of the pictures that stand in this part, by frame. `text` counts in the whole."""
    return in_part(frame_places(text, images, part.whole), part, images)


def in_part(frames: Sequence[int], part: ClipPart, images: int) -> list[Placed]:
    """frames: of the whole, one for each picture; or any number for a single one."""
    placed = [Placed(i % images, frame - part.first) for i, frame in enumerate(frames)]
    return sorted((one for one in placed if 0 <= one.frame < part.frames), key=_by_frame)


def _by_frame(placed: Placed) -> int:
    return placed.frame


def frame_places(text: str, images: int, frames: int) -> list[int]:
    """The frame of each picture, in the order of the pictures; a single picture can have several.
    frames: of the whole clip."""
    word = text.strip().lower()
    word = _SAME.get(word, word)
    if word in WORDS:
        return _by_word(word, images, frames)
    found: list[int] = []
    for written in filter(None, map(str.strip, _BETWEEN.split(text))):
        frame = _frame(written, frames, found[-1] if found else 0)
        if frame in found:
            raise AnimateDiffError(
                f"at names frame {frame} twice.",
                "another frame for each image",
                f"change {quote(written)} to a frame that is still free.",
            )
        found.append(frame)
    if not found or (len(found) != images and images != 1):
        raise AnimateDiffError(
            f"at names {counted(len(found), 'frame')}, and images has {counted(images, 'image')}.",
            "one frame for each image, or one image for all of them",
            f"name {counted(images, 'frame')} in at, or write spread, or connect "
            f"{counted(len(found), 'image')}."
            if found
            else _EXAMPLE,
        )
    return found


def _frame(written: str, frames: int, before: int) -> int:
    try:
        frame = frame_of(written, frames, before)
    except NoFrame as problem:
        raise AnimateDiffError(
            f"at has an entry that is no frame of the clip: {problem}.",
            "frames with commas between, such as 0, 15, or -1 for the last, or 50%; or one of "
            f"the words {', '.join(WORDS)}",
            _EXAMPLE,
        ) from None
    if frame >= frames:
        raise AnimateDiffError(
            f"at names frame {frame}, and the clip has {counted(frames, 'frame')}.",
            f"frames from 0 to {frames - 1}; the last is also -1",
            f"lower {quote(written)}, or make the clip longer.",
        )
    return frame


def _by_word(word: str, images: int, frames: int) -> list[int]:
    """Evenly over the clip: both ends of it, all but its last, all but its first frame, or neither.
    As in Advanced-ControlNet, the middle of a clip that is almost full counts from its start."""
    if images > frames:
        raise AnimateDiffError(
            f"images has {counted(images, 'image')}, and the clip has {counted(frames, 'frame')}.",
            "at most one image for each frame",
            "connect fewer images, or make the clip longer.",
        )
    if images == frames:
        return list(range(frames))
    last = frames - 1
    if word == SPREAD:
        return [i * last // max(1, images - 1) for i in range(images)]
    if word == CENTRE and (images == 1 or frames - images >= 3):
        return [i * last // (images + 1) for i in range(1, images + 1)]
    return [(i + (word == ENDS)) * last // images for i in range(images)]
