"""Text with something at frames of a clip, as people write it: the one grammar of prompt schedules
and keyframes.

An entry is a key, a sign (`:`, `=` or `: =`) and a value. Keys and values stand in quotation marks
of any kind or in none. Where a text can be read in two ways, these rules decide:

- An entry begins with a line; behind a comma only where a key and its sign follow, and in a text
  without quotation marks only outside of brackets and with no digit right behind the sign: `16:9`
  and `(a, 8: b)` stay in a prompt.
- A quotation mark closes a value only where behind it the line ends or the next entry begins: the
  others belong to the value. Over lines it reaches as far as no line begins with a key.
- Lines without a key are the head before the first entry, and the tail behind the last one.
- What can be read as JSON is JSON, its outer braces there or not.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from .keyed_text import BYTE_ORDER_MARK, Entry, Lines, NoEntry, by_json, is_json

NO_KEY = "it does not begin with a frame number and a colon"
# behind it stands what a prompt must not show; written so by FizzNodes and Deforum, and others
NEGATIVE = re.compile(
    r"(?<!\S)(?:--|[–—])(?:neg(?:ative)?(?:[_-]?prompts?)?|no)(?![\w-])[ \t]*[:=]?"
    r"|\A[ \t]*[Nn]egative prompt[ \t]*:"  # a line of its own, as AUTOMATIC1111 writes it
)
_DOUBLE, _SINGLE = '"“”„‟«»', "'‘’‚"
_ANY = tuple(_DOUBLE + _SINGLE)
_MARK = f"[{_DOUBLE}{_SINGLE}`]"
_SIGN = r"[ \t]*(?:(?P<hold>:)[ \t]*=|=>|->|[:：=])"
_PIECE = r"(?:max_f|floor|ceil|round|int|(?<=[\d.])[eE](?=[-+\d])|[\d.+\-*/%()])"
_RANGE = r"-?[\d.]{1,9}[ \t]?:[ \t]?-?[\d.]{1,9}"
_KEY = re.compile(
    rf"(?:{_MARK}(?P<marked>[^{_DOUBLE}{_SINGLE}`\n]{{1,80}}){_MARK}|(?P<range>{_RANGE})(?=[ \t]*=)"
    rf"|(?P<plain>-?\d+|{_PIECE}(?:[ \t]{{0,3}}{_PIECE}){{0,80}})){_SIGN}"
)
_FRAME = re.compile(rf"(?:{_RANGE}|{_PIECE}(?:[ \t]{{0,3}}{_PIECE}){{0,80}}:?)")
_IN_LINE = re.compile(r"(?!\d)")  # behind a key that has no line of its own
_MAYBE_KEY = re.compile(rf"[^\s:=,()]{{1,40}}[ \t]*[:：=][ \t]*[{_DOUBLE}{_SINGLE}]")
_COMMA = re.compile(r"[,，;；|]")
_BETWEEN = re.compile(r"[\s,，;；|]*")
_COMMENT = re.compile(r"(?<![ \t])[ \t]+(?:#|//)(?=[ \t]|\n|$)")  # behind a value without marks
_BEHIND = re.compile(
    r"[ \t]*(?P<hold>hold\b)?[ \t]*(?:(?P<comment>(?:#|//)[^\n]*)|[,，;；|]?[ \t]*)", re.IGNORECASE
)
_HELD = re.compile(r"(?<![ \t])[ \t]+hold$", re.IGNORECASE)
_SPACE = re.compile(r"[ \t]*")


class Line(NamedTuple):
    """A line that has no key; number: from 1."""

    text: str
    number: int


class Keyed(NamedTuple):
    """What a text says: before all keys, at each of them, and behind them."""

    head: list[Line]
    entries: list[Entry]
    tail: list[Line]


def read_keyed(text: str, numbers: bool = False) -> Keyed:
    """numbers: a value ends with its line or at a comma outside of brackets, and neither head nor
    tail is there. NoEntry where a text cannot be read."""
    text = text.removeprefix(BYTE_ORDER_MARK).replace("\r\n", "\n").replace("\r", "\n")
    text = _without_comments(text)
    if is_json(text):
        return _braced(text, numbers)
    inside = text.rstrip()
    if inside.endswith("}") and "{" not in inside:
        text = inside[:-1]
    if text.lstrip()[:1] == '"':
        try:
            return _from_json("{" + text + "}", strict=False)
        except NoEntry:
            pass  # nor has it to be
    return _Scanner(text, numbers).read()


def _braced(text: str, numbers: bool) -> Keyed:
    """Of a text that begins with a brace: JSON, or the same as without the braces."""
    try:
        return _from_json(text, strict=True)
    except NoEntry as problem:
        inside = text.rstrip().removesuffix("}").replace("{", " ", 1)
        try:
            found = _Scanner(inside, numbers).read()
        except NoEntry:
            found = None
        if found is None or found.head or found.tail or not all(map(_whole, found.entries)):
            problem.why = f"as JSON: {problem.why}"
            raise
        return found


def _whole(entry: Entry) -> bool:
    """Whether a value is one of JSON with other marks, and not what is left of a fault."""
    return '"' not in entry.value and not entry.value.startswith(("[", "{"))


def _from_json(text: str, strict: bool) -> Keyed:
    return Keyed([], [_held(entry) for entry in by_json(text, strict)], [])


def _held(entry: Entry) -> Entry:
    at = entry.at.strip()
    return entry._replace(at=at.removesuffix(":").rstrip(), hold=entry.hold or at.endswith(":"))


def _without_comments(text: str) -> str:
    """Lines and blocks of comments as empty lines, so that lines keep their numbers."""
    parts: list[str] = []
    position, missing = 0, 0
    while (begin := text.find("/*", position)) >= 0 and (end := text.find("*/", begin + 2)) >= 0:
        parts.append(_with_lines(text[position:begin], missing))
        ended = missing == 0 or "\n" in parts[-1]
        missing = text.count("\n", begin, end) + (0 if ended else missing)
        if not text[text.rfind("\n", 0, begin) + 1 : begin].strip():  # a line begins with it
            parts.append("\n" * missing)
            missing = 0
        position = end + 2
    text = "".join([*parts, _with_lines(text[position:], missing)])
    lines = text.split("\n")
    return "\n".join("" if line.lstrip().startswith(("#", "//")) else line for line in lines)


def _with_lines(text: str, missing: int) -> str:
    """With as many empty lines more, behind its first line."""
    return text.replace("\n", "\n" * (missing + 1), 1)


class _Scanner:
    """Reads one entry after the other."""

    def __init__(self, text: str, numbers: bool):
        self._text, self._numbers = "\n".join(text.splitlines()), numbers
        self._lines = Lines(self._text)
        self._found = Keyed([], [], [])

    def read(self) -> Keyed:
        position = self._next(0)
        while position < len(self._text):
            key = self._key(position)
            position = self._next(
                self._keyless(position) if key is None else self._entry(position, key)
            )
        return self._found

    def _next(self, position: int) -> int:
        return _BETWEEN.match(self._text, position).end()  # type: ignore[union-attr]

    def _key(self, position: int, in_line: bool = False) -> re.Match | None:
        """A key and its sign at a position; in_line: one that can be in the middle of a line."""
        found = _KEY.match(self._text, _SPACE.match(self._text, position).end())  # type: ignore
        if found is None or not _computable(found["plain"] or "0"):
            return None
        if not in_line:
            return found
        frame = found["marked"] is None or _FRAME.fullmatch(found["marked"].strip())
        return found if frame and _IN_LINE.match(self._text, found.end()) else None

    def _keyless(self, position: int) -> int:
        end = self._line_end(position)
        raw, line = self._text[position:end].strip(), self._lines.of(position)
        if self._numbers or _MAYBE_KEY.match(raw):
            raise NoEntry(line, raw, NO_KEY)
        lines = self._found.tail if self._found.entries else self._found.head
        lines.append(Line(raw, line))
        return end

    def _entry(self, begin: int, key: re.Match) -> int:
        if self._found.tail:
            text, line = self._found.tail[0]
            why = f"{NO_KEY}, and stands between two that do; a prompt that goes over lines needs "
            raise NoEntry(line, text, f"{why}quotation marks")
        value, end, hold = self._value(begin, key.end())
        at = next(filter(None, (key["marked"], key["range"], key["plain"]))).strip()
        at = at.removeprefix("- ")  # of a list
        raw = self._text[begin:end].strip()
        entry = Entry(at, value, self._lines.of(begin), raw, hold or bool(key["hold"]))
        self._found.entries.append(_held(entry))
        return end

    def _value(self, begin: int, position: int) -> tuple[str, int, bool]:
        """What stands behind a sign, the position behind it, and whether it is held."""
        text = self._text
        position = _SPACE.match(text, position).end()  # type: ignore[union-attr]
        below = _BETWEEN.match(text, position).end()  # type: ignore[union-attr]
        if text[position : position + 1] == "\n" and not self._key(below):
            position = below if text[below : below + 1] in _ANY else position
        mark = text[position : position + 1]
        same = next((kind for kind in (_DOUBLE, _SINGLE) if mark and mark in kind), None)
        if same is None:
            return self._unmarked(position)
        end = self._closing(position + 1, same)
        if end is None:
            line = text[position : self._line_end(position)]
            if sum(line.count(other) for other in same) % 2:
                why = f"its quotation mark {mark} is not closed"
                raise NoEntry(self._lines.of(begin), text[begin : begin + 400], why)
            return self._unmarked(position)
        value = re.sub(rf"\\([{same}])", r"\1", text[position + 1 : end])
        behind = _BEHIND.match(text, end + 1)
        negative = NEGATIVE.match(text, behind.end())  # type: ignore[union-attr]
        if negative is None:
            return value, behind.end(), bool(behind["hold"])  # type: ignore[union-attr, index]
        rest, end, hold = self._value(begin, negative.end())
        return f"{value} --neg {rest}", end, hold

    def _unmarked(self, position: int) -> tuple[str, int, bool]:
        """A value up to its line's end, or to the comma before the next entry."""
        end = self._line_end(position)
        depth, at = 0, position
        for comma in _COMMA.finditer(self._text, position, end):
            part = self._text[at : comma.start()]
            depth = max(0, depth + sum(map(part.count, "([{")) - sum(map(part.count, ")]}")))
            at = comma.end()
            if depth == 0 and (self._numbers or self._key(at, in_line=True)):
                end = comma.start()
                break
        value = self._text[position:end]
        comment = _COMMENT.search(value)
        value = value[: comment.start()] if comment else value
        value = value.strip().removesuffix(",").rstrip()
        held = _HELD.search(value) if self._numbers else None
        return value[: held.start()] if held else value, end, held is not None

    def _closing(self, position: int, same: str) -> int | None:
        """Where the mark is that closes a value."""
        limit = self._before_next_key(position)
        for mark in re.compile(f"[{same}]").finditer(self._text, position, limit):
            if self._text[mark.start() - 1] != "\\" and self._closes(mark.end()):
                return None if self._opens(position, mark.start(), same) else mark.start()
        return None

    def _opens(self, position: int, end: int, same: str) -> bool:
        """Whether another value with such marks opens before: then one is missing."""
        for comma in _COMMA.finditer(self._text, position, end):
            key = self._key(comma.end(), in_line=True)
            if key and self._text[key.end() : end + 1].lstrip()[:1] in tuple(same):
                return True
        return False

    def _closes(self, position: int) -> bool:
        behind = _BEHIND.match(self._text, position)
        end = behind.end()  # type: ignore[union-attr]
        return (
            self._text[end : end + 1] in ("", "\n", "}")
            or NEGATIVE.match(self._text, end) is not None
            or self._key(end) is not None
        )

    def _before_next_key(self, position: int) -> int:
        end = self._line_end(position)
        while end < len(self._text) and not self._key(end + 1):
            end = self._line_end(end + 1)
        return end

    def _line_end(self, position: int) -> int:
        end = self._text.find("\n", position)
        return len(self._text) if end < 0 else end


def _computable(plain: str) -> bool:
    numbers = "max_f" in plain or any(map(str.isdigit, plain))
    return numbers and plain.count("(") == plain.count(")")


def without_marks(value: str) -> str:
    """A value without the quotation marks around it, where it has them."""
    value = value.strip()
    for same in (_DOUBLE, _SINGLE):
        if len(value) > 1 and value[0] in same and value[-1] in same:
            return value[1:-1]
    return value


def entries_of(text: str) -> Iterator[Entry]:
    """The entries of a text of numbers."""
    yield from read_keyed(text, numbers=True).entries
