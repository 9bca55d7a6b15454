"""Schedules of prompts as the incumbent and FizzNodes write them, and as our node reads them."""

import json
import math
from typing import NamedTuple

from ..motion.keyed_text import Entry, NoEntry, by_json, by_quotes, frame_number, quote


class Unreadable(Exception):
    """Why a schedule cannot be read, as a clause."""


class Key(NamedTuple):
    """A prompt at a frame. hold: it stays until the next one, instead of changing into it."""

    frame: int
    text: str
    hold: bool = False


def their_schedule(text: str, frames: int | None) -> list[Key]:
    """Keys of the incumbent's node: `0 = "prompt"` or `"0": "prompt"`; frames -1 for the last, 0.5
    for the middle, 0: to hold, 0:8 for a range without its end."""
    text = text.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1].strip()
    try:
        entries = list(by_quotes(text))
    except NoEntry as problem:
        raise Unreadable(f"its prompts cannot be read at {quote(problem.raw)}") from None
    return [key for entry in entries for key in _at(entry.at, entry.value.strip(), frames)]


def _at(where: str, text: str, frames: int | None) -> list[Key]:
    first, colon, end = where.partition(":")
    if not colon:
        return [Key(_frame(first, frames), text)]
    if not end:
        return [Key(_frame(first, frames), text, hold=True)]
    start, stop = sorted((_frame(first, frames), _frame(end, frames)))
    return [Key(frame, text) for frame in sorted({start, max(start, stop - 1)})]


def _frame(number: str, frames: int | None) -> int:
    whole = frame_number(number)
    if whole is not None and whole >= 0:
        return whole
    share = _share(number) if whole is None else None
    if whole is None and share is None:
        raise Unreadable(f"{quote(number)} is not a frame")
    if not frames:
        raise Unreadable(f"frame {number} counts from the clip's length, which is not known")
    if share is not None:
        found = frames - 1 if share == 1.0 else int(share * frames)
    else:
        found = frames + whole  # type: ignore[operator]
    if found < 0:
        raise Unreadable(f"frame {number} lies before a clip of {frames} frames")
    return found


def _share(number: str) -> float | None:
    """A share of the clip, as they write one: with a point in it."""
    try:
        share = float(number)
    except ValueError:
        return None
    return share if "." in number and math.isfinite(share) else None


def fizz_schedule(text: str) -> list[Key]:
    """Keys of FizzNodes: the inside of a JSON object, with prompts at frames."""
    try:
        entries = list(by_json("{" + text + "}", strict=False))
    except NoEntry as problem:
        raise Unreadable(f"its prompts are not JSON: {problem.why}") from None
    last = {entry.at: entry for entry in entries}  # as JSON has it where a frame stands twice
    return [_fizz_key(entry) for entry in last.values()]


def _fizz_key(entry: Entry) -> Key:
    frame = frame_number(entry.at)
    if frame is None or frame < 0:
        raise Unreadable(f"{quote(entry.at)} is computed while it runs")
    if not isinstance(entry.value, str) or "`" in entry.value:
        raise Unreadable(f"the prompt of frame {frame} is computed while it runs")
    return Key(frame, entry.value)


def within(keys: list[Key], frames: int | None) -> tuple[list[Key], list[int]]:
    """The keys of a clip, and the frames of those that lie beyond it and change something."""
    ordered = sorted({key.frame: key for key in keys}.values())
    inside = [key for key in ordered if frames is None or key.frame < frames]
    beyond = [key for key in ordered if frames is not None and key.frame >= frames]
    if inside and beyond and (inside[-1].hold or inside[-1].text == beyond[0].text):
        beyond = []
    return inside, [key.frame for key in beyond]


def our_schedule(keys: list[Key]) -> str:
    """The text of Prompt Schedule. A prompt that is held gets a second key before the next one."""
    at: dict[int, str] = {}
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        at[key.frame] = key.text
        if key.hold and following is not None:
            at[following.frame - 1] = key.text
    if any(len(f"{text}.".splitlines()) > 1 for text in at.values()):
        named = {str(frame): text for frame, text in at.items()}
        return json.dumps(named, indent=1, ensure_ascii=False)
    return "\n".join(f'{frame}: "{text}"' for frame, text in at.items())
