"""Text with keys, split into entries: the ways of writing it, and what is no entry."""

import time

import pytest
from animatediff_native.motion.keyed_text import (
    NoEntry,
    by_commas,
    by_json,
    by_quotes,
    frame_number,
    is_json,
    quote,
    unquoted,
)

SPLIT = {
    "commas": (by_commas, "0: 1, 4: 2,\n8: 3", [("0", "1", 1), ("4", "2", 1), ("8", "3", 2)]),
    "quotes": (
        by_quotes,
        '0 = "a, b",\n"8:12": "c\nd", 1.0 : "e"',
        [("0", "a, b", 1), ("8:12", "c\nd", 2), ("1.0", "e", 3)],
    ),
    "JSON": (by_json, '{"0": "a",\n"0": "b", "c": [1]}', [("0", "a", 1), ("0", "b", 2), ("c", [1.0], 2)]),
    "JSON, a comma at the end": (by_json, '\ufeff{"0": "a",}', [("0", "a", 1)]),
    "JSON, a key in a text": (by_json, '{"0": "a \\"8\\"",\n"\\u0038": "b"}', [("0", 'a "8"', 1), ("8", "b", 2)]),
    "an empty object": (by_json, " {} ", []),
}  # fmt: skip


@pytest.mark.parametrize("name", SPLIT)
def test_entries(name):
    split, text, expected = SPLIT[name]
    assert [(entry.at, entry.value, entry.line) for entry in split(text)] == expected


def test_an_entry_is_remembered_as_written():
    assert [entry.raw for entry in by_commas(" 0 :1 ,\n2: 3")] == ["0 :1", "2: 3"]
    assert [entry.raw for entry in by_json('{ "0" :"a"}')] == ['"0" :"a"']


NO_ENTRY = {
    "no quotes": (by_quotes, '0: "a",\n8: b', 1, "8: b"),
    "JSON, no comma": (by_json, '{"0": "a"\n"8": "b"}', 2, '"8": "b"}'),
    "JSON, a number for a key": (by_json, '{"0": "a",\n 8: "b"}', 2, '8: "b"}'),
    "JSON, cut off": (by_json, '{"0": "a",\n', 1, '{"0": "a",'),
    "JSON, more behind it": (by_json, '{"0": "a"}\n{}', 2, "{}"),
    "JSON, an open text": (by_json, '{"0": "a', 1, '{"0": "a'),
    "no JSON": (by_json, "", 1, ""),
    "JSON, deep": (by_json, '{"0": ' + "[" * 100_000, 1, None),
}


@pytest.mark.parametrize("name", NO_ENTRY)
def test_what_is_no_entry(name):
    split, text, line, raw = NO_ENTRY[name]
    with pytest.raises(NoEntry) as caught:
        list(split(text))
    assert caught.value.line == line
    assert raw is None or caught.value.raw.strip() == raw
    assert caught.value.why


@pytest.mark.parametrize("split", [by_commas, by_quotes, by_json])
@pytest.mark.parametrize("text", [" " * 50_000, '0: "a' + " " * 50_000 + "b", "0" * 50_000, '{"0"' + " " * 50_000, '0: "a", ' * 20_000, "\n" * 50_000 + "x"])  # fmt: skip
def test_a_long_text_is_read_or_refused_at_once(split, text):
    start = time.process_time()
    try:
        list(split(text))
    except NoEntry as problem:
        assert len(quote(problem.raw)) < 100
    assert time.process_time() - start < 2  # milliseconds; hours where a pattern tries all ways


@pytest.mark.parametrize(
    ("at", "frame"),
    [("8", 8), (" 8 ", 8), ("-1", -1), ("007", 7), ("٣", 3), ("9" * 9, 999_999_999),
     ("9" * 10, None), ("9" * 5000, None), ("²", None), ("1.0", None), ("+1", None), ("", None)],
)  # fmt: skip
def test_frame_numbers(at, frame):
    assert frame_number(at) == frame


def test_marks():
    assert [unquoted(text) for text in ('"a"', "'a'", "a", '"', '"a', '"a\'', "")] == [
        "a", "a", "a", None, None, None, ""]  # fmt: skip
    assert is_json(' \n{"0"') and is_json("\ufeff{") and not is_json("0: {")
