"""A path as places at frames: `0: 0.2,0.5; 15: 0.8,0.5`, several of them between empty lines or |.

Keys are those of prompt schedules and keyframes: -1 is the last frame, 50% the middle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..motion.errors import AnimateDiffError
from ..motion.frame_keys import NoFrame, frames_of
from ..motion.keyed_entries import read_keyed, without_marks
from ..motion.keyed_text import Entry, NoEntry, is_json, quote
from .drawn_path import DrawnPath, read_place, require_near

EXPECTED = (
    "frame: x,y with shares of the picture, such as 0: 0.2,0.5; 15: 0.8,0.5; an empty line or | "
    "begins the next path"
)
_HELD = re.compile(r"\s+hold$", re.IGNORECASE)


class _Key(NamedTuple):
    frame: int
    place: list[float]
    hold: bool


def are_keys(value: dict[str, Any]) -> bool:
    """Whether a JSON object is such a text."""
    return bool(value) and all(re.match(r"\s*[-+\d.]", key) for key in value)


def read_keys(text: str, frames: int) -> list[DrawnPath]:
    """Of a clip of so many frames."""
    paths: list[list[_Key]] = []
    for entries in _by_path(text):
        found: list[_Key] = []
        for entry in entries:
            before = found[-1].frame if found else 0
            found += _keys(entry, frames, before)
        if found:
            paths.append(sorted(found))
    return [_path(keys, frames, number) for number, keys in enumerate(paths, 1)]


def _by_path(text: str) -> Iterator[list[Entry]]:
    if is_json(text):
        yield _entries(text, 1)
        return
    found: list[Entry] = []
    for number, line in enumerate(text.splitlines(), 1):
        blocks = line.split("|")
        for place_in_line, block in enumerate(blocks):
            if (place_in_line or not line.strip()) and found:
                yield found
                found = []
            for part in filter(str.strip, block.split(";")):
                found += _entries(part, number)
    yield found


def _entries(part: str, line: int) -> list[Entry]:
    try:
        keyed = read_keyed(part)
    except NoEntry as problem:
        raise _wrong(line, problem.raw, f": {problem.why}") from None
    for loose in (*keyed.head, *keyed.tail):
        if loose.text.strip():
            raise _wrong(line, loose.text, ": it does not begin with a frame and a colon")
    return [entry._replace(line=line) for entry in keyed.entries]


def _keys(entry: Entry, frames: int, before: int) -> list[_Key]:
    value = entry.value
    if isinstance(value, list):  # of JSON
        value = ",".join(map(str, value))
    text = without_marks(value) if isinstance(value, str) else ""
    held = _HELD.search(text)
    hold = entry.hold or held is not None
    try:
        at = read_place(text[: held.start()] if held else text)
        found = frames_of(entry.at, hold, frames, before)
    except NoFrame as problem:
        raise _wrong(entry.line, entry.raw, f": {problem}") from None
    except ValueError:
        raise _wrong(entry.line, entry.raw, "") from None
    return [_Key(key.frame, at, key.hold) for key in found]


def _path(keys: list[_Key], frames: int, number: int) -> DrawnPath:
    """A held place stands until the frame before the next."""
    places: list[list[float]] = []
    at: list[float] = []
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        if following and following.frame == key.frame:
            raise AnimateDiffError(
                f"path {number} of the points names frame {key.frame} twice.",
                EXPECTED,
                "keep one of the two.",
            )
        places.append(key.place)
        at.append(key.frame)
        if key.hold and following and following.frame - key.frame > 1:
            places.append(key.place)
            at.append(following.frame - 1)
    points = np.array(places)
    require_near(points, number)
    return DrawnPath(points, np.array(at) / max(frames - 1, 1) if len(at) > 1 else None)


def _wrong(line: int, raw: str, why: str) -> AnimateDiffError:
    given = f"line {line} of the points: {quote(raw)} is no place at a frame{why}."
    return AnimateDiffError(given, EXPECTED, "correct the text.")
