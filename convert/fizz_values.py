"""Schedules of numbers as FizzNodes reads them: `0:(0.5), 16:(1.0)`, or with formulas of the frame.

A number is a key, and in a straight line between two of them; a formula holds for all frames up to
the next key. What is before the last frame alone counts: a key behind it does nothing.
"""

import re
from itertools import pairwise

from ..motion.expressions import NoFormula, read_formula
from ..motion.keyed_text import quote
from .prompt_text import Unreadable

MOST_VALUES = 100_000  # of Frame Strengths
_NUMBER = re.compile(r"(?=.)[+-]?[0-9]*(\.[0-9]+)?")
_MARKS = str.maketrans("", "", "'\"()")


def fizz_values(text: str, frames: int | None) -> list[float]:
    """One number per frame. frames: None where the clip's length is not in the file; then as many
    as its keys need, of which the last goes on, and one where all are the same."""
    entries = [_entry(part, frames) for part in text.split(",") if part.strip()]
    keys = dict(entries)
    if not keys:
        raise Unreadable("it has no values")
    if frames is None and any(_number(value) is None for value in keys.values()):
        raise Unreadable("it has formulas, and the length of its clip is not in the file")
    count = max(keys) + 1 if frames is None else frames
    if not 0 < count <= MOST_VALUES:
        raise Unreadable(f"it has none, or more than {MOST_VALUES} values")
    numbers = _filled(keys, count)
    return numbers[:1] if frames is None and len(set(numbers)) == 1 else numbers


def _entry(part: str, frames: int | None) -> tuple[int, str]:
    at, *values = part.split(":")
    if not values:
        raise Unreadable(f"its values cannot be read at {quote(part)}")
    return _frame(at.translate(_MARKS).strip(), frames), values[0].strip()


def _frame(at: str, frames: int | None) -> int:
    if frames is None and "max_f" in at:
        raise Unreadable(f"{quote(at)} is computed from a length that is not in the file")
    try:
        frame = read_formula(at.lstrip("0") or "0" if at.isdecimal() else at).at(
            0, (frames or 1) - 1
        )
        return int(frame)
    except (NoFormula, OverflowError) as problem:
        raise Unreadable(f"{quote(at)} is not a frame: {problem}") from None


def _number(value: str) -> float | None:
    """A plain number, of which the others are formulas: 1e-1 is one, and 1. too."""
    plain = value.translate(_MARKS)
    return float(plain) if _NUMBER.fullmatch(plain) and any(map(str.isdigit, plain)) else None


def _filled(keys: dict[int, str], count: int) -> list[float]:
    known: dict[int, float] = {}
    formula = None
    for frame in range(count):
        if frame in keys:
            number = _number(keys[frame])
            formula = None if number is not None else _formula(keys[frame])
            if number is not None:
                known[frame] = number
        if formula is not None:
            known[frame] = _computed(formula, frame, count)
    if not known:
        raise Unreadable("it has no value within its clip")
    return _between(known, count)


def _formula(text: str):
    try:
        return read_formula(text)
    except NoFormula as problem:
        raise Unreadable(f"{quote(text)} cannot be computed: {problem}") from None


def _computed(formula, frame: int, count: int) -> float:
    try:
        return float(formula.at(frame, count - 1))
    except NoFormula as problem:
        raise Unreadable(f"{quote(formula.text)} cannot be computed: {problem}") from None


def _between(known: dict[int, float], count: int) -> list[float]:
    """Straight lines between what is known; the first and the last hold."""
    at = sorted(known)
    numbers = [known[at[0]]] * count
    for start, end in pairwise(at):
        for frame in range(start, end):
            part = (frame - start) / (end - start)
            numbers[frame] = known[start] * (1 - part) + known[end] * part
    numbers[at[-1] :] = [known[at[-1]]] * (count - at[-1])
    return numbers
