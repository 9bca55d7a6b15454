"""Which frames of which clip are at hand in one call of the UNet.

The batch of a run is its clips one after the other; a place is a number in it. The batch of a
call is, for every conditioning, the same places: those of its windows, or all.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from .errors import AnimateDiffError, counted


class Part(NamedTuple):
    """Frames of one clip that see each other in a call: the whole clip, or a window of it."""

    clip: int
    frames: tuple[int, ...]


def windows_in(options: dict[str, Any]) -> list[tuple[int, ...]]:
    """The windows of a call with these options, as places; none where clips are whole."""
    window = options.get("context_window")
    if window is None:
        return []
    places = window.index_list
    length = getattr(window, "clip_length", len(places))  # ours can be several side by side
    return [tuple(places[i : i + length]) for i in range(0, len(places), length)]


def whole_clips(batch: int, frames: int) -> list[tuple[int, ...]]:
    """The places of every clip in a run's batch, each of so many frames."""
    return [tuple(range(start, start + frames)) for start in range(0, batch, frames)]


def require_whole_clips(batch: int, frames: int) -> None:
    """AnimateDiffError for a call of so many latents that is not of clips of so many frames."""
    if frames < 1 or batch % frames:
        raise AnimateDiffError(
            f"the model was given {counted(batch, 'frame')} at once, of clips of {frames}.",
            "whole clips",
            "remove the node that splits or merges the model's batch.",
        )


def part_of(places: Sequence[int], frames: int, clips: int) -> Part:
    """Places of one clip as frames of it."""
    clip = min(places) // frames if clips > 1 else 0
    return Part(clip, tuple(place - clip * frames for place in places))


def frames_in_batch(options: dict[str, Any], entries: int, batch: int, frames: int) -> list[int]:
    """For each of the entries of a call's batch, which frame of its clip it is.

    batch: latents of the run; frames: of each clip in it.
    """
    windows = windows_in(options) or whole_clips(batch, frames)
    places = [place for window in windows for place in window]
    if not places or max(places) >= batch:
        raise AnimateDiffError(
            f"a context window names frame {max(places, default=0)} of a clip of "
            f"{counted(batch, 'frame')}.",
            "windows of the clip that is sampled",
            "replace the node that makes the windows by Context Windows.",
        )
    if entries % len(places):
        raise AnimateDiffError(
            f"the model was given {counted(entries, 'frame')} at once, of windows of "
            f"{len(places)}.",
            "whole clips",
            "remove the node that splits or merges the model's batch.",
        )
    return [place % frames for place in places] * (entries // len(places))
