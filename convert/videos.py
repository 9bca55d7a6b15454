"""The same of videos: the tags of MP4 and MOV, and of WEBM and MKV."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

LARGEST_TEXT = 64 * 2**20
MOST_BOXES = 1_000_000
Texts = Iterator[tuple[str, bytes]]
Box = tuple[bytes, int, int]  # kind, where what is in it begins and ends

SEGMENT, TAGS, TAG, SIMPLE = 0x18538067, 0x1254C367, 0x7373, 0x67C8
TAG_NAME, TAG_STRING = 0x45A3, 0x4487


def mp4_texts(file: BinaryIO) -> Texts:
    """Tags lie in moov/udta/meta or moov/meta: with names of their own, or with those of iTunes."""
    end = file.seek(0, 2)
    for meta in _inside(file, _boxes(file, 0, end), b"moov", b"udta", b"meta"):
        yield from _tags(file, *meta)
    for meta in _inside(file, _boxes(file, 0, end), b"moov", b"meta"):
        yield from _tags(file, *meta)


def _inside(file: BinaryIO, boxes: Iterator[Box], *way: bytes) -> Iterator[tuple[int, int]]:
    """Where the boxes are that one comes to by the kinds of those around them."""
    for kind, start, end in boxes:
        if kind == way[0] and len(way) == 1:
            yield start, end
        elif kind == way[0]:
            yield from _inside(file, _boxes(file, start, end), *way[1:])


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    for _ in range(MOST_BOXES):
        file.seek(start)
        head = file.read(8)
        if start + 8 > end or len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head)
        begin = start + 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            begin += 8
        stop = end if size == 0 else min(start + size, end)
        if stop < begin:
            return
        yield kind, begin, stop
        start = stop


def _tags(file: BinaryIO, start: int, end: int) -> Texts:
    file.seek(start)
    plain = file.read(8)[4:] == b"hdlr"  # as QuickTime has it, without a version before
    names: list[str] = []
    for kind, begin, stop in _boxes(file, start if plain else start + 4, end):
        if kind == b"keys":
            names = _names(_read(file, begin, stop))
        elif kind == b"ilst":
            for tag, inner, inner_end in _boxes(file, begin, stop):
                number = int.from_bytes(tag, "big")
                name = names[number - 1] if 0 < number <= len(names) else tag.decode("latin-1")
                for data, text, text_end in _boxes(file, inner, inner_end):
                    if data == b"data":
                        yield name, _read(file, text + 8, text_end)


def _names(table: bytes) -> list[str]:
    (count,) = struct.unpack_from(">I", table, 4)
    names, at = [], 8
    for _ in range(min(count, MOST_BOXES)):
        (size,) = struct.unpack_from(">I", table, at)
        if size < 8:
            break
        names.append(table[at + 8 : at + size].decode("utf-8", "replace"))
        at += size
    return names


def _read(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(max(0, end - start)) if end - start <= LARGEST_TEXT else b""


def webm_texts(file: BinaryIO) -> Texts:
    end = file.seek(0, 2)
    for segment, start, stop in _elements(file, 0, end):
        if segment != SEGMENT:
            continue
        for kind, begin, close in _elements(file, start, stop):
            if kind == TAGS and close - begin <= LARGEST_TEXT:
                yield from _simple_tags(file, begin, close)


def _simple_tags(file: BinaryIO, start: int, end: int) -> Texts:
    for tag, inner, inner_end in _elements(file, start, end):
        simple = _elements(file, inner, inner_end) if tag == TAG else ()
        for kind, begin, stop in simple:
            if kind != SIMPLE:
                continue
            parts = {part: _read(file, *where) for part, *where in _elements(file, begin, stop)}
            yield parts.get(TAG_NAME, b"").decode("utf-8", "replace"), parts.get(TAG_STRING, b"")


def _elements(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Numbers of elements, where they begin and end. One of unknown length goes on to the end."""
    for _ in range(MOST_BOXES):
        if start >= end:
            return
        file.seek(start)
        kind, _ = _variable(file, keep_length=True)
        size, unknown = _variable(file, keep_length=False)
        begin = file.tell()
        stop = end if unknown else min(begin + size, end)
        yield kind, begin, stop
        start = stop


def _variable(file: BinaryIO, keep_length: bool) -> tuple[int, bool]:
    """A number whose first bits say how long it is; whether all its own bits are set."""
    first = file.read(1)
    if not first or not first[0]:
        raise ValueError("no number of EBML")
    length = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(length - 1), "big")
    own = value & ((1 << 7 * length) - 1)
    return (value if keep_length else own), own == (1 << 7 * length) - 1
