"""Which tokens of a prompt are its subjects, found in what the host's text encoders make of a
text: by encoder, for every section of the text its tokens with weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..motion.errors import AnimateDiffError, counted
from ..motion.keyed_text import quote

# a token is a number, a name, or the tensor of a textual inversion
Tokens = Mapping[str, Sequence[Sequence[Sequence[Any]]]]
Tokenize = Callable[[str], Tokens]
PARTED = "the CLIP that encodes the positive prompt, an SD1.5 or SDXL one"


@dataclass(frozen=True)
class SubjectTokens:
    """length: tokens of the whole prompt; subjects: for each path the places of its subject's;
    tail: of the first so many behind the text, in its last section."""

    length: int
    subjects: tuple[tuple[int, ...], ...]
    tail: tuple[int, ...]


def subject_tokens(
    tokenize: Tokenize, prompt: str, subject: str, paths: int, tail: int
) -> SubjectTokens:
    """subject: words of the prompt, one line per path or one for all paths."""
    lines = _lines(subject, paths)
    empty, sections = tokenize(""), tokenize(prompt)
    text = {name: _Text(sections[name], empty[name]) for name in _encoders(sections)}
    length = max(each.length for each in text.values())
    found = {line: _places(tokenize(line), empty, text, line, prompt) for line in lines}
    behind = set.union(*(set(each.behind(tail)) for each in text.values()))
    subjects = tuple(found[line] for line in lines)
    taken = {place for places in subjects for place in places}
    return SubjectTokens(length, subjects, tuple(sorted(behind - taken)))


def _lines(subject: str, paths: int) -> list[str]:
    """One per path."""
    lines = [line.strip() for line in subject.strip().splitlines()]
    if not any(lines):
        raise AnimateDiffError(
            "subject of Follow Trajectory is empty.",
            "words of the prompt, such as: red ball",
            "write into subject what is to follow the path, in the words of the prompt.",
        )
    if "" in lines:
        raise AnimateDiffError(
            f"line {lines.index('') + 1} of subject of Follow Trajectory is empty.",
            "words of the prompt in every line",
            "write the subject of a path into each line, or one line for all paths.",
        )
    if len(lines) not in (1, paths):
        raise AnimateDiffError(
            f"subject of Follow Trajectory has {counted(len(lines), 'line')}, and the trajectory "
            f"{counted(paths, 'path')}.",
            f"one line for all paths, or {paths}",
            "write a line per path, in their order.",
        )
    return lines * paths if len(lines) == 1 else lines


def _encoders(sections: Any) -> list[str]:
    names = list(sections) if isinstance(sections, Mapping) else []
    if not names or not all(isinstance(section, Sequence) for section in sections[names[0]]):
        raise AnimateDiffError(
            f"the CLIP of Follow Trajectory gives {type(sections).__name__} for a text.",
            "tokens by section",
            f"connect {PARTED}.",
        )
    return names


class _Text:
    """One encoder's tokens of a prompt. words: those of the text itself, with their places."""

    def __init__(self, sections: Sequence, empty: Sequence):
        special = _Special(empty)
        self.length = sum(map(len, sections))
        self.words: list[tuple[int, Any]] = []
        begin = 0
        for section in sections:
            self.words += [
                (begin + number, entry[0])
                for number, entry in enumerate(section)
                if entry[0] not in special
            ]
            begin += len(section)

    def behind(self, count: int) -> range:
        first = self.words[-1][0] + 1 if self.words else self.length
        return range(first, min(first + count, self.length))

    def runs(self, wanted: Sequence[Any]) -> set[int]:
        """The places of all tokens of every occurrence."""
        found: set[int] = set()
        for first in range(len(self.words) - len(wanted) + 1):
            run = self.words[first : first + len(wanted)]
            if all(_same(token, other) for (_, token), other in zip(run, wanted, strict=True)):
                found.update(place for place, _ in run)
        return found


class _Special:
    """The tokens that an empty text has: begin, end and what fills up."""

    def __init__(self, empty: Sequence):
        self.tokens = [entry[0] for section in empty for entry in section]

    def __contains__(self, token: Any) -> bool:
        return any(_same(token, other) for other in self.tokens)


def _same(token: Any, other: Any) -> bool:
    if isinstance(token, torch.Tensor) or isinstance(other, torch.Tensor):
        both = isinstance(token, torch.Tensor) and isinstance(other, torch.Tensor)
        return both and token.shape == other.shape and bool(torch.equal(token, other))
    return token == other


def _places(
    tokens: Tokens, empty: Tokens, text: Mapping[str, _Text], line: str, prompt: str
) -> tuple[int, ...]:
    """Of one subject, in all encoders."""
    found: set[int] = set()
    for name, each in text.items():
        special = _Special(empty[name])
        wanted = [e[0] for section in tokens[name] for e in section if e[0] not in special]
        found |= each.runs(wanted) if wanted else set()
    if not found:
        raise AnimateDiffError(
            f"the subject {quote(line)} is not in the prompt of Follow Trajectory, "
            f"{quote(prompt)}.",
            "words that stand in the prompt in this order, whole ones",
            "write the positive prompt's text into prompt, and into subject the words of it that "
            "name what is to follow the path.",
        )
    return tuple(sorted(found))
