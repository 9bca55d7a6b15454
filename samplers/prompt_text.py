"""What a prompt of a schedule holds beside words: a negative part, formulas, others' marks."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from ..motion.errors import AnimateDiffError
from ..motion.expressions import Formula, NoFormula, read_formula
from ..motion.keyed_entries import NEGATIVE, without_marks
from ..motion.keyed_text import quote

_FORMULA = re.compile(r"`([^`]*)`")
_TAG = re.compile(r"(?<!\s)\s*<(?:lora|lyco|locon|hypernet):[^<>]*>", re.IGNORECASE)
_BREAK = re.compile(r"(?<!\s)\s*(?<!\w)(?:BREAK|AND)(?!\w)\s*")  # capitals alone
_COMMAS = re.compile(r",(?:[ \t]*,)+")
_AT_ENDS = " \t\n,"
_OPTION = re.compile(r"(?<!\S)--[A-Za-z]\w*")
_FOREIGN = {  # what other programs make of a text before it is encoded
    re.compile(r"\A\s*Steps: \d+, "): "these are settings of another program",
    re.compile(r"\{[^{}|]*\|[^{}]*\}"): "ComfyUI's page chooses in CLIP Text Encode alone",
    re.compile(r"(?<!\w)__[\w/*-]+__(?!\w)"): "wildcards are filled in by other nodes",
    re.compile(r"\[[^\[\]:]*(?::[^\[\]:]*)?:\s*[\d.]+\s*\]"): "prompts do not change by step",
    re.compile(r"\[[^\[\]|]+\|[^\[\]]*\]"): "ComfyUI does not alternate between words",
}


class Part(NamedTuple):
    """Some of a prompt, and where it is written, as a message says it."""

    text: str
    where: str


class Prompt(NamedTuple):
    """A prompt with formulas between its words. pieces: text and formulas in turn."""

    pieces: tuple[str | Formula, ...]
    where: str

    def at(self, frame: int, last: int) -> str:
        """Its text at a frame; last: the clip's last frame."""
        return "".join(
            piece if isinstance(piece, str) else self._number(piece, frame, last)
            for piece in self.pieces
        )

    @property
    def text(self) -> str:
        """As it is written."""
        return "".join(p if isinstance(p, str) else f"`{p.text}`" for p in self.pieces)

    @property
    def varies(self) -> bool:
        return len(self.pieces) > 1

    def _number(self, formula: Formula, frame: int, last: int) -> str:
        try:
            return str(formula.at(frame, last))
        except NoFormula as problem:
            raise _wrong_formula(formula.text, self.where, str(problem)) from None


def read_prompt(text: str, where: str) -> Prompt:
    """AnimateDiffError where a formula in backticks is none."""
    pieces: list[str | Formula] = []
    for number, piece in enumerate(_FORMULA.split(text)):
        try:
            pieces.append(read_formula(piece) if number % 2 else piece)
        except NoFormula as problem:
            raise _wrong_formula(piece, where, str(problem)) from None
    if "`" in "".join(piece for piece in pieces if isinstance(piece, str)):
        raise _wrong_formula(text[text.rindex("`") :], where, "its second backtick is missing")
    return Prompt(tuple(pieces), where)


def _wrong_formula(text: str, where: str, why: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"the formula {quote(text)} of {where} cannot be computed: {why}.",
        "numbers, t (the frame), max_f (the last frame), + - * / % ** and functions such as sin, "
        "between two backticks",
        "correct the formula.",
    )


def sides(parts: Iterable[Part], notes: list[str]) -> tuple[str, str]:
    """The positive and the negative text of joined parts; notes: told what was left out."""
    positive, negative = [], []
    for part in parts:
        text = _plain(part, notes)
        before, *behind = [without_marks(piece).strip() for piece in NEGATIVE.split(text)]
        positive.append(before if behind else text)
        negative += behind
    return joined(*positive), joined(*negative)


def joined(*parts: str) -> str:
    """Texts with one comma between each two; one alone stays as it is."""
    parts = tuple(part for part in parts if part.strip(_AT_ENDS))
    if len(parts) < 2:
        return "".join(parts)
    first, *middle, last = parts
    ends = first.rstrip(_AT_ENDS), *(part.strip(_AT_ENDS) for part in middle)
    return ", ".join((*ends, last.lstrip(_AT_ENDS)))


def _plain(part: Part, notes: list[str]) -> str:
    """A part without what means nothing to the text encoder; AnimateDiffError where it would have
    meant too much to be left out."""
    for form, why in _FOREIGN.items():
        if found := form.search(part.text):
            raise _foreign(part, found[0], why)
    text = part.text
    for tag in _TAG.findall(text):
        notes.append(
            f"{part.where}: {tag.strip()} is no part of a prompt and was left out. Load LoRA loads "
            "such a file, and Load MotionLoRA one that moves the camera."
        )
    if _TAG.search(text):
        text = _COMMAS.sub(",", _TAG.sub("", text)).strip(" ,")
    capitals = text == text.upper()  # then they are words
    breaks = set() if capitals else {mark.strip() for mark in _BREAK.findall(text)}
    for mark in sorted(breaks):
        notes.append(f"{part.where}: {mark} means nothing to ComfyUI, and was read as a comma.")
    if breaks:
        text = _COMMAS.sub(",", _BREAK.sub(", ", text)).strip(" ,")
    rest = NEGATIVE.sub("", text)
    if found := _OPTION.search(rest):
        raise _foreign(part, found[0], "of such options a schedule knows --neg")
    return text


def _foreign(part: Part, text: str, why: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"{part.where}, {quote(part.text)}, has {quote(text)}: {why}.",
        "words, weights as in (word:1.2), embeddings, formulas in backticks, and --neg",
        "write what is meant in words, or as a prompt at another frame.",
    )

