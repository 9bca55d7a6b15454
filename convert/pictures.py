"""Texts that ComfyUI and VideoHelperSuite keep in pictures and videos, by their names.

Every reader goes through a file from box to box and reads only what can be such a text; of files
that are damaged it gives what it found before.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from .videos import mp4_texts, webm_texts

LARGEST_TEXT = 64 * 2**20  # bytes; the largest workflows have one or two million
MOST_PARTS = 1_000_000  # boxes, chunks and frames of one file
HEAD = 16  # bytes by which a kind of file is known
Texts = Iterator[tuple[str, bytes]]

PNG = b"\x89PNG\r\n\x1a\n"
EBML = b"\x1a\x45\xdf\xa3"


def texts_of(file: BinaryIO) -> Texts | None:
    """Names and texts in a picture or video; None where it is of no kind that has any."""
    file.seek(0)
    head = file.read(HEAD)
    for known, reader in _READERS:
        if known(head):
            return _whole(reader, file)
    return None


def _whole(reader: Callable[[BinaryIO], Texts], file: BinaryIO) -> Texts:
    try:
        yield from reader(file)
    except (struct.error, zlib.error, OverflowError, ValueError):
        return  # cut off, or damaged


def png_texts(file: BinaryIO) -> Texts:
    """tEXt, zTXt and iTXt, and the chunk that ComfyUI gives animations."""
    file.seek(len(PNG))
    for _ in range(MOST_PARTS):
        head = file.read(8)
        if len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head)
        if kind not in (b"tEXt", b"zTXt", b"iTXt", b"comf") or size > LARGEST_TEXT:
            file.seek(size + 4, 1)
            continue
        name, _, text = file.read(size).partition(b"\0")
        file.seek(4, 1)
        if kind == b"zTXt":
            text = _inflated(text[1:])
        elif kind == b"iTXt":
            packed, parts = text[:1] == b"\1", text[2:].split(b"\0", 2)
            text = _inflated(parts[-1]) if packed else parts[-1]
        yield name.decode("latin-1"), text


def _inflated(packed: bytes) -> bytes:
    return zlib.decompressobj().decompress(packed, LARGEST_TEXT)


def webp_texts(file: BinaryIO) -> Texts:
    """The EXIF of a WEBP: ComfyUI writes `name:text` into entries that cameras use for names."""
    file.seek(12)
    for _ in range(MOST_PARTS):
        head = file.read(8)
        if len(head) < 8:
            return
        kind, size = struct.unpack("<4sI", head)
        if kind == b"EXIF" and size <= LARGEST_TEXT:
            yield from _exif_texts(file.read(size).removeprefix(b"Exif\0\0"))
            file.seek(size % 2, 1)
        else:
            file.seek(size + size % 2, 1)


def _exif_texts(data: bytes) -> Texts:
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        return
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, start)
    for index in range(count):
        _, kind, size, where = struct.unpack_from(f"{order}HHII", data, start + 2 + 12 * index)
        if kind == 2 and size > 4:  # ASCII
            name, _, text = data[where : where + size].rstrip(b"\0").partition(b":")
            yield name.decode("latin-1").strip().lower(), text


def gif_texts(file: BinaryIO) -> Texts:
    """The comments of a GIF."""
    file.seek(6)
    (*_, flags, _, _) = struct.unpack("<HHBBB", file.read(7))
    file.seek(_colours(flags), 1)
    for _ in range(MOST_PARTS):
        kind = file.read(1)
        if kind == b"\x2c":  # a picture
            file.seek(_colours(struct.unpack("<HHHHB", file.read(9))[4]) + 1, 1)
            _blocks(file, keep=False)
        elif kind == b"\x21":
            comment = file.read(1) == b"\xfe"
            found = _blocks(file, keep=comment)
            if comment:
                yield "comment", found
        else:
            return


def _colours(flags: int) -> int:
    """Bytes of a table of colours, where there is one."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _blocks(file: BinaryIO, keep: bool) -> bytes:
    """Blocks of up to 255 bytes, until one of none."""
    kept = bytearray()
    for _ in range(MOST_PARTS):
        size = file.read(1)
        if not size or size == b"\0":
            break
        part = file.read(size[0])
        if keep and len(kept) < LARGEST_TEXT:
            kept += part
    return bytes(kept)


_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO], Texts]], ...] = (
    (lambda head: head.startswith(PNG), png_texts),
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", webp_texts),
    (lambda head: head[:6] in (b"GIF87a", b"GIF89a"), gif_texts),
    (lambda head: head[4:8] == b"ftyp", mp4_texts),
    (lambda head: head.startswith(EBML), webm_texts),
)
