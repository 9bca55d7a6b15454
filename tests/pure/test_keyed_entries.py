"""The one grammar of texts with keys: how it decides where a text can be read in two ways."""

import time
from contextlib import suppress

import pytest
from animatediff_native.motion.keyed_entries import read_keyed, without_marks
from animatediff_native.motion.keyed_text import NoEntry

READ = {
    "several in a line": ("0: a, b, 16: c", [("0", "a, b"), ("16", "c")]),
    "a ratio in a line": ("0: a, 16:9, b", [("0", "a, 16:9, b")]),
    "without spaces": ("0:cat,8:(dog:1.2),16:2:1 bird", [("0", "cat"), ("8", "(dog:1.2),16:2:1 bird")]),
    "upright strokes": ('0: a | 8: "b"|9: c|d', [("0", "a"), ("8", "b"), ("9", "c|d")]),
    "a list": ("- 0: a\n- 8: b\n-1: c", [("0", "a"), ("8", "b"), ("-1", "c")]),
    "in brackets": ("0: (a, 8: b), [c, 9: d], 10: e", [("0", "(a, 8: b), [c, 9: d]"), ("10", "e")]),
    "a bracket too many": ("0: a), 8: b", [("0", "a)"), ("8", "b")]),
    "behind a line's end": ("0: (a\n8: b", [("0", "(a"), ("8", "b")]),
    "a mark inside": ('0: "a "b", c", 8: "d"', [("0", 'a "b", c'), ("8", "d")]),
    "an escaped mark": ("0: 'a \\'b\\' c'", [("0", "a 'b' c")]),
    "marks of another kind": ("0: \"it's\", 8: 'a \"b\"'", [("0", "it's"), ("8", 'a "b"')]),
    "keys of any sign": ("0 => a\n1 -> b\n2 = c\n3 : d\n4： e", [(str(i), c) for i, c in enumerate("abcde")]),
    "keys of any form": ("-1: a\n50%: b\n0.5: c\n+8: d\nmax_f/2 - 1: e\n(max_f)*2: f", [("-1", "a"), ("50%", "b"), ("0.5", "c"), ("+8", "d"), ("max_f/2 - 1", "e"), ("(max_f)*2", "f")]),
    "JSON with other braces": ('{"0": "a {b}", "8": "{c"}', [("0", "a {b}"), ("8", "{c")]),
    "JSON without braces": ('"0": "a \\"b\\" \\u00e9",\n"8": "c\nd"', [("0", 'a "b" é'), ("8", "c\nd")]),
    "no text": (" \n", []),
    "no object": ("{}", []),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_read(name):
    text, expected = READ[name]
    found = read_keyed(text)
    assert [(entry.at, entry.value) for entry in found.entries] == expected
    assert not found.head and not found.tail


def test_lines_are_counted_as_they_are_seen():
    text = "# x\r\nhead\r\n/* a\r\nb */0: a /* c\nd */ e\n\n8: 'f\ng'\ntail"
    found = read_keyed(text)
    assert [(e.at, e.value, e.line) for e in found.entries] == [("0", "a  e", 4), ("8", "f\ng", 7)]
    assert found.head == [("head", 2)] and found.tail == [("tail", 9)]


def test_held():
    found = read_keyed('0: "a" hold, 1: we hold\n2: = b\n"3:": c\n4: "d" HOLD # e').entries
    assert [(e.value, e.hold) for e in found] == [
        ("a", True), ("we hold", False), ("b", True), ("c", True), ("d", True)]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [('0: a\nb\n8: c', 2, "between"), ('soon: "b"\n0: a', 1, "frame number"), ('0: "a\n\n8: "b"', 1, "not closed"),
     ("0: 'tis", 1, "not closed"), ('{"0": "a", "8" "b"}', 1, "JSON")],
)  # fmt: skip
def test_no_entry(text, line, why):
    with pytest.raises(NoEntry) as caught:
        read_keyed(text)
    assert caught.value.line == line and why in caught.value.why


def test_without_marks():
    assert [without_marks(t) for t in ('"a"', " 'a' ", "“a”", "a", '"', "'a\"")] == [
        "a", "a", "a", "a", '"', "'a\""]  # fmt: skip


LONG = [
    " " * 50_000, '0: "a' + " " * 50_000 + "b", "0" * 50_000, '{"0"' + " " * 50_000, '0: "a", ' * 20_000,
    "\n" * 50_000 + "x", "0" + " " * 50_000, '"' * 50_000, '"0' + " " * 50_000 + '"', "0: " + '"' * 20_000 + "x",
    "0: " + "a," * 50_000, "0: " + '"\n' * 20_000 + "x", "`" * 50_000, "/*" * 30_000, "(" * 50_000, "0," * 50_000,
    "1 " * 50_000, '0: "' + "\n" * 50_000, '"0": "a" ' * 10_000, "0: a, " * 20_000, "max_f" * 20_000, "- " * 50_000,
    "0: (," * 20_000, "0: a" + " " * 50_000 + "b", "0: " + " \t" * 30_000, "/* \n */" * 20_000, '0: "a\n' * 5_000,
]  # fmt: skip


@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize("number", range(len(LONG)))
def test_long_texts_take_no_time(number, numbers):
    start = time.process_time()
    with suppress(NoEntry):
        read_keyed(LONG[number], numbers)
    assert time.process_time() - start < 2
