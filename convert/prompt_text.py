"""Schedules of prompts as the incumbent and FizzNodes write them, and as our node reads them."""

import json
import re
from typing import NamedTuple

ENTRY = re.compile(r'\s*"?(?P<at>[\d:.\-]+)\s*"?\s*[:=]\s*"(?P<text>[^"]*)"\s*(?:,|$)')


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
    keys: list[Key] = []
    position = 0
    while position < len(text):
        entry = ENTRY.match(text, position)
        if entry is None:
            raise Unreadable(f"its prompts cannot be read at {text[position : position + 30]!r}")
        keys += _at(entry["at"], entry["text"].strip(), frames)
        position = entry.end()
    return keys


def _at(where: str, text: str, frames: int | None) -> list[Key]:
    first, colon, end = where.partition(":")
    if not colon:
        return [Key(_frame(first, frames), text)]
    if not end:
        return [Key(_frame(first, frames), text, hold=True)]
    start, stop = sorted((_frame(first, frames), _frame(end, frames)))
    return [Key(frame, text) for frame in sorted({start, max(start, stop - 1)})]


def _frame(number: str, frames: int | None) -> int:
    try:
        value = float(number)
    except ValueError:
        raise Unreadable(f"{number!r} is not a frame") from None
    if "." not in number and value >= 0:
        return int(value)
    if not frames:
        raise Unreadable(f"frame {number} counts from the clip's length, which is not known")
    if "." in number:
        return frames - 1 if value == 1.0 else int(value * frames)
    return frames + int(value)


def fizz_schedule(text: str) -> list[Key]:
    """Keys of FizzNodes: the inside of a JSON object, with prompts at frames."""
    text = re.sub(r",\s*$", "", text.strip())
    try:
        entries = json.loads("{" + text + "}", strict=False)
    except json.JSONDecodeError as error:
        raise Unreadable(f"its prompts are not JSON: {error.msg}") from None
    for at, prompt in entries.items():
        if not re.fullmatch(r"\s*\d+\s*", at):
            raise Unreadable(f"{at!r} is computed while it runs")
        if not isinstance(prompt, str) or "`" in prompt:
            raise Unreadable(f"the prompt of frame {at.strip()} is computed while it runs")
    return [Key(int(at), prompt) for at, prompt in entries.items()]


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
    if any("\n" in text for text in at.values()):
        named = {str(frame): text for frame, text in at.items()}
        return json.dumps(named, indent=1, ensure_ascii=False)
    return "\n".join(f'{frame}: "{text}"' for frame, text in at.items())
