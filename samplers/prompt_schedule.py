"""Prompts at frames of a clip, from text: what is written, and what stands between."""

import json
import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from ..motion.errors import AnimateDiffError

LINE = re.compile(r"""^\s*(["']?)(-?\d+)\1\s*:\s*(.*?)\s*,?\s*$""")
EXPECTED = 'one prompt per line, as in 0: "a castle in spring", or JSON'


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
    keys = _read_json(text) if text.lstrip().startswith("{") else _read_lines(text)
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


def _read_lines(text: str) -> list[PromptKey]:
    return [
        _read_line(line, number)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]


def _read_line(line: str, number: int) -> PromptKey:
    match = LINE.match(line)
    if match is None:
        raise _unreadable(number, line, "it does not begin with a frame number and a colon")
    prompt = match[3]
    if prompt[:1] in ('"', "'"):
        if len(prompt) < 2 or prompt[-1] != prompt[0]:
            raise _unreadable(number, line, f"its quotation mark {prompt[0]} is not closed")
        prompt = prompt[1:-1]
    return PromptKey(int(match[2]), prompt, number)


def _read_json(text: str) -> list[PromptKey]:
    try:
        pairs = json.loads(text, object_pairs_hook=lambda found: found)
    except json.JSONDecodeError as error:
        line = text.splitlines()[min(error.lineno, len(text.splitlines())) - 1]
        raise _unreadable(error.lineno, line, f"as JSON: {error.msg}") from error
    keys = []
    position = 0
    for name, prompt in pairs:
        position = max(position, text.find(f'"{name}"', position) + 1)
        number = text.count("\n", 0, position) + 1
        line = text.splitlines()[number - 1]
        if not re.fullmatch(r"\s*-?\d+\s*", name):
            raise _unreadable(number, line, f"'{name}' is not a frame number")
        if not isinstance(prompt, str):
            raise _unreadable(number, line, f"the prompt of frame {name.strip()} is not text")
        keys.append(PromptKey(int(name), prompt, number))
    return keys


def _unreadable(number: int, line: str, why: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"line {number} of the prompt schedule, {line.strip()!r}, cannot be read: {why}.",
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
