"""Which frames of a clip pictures are, and the hints that say so."""

import re

import torch

from ..motion.clip_part import ClipPart
from ..motion.errors import AnimateDiffError, counted
from ..motion.frame_keys import NoFrame, frame_of
from ..motion.keyed_text import quote

SPREADS = ("spread", "starts", "ends", "centre")
_BETWEEN = re.compile(r"[,;、，；\n]")


def sparse_hints(images: torch.Tensor, at: str, part: ClipPart) -> torch.Tensor:
    """Pictures [n, H, W, 3] at their frames of the whole: [F, H, W, 4] for the part's frames,
    with the mask as the last channel: 1 where there is a picture, 0 (and black) elsewhere."""
    chosen = frames_at(at, images.shape[0], part.whole)
    hints = images.new_zeros([part.frames, *images.shape[1:3], 4])
    for number, frame in enumerate(chosen):
        if frame in part.of_the_whole:
            hints[frame - part.first, ..., :3] = images[number % len(images), ..., :3]
            hints[frame - part.first, ..., 3] = 1
    return hints


def frames_at(at: str, count: int, frames: int) -> list[int]:
    """For each of so many pictures its frame in a clip; a single one can have several.

    at: frames such as `0, -1, 50%`, or one of the words that deal the pictures out evenly.
    """
    word = at.strip().lower()
    if word in SPREADS:
        return _dealt(word, count, frames)
    chosen: list[int] = []
    for key in filter(None, (part.strip() for part in _BETWEEN.split(at))):
        try:
            chosen.append(frame_of(key, frames, chosen[-1] if chosen else 0))
        except NoFrame as problem:
            raise _wrong(at, str(problem)) from None
    _require_of_the_clip(at, chosen, frames)
    if len(chosen) != count and count != 1:
        raise AnimateDiffError(
            f"at names {counted(len(chosen), 'frame')}, and there {_are(count)}.",
            "a frame for every image, or one image",
            f"name {counted(count, 'frame')}, or write spread: the images are dealt out evenly.",
        )
    return chosen


def _dealt(word: str, count: int, frames: int) -> list[int]:
    """Evenly: from the first frame to the last (spread), without the last (starts), without the
    first (ends), without both (centre)."""
    if count > frames:
        raise AnimateDiffError(
            f"there {_are(count)}, and the clip has {counted(frames, 'frame')}.",
            f"at most {counted(frames, 'image')}",
            "give fewer images, or make the clip longer.",
        )
    if count == frames:
        return list(range(frames))
    if word == "centre" and frames - count < 3:
        word = "starts"
    before, behind = word in ("ends", "centre"), word in ("starts", "centre")
    places = torch.linspace(0, frames - 1, count + before + behind, dtype=torch.float64)
    return [int(place + 1e-9) for place in places[int(before) : count + before]]


def _require_of_the_clip(at: str, chosen: list[int], frames: int) -> None:
    if not chosen:
        raise _wrong(at, "it names no frame")
    beyond = [frame for frame in chosen if frame >= frames]
    if beyond:
        raise _wrong(at, f"frame {beyond[0]} is none of a clip of {counted(frames, 'frame')}")
    twice = [frame for frame in chosen if chosen.count(frame) > 1]
    if twice:
        raise _wrong(at, f"frame {twice[0]} is named twice")


def _are(count: int) -> str:
    return f"{'is' if count == 1 else 'are'} {counted(count, 'image')}"


def _wrong(at: str, what: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"at is {quote(at)}: {what}.",
        f"frames with commas between them, such as 0, 50%, -1; or one of {', '.join(SPREADS)}",
        "write other frames; the first is 0, the last is -1.",
    )
