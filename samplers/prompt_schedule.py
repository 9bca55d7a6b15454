"""Prompts at frames of a clip, from text: what is written, and what stands between."""

from bisect import bisect_right
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from ..motion.clip_part import ClipPart
from ..motion.errors import AnimateDiffError
from ..motion.frame_keys import NoFrame, frames_of
from ..motion.keyed_entries import NO_KEY, Keyed, Line, read_keyed
from ..motion.keyed_text import Entry, NoEntry, quote
from .prompt_text import Part, Prompt, joined, read_prompt, sides

EXPECTED = 'one prompt per line, as in 0: "a castle in spring", or JSON'


class Interpolation(str, Enum):
    """What happens between two keys. The last two go on from what the frame before them got, as
    AnimateDiff-Evolved does: the first prompt fades much sooner."""

    LINEAR = "linear"
    HOLD = "hold"
    COMPOUND = "compound"
    COMPOUND_SLERP = "compound slerp"

    @property
    def compounds(self) -> bool:
        return self in (Interpolation.COMPOUND, Interpolation.COMPOUND_SLERP)


@dataclass(frozen=True)
class PromptKey:
    """A prompt that is reached at a frame; line: where it is written, from 1; hold: it stays until
    the next one."""

    frame: int
    prompt: str
    line: int
    hold: bool = False


class Blend(NamedTuple):
    """A frame's prompt: (1 - share) of the key `before`, share of the key `after`, by number."""

    before: int
    after: int
    share: float


class Written(NamedTuple):
    """The keys in the order of their frames, and the lines that stand around every prompt."""

    keys: list[PromptKey]
    head: list[Part]
    tail: list[Part]


def read_schedule(text: str, frames: int) -> list[PromptKey]:
    """The keys alone, in the order of their frames."""
    return read_written(text, frames).keys


def read_written(text: str, frames: int) -> Written:
    """frames: of the whole clip; keys can lie behind it. An error names the line that is none."""
    try:
        found = read_keyed(text)
        keys = _read_keys(found, frames)
    except NoEntry as problem:
        raise _unreadable(problem.line, problem.raw, problem.why) from problem
    if not keys:
        raise AnimateDiffError("the prompt schedule is empty.", EXPECTED, "write a first prompt.")
    seen: dict[int, PromptKey] = {}
    for key in keys:
        if key.frame in seen:
            raise AnimateDiffError(
                f"lines {seen[key.frame].line} and {key.line} of the prompt schedule are both "
                f"for frame {key.frame}.",
                "one prompt per frame",
                "remove one of them, or correct its frame.",
            )
        seen[key.frame] = key
    head, tail = ([_around(line) for line in lines] for lines in (found.head, found.tail))
    return Written([seen[frame] for frame in sorted(seen)], head, tail)


def _around(line: Line) -> Part:
    return Part(line.text, f"line {line.number} of the prompt schedule")


def _read_keys(found: Keyed, frames: int) -> list[PromptKey]:
    keys: list[PromptKey] = []
    for entry in found.entries:
        try:
            before = keys[-1].frame if keys else 0
            places = frames_of(entry.at, entry.hold, frames, before)
        except NoFrame as problem:
            raise NoEntry(entry.line, entry.raw, str(problem)) from None
        keys += [PromptKey(at, _text(entry, at), entry.line, hold) for at, hold in places]
    if found.head and not keys:
        raise NoEntry(found.head[0].number, found.head[0].text, NO_KEY)
    return keys


def _text(entry: Entry, frame: int) -> str:
    if not isinstance(entry.value, str) or entry.value.startswith(('{"', "{'")):
        raise NoEntry(entry.line, entry.raw, f"the prompt of frame {frame} is not text")
    return entry.value


def _unreadable(number: int, raw: str, why: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"line {number} of the prompt schedule, {quote(raw)}, cannot be read: {why}.",
        EXPECTED,
        "correct that line.",
    )


class Schedule(NamedTuple):
    """What the frames of a clip get. positive, negative: by key; notes: for whoever wrote it."""

    keys: list[PromptKey]
    positive: list[Prompt]
    negative: list[Prompt]
    notes: list[str]

    @property
    def shown(self) -> list[PromptKey]:
        """The keys with all of their prompt."""
        sides = zip(self.keys, self.positive, self.negative, strict=True)
        return [
            replace(key, prompt=f"{good.text} --neg {bad.text}" if bad.text else good.text)
            for key, good, bad in sides
        ]


def schedule_of(text: str, part: ClipPart, prefix: str = "", suffix: str = "") -> Schedule:
    """Every prompt between what stands before and behind all of them."""
    keys, head, tail = read_written(text, part.whole)
    notes: list[str] = []
    before = [Part(prefix, "prefix"), *head]
    behind = [*tail, Part(suffix, "suffix")]
    around = [sides([each], notes) for each in (*before, *behind)]
    positive, negative = [], []
    for key in keys:
        where = f"line {key.line} of the prompt schedule"
        own = sides([Part(key.prompt, where)], notes)
        every = [*around[: len(before)], own, *around[len(before) :]]
        both = [joined(*texts) for texts in zip(*every, strict=True)]
        positive.append(read_prompt(both[0], where))
        negative.append(read_prompt(both[1], where))
    behind_it = [key.frame for key in keys if key.frame >= part.whole]
    if behind_it:
        notes.append(
            f"frame {behind_it[0]} lies behind the clip, which ends with frame {part.whole - 1}: "
            "its prompt is on the way, and not reached."
        )
    return Schedule(keys, positive, negative, list(dict.fromkeys(notes)))


def blends(
    keys: list[PromptKey], frames: int, interpolation: Interpolation, first: int = 0
) -> list[Blend]:
    """One per frame, from the first on. Before the first key its prompt holds, behind the last one
    that."""
    places = [key.frame for key in keys]
    found = []
    for frame in range(first, first + frames):
        before = max(0, bisect_right(places, frame) - 1)
        after = min(before + 1, len(keys) - 1)
        gap = places[after] - places[before]
        held = interpolation is Interpolation.HOLD or keys[before].hold or gap == 0
        moved = max(0, frame - places[before])
        found.append(Blend(before, before if held else after, 0.0 if held else moved / gap))
    return found


def schedule_text(
    keys: list[PromptKey],
    frames: int,
    interpolation: Interpolation,
    first: int = 0,
    notes: list[str] | None = None,
) -> str:
    """What every frame gets, one line per stretch; the page reads it as Markdown, as a list."""
    rows: list[tuple[int, int, str]] = []
    begin, end = 0, first + frames  # the first prompt holds before its own frame too
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        rows.append((begin, key.frame, " ".join(key.prompt.split())))
        begin = max(end, key.frame + 1) if following is None else following.frame
        held = following is None or key.hold or interpolation is Interpolation.HOLD
        rows.append((key.frame + 1, begin - 1, "held" if held else "changing to the next"))
    inside = [(max(first, a), min(b, end - 1), what) for a, b, what in rows]
    lines = [
        f"- {start}: {what}" if start == last else f"- {start} to {last}: {what}"
        for start, last, what in inside
        if start <= last
    ]
    return "\n".join([*lines, *(f"- Note: {note}" for note in notes or ())])
