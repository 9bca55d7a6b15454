"""Prompts at frames of a clip, from text: what is written, and what stands between."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from ..motion.errors import AnimateDiffError
from ..motion.keyed_text import (
    Entry,
    NoEntry,
    by_json,
    by_lines,
    frame_number,
    is_json,
    quote,
    unquoted,
)

EXPECTED = 'one prompt per line, as in 0: "a castle in spring", or JSON'
NO_FRAME = "it does not begin with a frame number and a colon"


class Interpolation(str, Enum):
    """What happens between two keys."""

    LINEAR = "linear"
    HOLD = "hold"


@dataclass(frozen=True)
class PromptKey:
    """A prompt that is reached at a frame; line: where it is written, from 1."""

    frame: int
    prompt: str
    line: int


class Blend(NamedTuple):
    """A frame's prompt: (1 - share) of the key `before`, share of the key `after`, by number."""

    before: int
    after: int
    share: float


def read_schedule(text: str, frames: int) -> list[PromptKey]:
    """The keys in the order of their frames; an error names the line that cannot be one."""
    keys = _read_keys(text)
    if not keys:
        raise AnimateDiffError("the prompt schedule is empty.", EXPECTED, "write a first prompt.")
    seen: dict[int, PromptKey] = {}
    for key in keys:
        if not 0 <= key.frame < frames:
            raise AnimateDiffError(
                f"line {key.line} of the prompt schedule is for frame {key.frame}, "
                f"and the clip has {frames} frames.",
                f"frames 0 to {frames - 1}",
                "correct the line, or make `frames` as large as batch_size of the latent.",
            )
        if key.frame in seen:
            raise AnimateDiffError(
                f"lines {seen[key.frame].line} and {key.line} of the prompt schedule are both "
                f"for frame {key.frame}.",
                "one prompt per frame",
                "remove one of them, or correct its frame.",
            )
        seen[key.frame] = key
    return [seen[frame] for frame in sorted(seen)]


def _read_keys(text: str) -> list[PromptKey]:
    as_json = is_json(text)
    split, key_of = (by_json, _json_key) if as_json else (by_lines, _line_key)
    try:
        return [key_of(entry) for entry in split(text)]
    except NoEntry as problem:
        why = f"as JSON: {problem.why}" if as_json else NO_FRAME
        raise _unreadable(problem.line, problem.raw, why) from problem


def _line_key(entry: Entry) -> PromptKey:
    frame = frame_number(entry.at)
    if frame is None:
        raise _unreadable(entry.line, entry.raw, NO_FRAME)
    prompt = unquoted(entry.value)
    if prompt is None:
        why = f"its quotation mark {entry.value[0]} is not closed"
        raise _unreadable(entry.line, entry.raw, why)
    return PromptKey(frame, prompt, entry.line)


def _json_key(entry: Entry) -> PromptKey:
    frame = frame_number(entry.at)
    if frame is None:
        raise _unreadable(entry.line, entry.raw, f"{quote(entry.at)} is not a frame number")
    if not isinstance(entry.value, str):
        raise _unreadable(entry.line, entry.raw, f"the prompt of frame {frame} is not text")
    return PromptKey(frame, entry.value, entry.line)


def _unreadable(number: int, raw: str, why: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"line {number} of the prompt schedule, {quote(raw)}, cannot be read: {why}.",
        EXPECTED,
        "correct that line.",
    )


def blends(keys: list[PromptKey], frames: int, interpolation: Interpolation) -> list[Blend]:
    """One per frame. Before the first key its prompt holds, behind the last one that."""
    found = []
    for frame in range(frames):
        before = max((i for i, key in enumerate(keys) if key.frame <= frame), default=0)
        after = min(before + 1, len(keys) - 1)
        gap = keys[after].frame - keys[before].frame
        moved = max(0, frame - keys[before].frame)
        linear = interpolation is Interpolation.LINEAR and gap > 0
        found.append(Blend(before, after if linear else before, moved / gap if linear else 0.0))
    return found


def with_common_parts(keys: list[PromptKey], prefix: str, suffix: str) -> list[PromptKey]:
    """The keys with a text before and behind every prompt, joined by commas."""
    return [replace(key, prompt=_joined(prefix, key.prompt, suffix)) for key in keys]


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part.strip())


def schedule_text(keys: list[PromptKey], frames: int, interpolation: Interpolation) -> str:
    """What every frame gets, one line per stretch; the page reads it as Markdown, as a list."""
    between = "changing to the next" if interpolation is Interpolation.LINEAR else "held"
    rows = []
    begin = 0  # the first prompt holds before its own frame too
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        rows.append((begin, key.frame, " ".join(key.prompt.split())))
        begin = frames if following is None else following.frame
        rows.append((key.frame + 1, begin - 1, "held" if following is None else between))
    return "\n".join(
        f"- {first}: {what}" if first == last else f"- {first} to {last}: {what}"
        for first, last, what in rows
        if first <= last
    )
