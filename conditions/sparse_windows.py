"""Which pictures the frames of a window have, also where none of the clip's pictures is in it.

The rule for such windows is Advanced-ControlNet's `nearest_hint`, for whose users it is the usual
one.
"""

from collections.abc import Mapping, Sequence
from enum import Enum


class EmptyWindows(str, Enum):
    """What SparseCtrl does in a window in which no frame has a picture."""

    NEAREST = "nearest picture"  # which stands at the end of the window that is nearer to it
    NOTHING = "no picture"  # it takes no part there


def pictures_of(
    window: Sequence[int], shown: Mapping[int, int], empty: EmptyWindows
) -> list[int | None]:
    """For each frame of a window its picture. shown: the pictures by the frames of the clip."""
    own = [shown.get(frame) for frame in window]
    if not shown or empty is EmptyWindows.NOTHING or any(each is not None for each in own):
        return own
    for place, frame in _nearest(window, list(shown)).items():
        own[place] = shown[frame]
    return own


def _nearest(window: Sequence[int], shown: Sequence[int]) -> dict[int, int]:
    """Places in the window, and which frame's picture is there."""
    first, last = (min(shown, key=lambda k: abs(k - end)) for end in (window[0], window[-1]))
    to_first, to_last = abs(first - window[0]), abs(last - window[-1])
    end = len(window) - 1
    if to_first < to_last:
        return {0: first}
    if to_last < to_first:
        return {end: last}
    return {end // 2: first} if len(shown) == 1 else {0: first, end: last}
