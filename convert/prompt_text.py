"""Schedules of prompts as the incumbent writes them, and as our node reads them."""

import json
import re
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from ..motion.keyed_text import NoEntry, by_quotes, frame_number, quote

CHUNK = 75  # tokens that the text encoder takes at once
# what was words there, and is refused here or means something: other programs' marks
_MARKS = re.compile(
    r"<(?:lora|lyco|locon|hypernet):|(?<!\w)(?:BREAK|AND)(?!\w)|\{[^{}|]*\|[^{}]*\}|/\*"
    r"|(?<!\w)__[\w/*-]+__(?!\w)|\[[^\[\]:]*(?::[^\[\]:]*)?:\s*[\d.]+\s*\]|\[[^\[\]|]+\|[^\[\]]*\]"
    r"|(?<!\S)(?:--|[–—])[A-Za-z]\w*"
)
_TOKEN = re.compile(r"[^\W\d_]+|\d|[^\w\s]")
_WEIGHT = re.compile(r":\s*[\d.]+\s*\)|[()]")


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
    keys = [key for entry in entries for key in _at(entry.at, entry.value.strip(), frames)]
    for before, after in pairwise(keys):
        if before.frame > after.frame or (
            before.frame == after.frame and before.text != after.text
        ):
            raise Unreadable(
                f"its prompt of frame {after.frame} stands behind one of {before.frame}"
            )
    return keys


def _at(where: str, text: str, frames: int | None) -> list[Key]:
    first, colon, end = where.partition(":")
    if not colon:
        return [Key(_frame(first, frames), text)]
    if not end:
        return [Key(_frame(first, frames), text, hold=True)]
    start, stop = sorted((_frame(first, frames, 0), _frame(end, frames, 0)))
    return [Key(frame, text) for frame in sorted({start, max(start, stop - 1)})]


def _frame(number: str, frames: int | None, least: int | None = None) -> int:
    """least: what a frame before the clip becomes."""
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
    if found < 0 and least is None:
        raise Unreadable(f"frame {number} lies before a clip of {frames} frames")
    return max(found, least or 0)


def _share(number: str) -> float | None:
    """A share of the clip, as they write one: with a point in it."""
    try:
        share = float(number)
    except ValueError:
        return None
    return share if "." in number and 0 <= share <= 1 else None


def seen(keys: list[Key], frames: int | None) -> list[Key]:
    """The keys in the order of their frames, without those that no frame of a clip changes
    towards."""
    ordered = sorted({key.frame: key for key in keys}.values())
    inside = [key for key in ordered if frames is None or key.frame < frames]
    beyond = ordered[len(inside) :]
    if inside and beyond and (inside[-1].hold or inside[-1].text == beyond[0].text):
        return inside
    return inside + beyond[:1]


def one_prompt(keys: list[Key]) -> bool:
    """Whether every frame has the same."""
    return len({key.text for key in keys}) == 1


def foreign_mark(texts: Iterable[str]) -> str:
    """The first mark of another program in prompts, which was words there; none: nothing."""
    found = next(filter(None, map(_MARKS.search, texts)), None)
    return found[0] if found else ""


def instruction(mark: str) -> str:
    """Why such a mark is listed."""
    return (
        f"{quote(mark)} was words in its prompts, and Prompt Schedule takes no such mark for words"
    )


def chunks(texts: Iterable[str]) -> set[int]:
    """How many chunks the text encoder makes of prompts, as well as words tell."""
    counts = (len(_TOKEN.findall(_WEIGHT.sub(" ", text))) for text in texts)
    return {max(1, -(-count // CHUNK)) for count in counts}


def our_schedule(keys: list[Key]) -> str:
    """The text of Prompt Schedule. A prompt that is held gets a second key before the next one."""
    at: dict[int, str] = {}
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        at[key.frame] = key.text
        if key.hold and following is not None:
            at[following.frame - 1] = key.text
    if any(len(f"{text}.".splitlines()) > 1 or set(text) & {'"', "\\"} for text in at.values()):
        named = {str(frame): text for frame, text in at.items()}
        return json.dumps(named, indent=1, ensure_ascii=False)
    return ",\n".join(f'"{frame}": "{text}"' for frame, text in at.items())
