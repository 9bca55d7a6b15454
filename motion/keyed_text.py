"""Text that says something at certain places, split into entries of a key and a value: the strict
ways of writing it. keyed_entries.py has the way in which people write.

What a key or a value means, and how an error is put, is up to whoever reads the entries.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NamedTuple, NoReturn

BYTE_ORDER_MARK = "\ufeff"  # some editors begin a file with it, and nobody sees it
LONGEST_QUOTE = 80  # characters of a text that a message repeats
_NUMBER = re.compile(r"-?\d{1,9}")
_QUOTED = re.compile(r'\s*(?:"\s*)?(?P<at>[\d:.\-]+)\s*(?:"\s*)?[:=]\s*"(?P<text>[^"]*)"\s*(?:,|$)')
_SPACE = re.compile(r"[ \t\r\n]*")  # what JSON takes for it


class Entry(NamedTuple):
    """at: the key and value: what stands behind it, both without the marks between them (a value
    of JSON is whatever JSON made of it); line: where the key is, from 1; raw: as written; hold: the
    value stays until the next key."""

    at: str
    value: Any
    line: int
    raw: str
    hold: bool = False


class NoEntry(Exception):
    """A text that is no entry: its line, the text, and why, as a clause."""

    def __init__(self, line: int, raw: str, why: str):
        super().__init__(why)
        self.line, self.raw, self.why = line, raw, why


def is_json(text: str) -> bool:
    """Whether a text wants to be a JSON object."""
    return text.removeprefix(BYTE_ORDER_MARK).lstrip().startswith("{")


def by_commas(text: str) -> Iterator[Entry]:
    """Entries `key: value` between lines and commas, which no value can hold."""
    for number, line in enumerate(text.removeprefix(BYTE_ORDER_MARK).splitlines(), start=1):
        for part in filter(None, map(str.strip, line.split(","))):
            yield _entry(part, number)


def _entry(raw: str, line: int) -> Entry:
    at, colon, value = raw.partition(":")
    if not colon:
        raise NoEntry(line, raw, "it has no colon")
    at = at.rstrip()
    return Entry(unquoted(at) or at, value.strip().removesuffix(",").rstrip(), line, raw)


def unquoted(value: str) -> str | None:
    """A value without the quotation marks around it; None where they are not closed."""
    if value[:1] not in ('"', "'"):
        return value
    return value[1:-1] if len(value) > 1 and value[-1] == value[0] else None


def by_quotes(text: str) -> Iterator[Entry]:
    """Entries `key = "value"` or `"key": "value"` with commas between, over lines or not. A key is
    of digits, dots, colons and minus signs, a value of anything but quotation marks."""
    place, position = Lines(text), 0
    while position < len(text):
        found = _QUOTED.match(text, position)
        if found is None:
            raise NoEntry(place.of(position), text[position:], "it is no key with a text")
        yield Entry(found["at"], found["text"], place.of(found.start("at")), found[0].strip())
        position = found.end()


def by_json(text: str, strict: bool = True) -> Iterator[Entry]:
    """The members of a JSON object, also those with the same key. strict: as JSON has it, so that
    no text goes over lines."""
    return _JsonObject(text.removeprefix(BYTE_ORDER_MARK), strict).entries()


class _JsonObject:
    """Reads one member after the other, so that each is known with its place."""

    def __init__(self, text: str, strict: bool):
        self._text = text
        self._lines = Lines(text)
        # numbers are never the value of an entry; as floats they can be of any length
        self._decoder = json.JSONDecoder(strict=strict, object_pairs_hook=list, parse_int=float)

    def entries(self) -> Iterator[Entry]:
        position = self._behind("{", 0)
        while not self._text.startswith("}", position):
            begin = position
            at, position = self._value(begin)
            if not isinstance(at, str):
                self._refuse(begin, "a key has to be in quotation marks")
            value, position = self._value(self._behind(":", position))
            yield Entry(at, value, self._lines.of(begin), self._text[begin:position])
            position = self._behind(",", position, unless="}")
        end = self._skipped(position + 1)
        if self._text[end:].strip():
            self._refuse(end, "there is more behind its end")

    def _value(self, position: int) -> tuple[Any, int]:
        try:
            return self._decoder.raw_decode(self._text, position)
        except json.JSONDecodeError as error:
            self._refuse(error.pos, error.msg)
        except RecursionError:
            self._refuse(position, "it has too many brackets inside each other")

    def _behind(self, sign: str, position: int, unless: str = "") -> int:
        """The position behind a sign that has to come next, and the space around it; before
        another sign that may stand there instead."""
        position = self._skipped(position)
        if unless and self._text.startswith(unless, position):
            return position
        if not self._text.startswith(sign, position):
            self._refuse(position, f"a '{sign}' is missing")
        return self._skipped(position + 1)

    def _skipped(self, position: int) -> int:
        return _SPACE.match(self._text, position).end()  # type: ignore[union-attr]

    def _refuse(self, position: int, why: str) -> NoReturn:
        line = self._lines.of(position)
        raise NoEntry(line, self._lines.text(line), why)


class Lines:
    """The lines of a text by position."""

    def __init__(self, text: str):
        self._lines = text.splitlines(keepends=True) or [""]
        self._starts = [0, *accumulate(map(len, self._lines[:-1]))]

    def of(self, position: int) -> int:
        """The line of a character, from 1; of one behind the text, the last line."""
        return bisect_right(self._starts, position)

    def text(self, line: int) -> str:
        return self._lines[line - 1].strip()


def frame_number(at: str) -> int | None:
    """The whole number that a key is, negative ones too; None for any other text, and for numbers
    so large that no clip has such a frame."""
    at = at.strip()
    return int(at) if _NUMBER.fullmatch(at) else None


def quote(text: str) -> str:
    """A text as a message repeats it: in quotation marks, and not at any length."""
    return repr(shortened(text.strip()))


def shortened(text: str, longest: int = LONGEST_QUOTE) -> str:
    """A text of any length, cut to what a message has room for."""
    return text if len(text) <= longest else f"{text[:longest]}..."
