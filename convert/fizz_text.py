"""Schedules of prompts as FizzNodes reads them.

The text is the inside of a JSON object, its lines made one. Frames change in a straight line from
one prompt to the next; the first holds before its frame, the last behind it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from ..motion.expressions import NoFormula, read_formula
from ..motion.keyed_text import Entry, NoEntry, by_json, quote
from .prompt_text import Key, Unreadable
from .value_text import shown

NEGATIVE = "--neg"  # what stands behind it belongs to the second output
PLACES = {name: f"@{name}@" for name in ("pre_text", "app_text")}  # of what other nodes make
FARTHEST = 10**9  # no clip has such a frame
_NUMBER = re.compile(r"[+-]?\d+")
_FORMULA = re.compile(r"`(.*?)`")
_QUOTED_PROMPT = r'(:\s*")((?:(?!--neg)[^"\\]|\\.)*)((?:\s*--neg(?:[^"\\]|\\.)*)?")'
_PLAIN = re.compile(r"-?\d+(\.\d+)?")


def fizz_schedule(text: str, frames: int | None = None) -> list[Key]:
    """Its keys in the order of their frames, prompts as they are written. frames: max_frames,
    which formulas in the place of a frame can ask for."""
    lines = text.replace("\n", "").replace("\r", "")
    try:
        entries = list(by_json("{" + lines + "}", strict=False))
    except NoEntry as problem:
        raise Unreadable(f"its prompts are not JSON: {problem.why}") from None
    last = {entry.at: entry for entry in entries}  # as JSON has it where a frame stands twice
    keys = sorted((_key(entry, frames) for entry in last.values()), key=lambda key: key.frame)
    for before, after in pairwise(keys):
        if before.frame == after.frame and before.text != after.text:
            raise Unreadable(f"it has two prompts for frame {after.frame}")
    return keys


def _key(entry: Entry, frames: int | None) -> Key:
    at = entry.at.strip()
    frame = int(at) if _NUMBER.fullmatch(at) and len(at) < 20 else _computed(at, frames)
    if not -FARTHEST < frame < FARTHEST:
        raise Unreadable(f"{quote(entry.at)} is a frame that no clip has")
    if not isinstance(entry.value, str):
        raise Unreadable(f"the prompt of frame {frame} is no text")
    return Key(frame, entry.value)


def _computed(at: str, frames: int | None) -> int:
    """A formula in the place of a frame: there, max_f is max_frames itself."""
    if frames is None and "max_f" in at:
        raise Unreadable(f"{quote(at)} is computed from a length that is not in the file")
    try:
        return int(read_formula(at).at(0, frames or 0))
    except (NoFormula, OverflowError) as problem:
        raise Unreadable(f"{quote(at)} is not a frame: {problem}") from None


def sides(prompt: str, before: str, behind: str) -> tuple[str, str]:
    """A prompt with pre_text and app_text around it, positive and negative. app_text was a number
    once, and its 0 is still cut from the end."""
    found = []
    parts = [_split(before, strict=True), _split(prompt), _split(behind, strict=True)]
    for first, middle, last in zip(*parts, strict=True):
        whole = f"{first} {middle} {last}"
        found.append(" ".join((whole[:-1] if whole.endswith("0") else whole).split()))
    return found[0], found[1]


def _split(text: str, strict: bool = False) -> tuple[str, str]:
    parts = text.split(NEGATIVE)
    if strict and len(parts) > 2:
        raise Unreadable(f"{quote(text)} has {NEGATIVE} more than once")
    return parts[0], parts[1] if len(parts) > 1 else ""


def put_around(prefix: str = "", suffix: str = "") -> dict[str, Any]:
    """What has the host's Regex Replace put texts around every prompt of a schedule, as FizzNodes
    does it: the negative part keeps its place behind them."""
    before, behind = (json.dumps(text, ensure_ascii=False)[1:-1] for text in (prefix, suffix))
    first, last = (text.replace("\\", "\\\\") for text in (before, behind))
    return {
        "regex_pattern": _QUOTED_PROMPT,
        "replace": rf"\g<1>{first} \g<2> {last}\g<3>",
        "case_insensitive": False,
    }


def with_weights(text: str, weights: Mapping[str, str], last: int | None) -> str:
    """A prompt whose formulas have numbers, or formulas, in place of pw_a to pw_d, and of max_f,
    the last frame, where that is known. What is a number then is written as one."""

    def replaced(found: re.Match) -> str:
        formula = found[1]
        for name, weight in weights.items():
            formula = formula.replace(name, weight)
        if last is not None:
            formula = formula.replace("max_f", str(last))
        formula = formula.strip()
        if _PLAIN.fullmatch(formula):
            return formula
        try:
            read_formula(formula)
        except NoFormula as problem:
            raise Unreadable(f"{quote(found[0])} cannot be computed: {problem}") from None
        return f"`{formula}`"

    return _FORMULA.sub(replaced, text)


def has_formula(text: str) -> bool:
    return _FORMULA.search(text) is not None


def at_frame(text: str, frame: int, frames: int | None) -> str:
    """A prompt as it is at one frame, with its formulas computed. frames: max_f, where known."""

    def computed(found: re.Match) -> str:
        if frames is None and "max_f" in found[1]:
            raise Unreadable(f"{quote(found[0])} is computed from a length that is not in the file")
        try:
            number = read_formula(found[1]).at(frame, (frames or 1) - 1)
        except NoFormula as problem:
            raise Unreadable(f"{quote(found[0])} cannot be computed: {problem}") from None
        return str(number)

    return _FORMULA.sub(computed, text)


def as_formula(numbers: Sequence[float]) -> str:
    """Numbers by frame, one per frame from the first on, as a formula of t: a sum of ramps."""
    if len(set(numbers)) == 1:
        return shown(numbers[0])
    at = [0]
    at += [i for i in range(1, len(numbers) - 1) if not _straight(numbers[i - 1 : i + 2])]
    at.append(len(numbers) - 1)
    parts = [shown(numbers[0])]
    for start, end in pairwise(at):
        slope = (numbers[end] - numbers[start]) / (end - start)
        if slope:
            parts.append(f"{shown(slope)}*clip(t-{start},0,{end - start})")
    return f"({'+'.join(parts).replace('+-', '-')})"


def _straight(three: Sequence[float]) -> bool:
    before, here, after = three
    return abs(before + after - 2 * here) <= 1e-9 * max(1.0, abs(here))
