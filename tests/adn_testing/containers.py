"""Pictures and videos with a workflow in them, as ComfyUI and VideoHelperSuite write them."""

import json
import struct
import zlib
from typing import Any


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(kind: Any = b"tEXt", **texts: Any) -> bytes:
    """A picture of one pixel."""
    parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))]
    for name, value in texts.items():
        key, text = name.encode(), json.dumps(value).encode()
        data = {
            b"tEXt": key + b"\0" + text,
            b"comf": key + b"\0" + text,
            b"zTXt": key + b"\0\0" + zlib.compress(text),
            b"iTXt": key + b"\0\1\0en\0" + key + b"\0" + zlib.compress(text),
        }[kind]
        parts.append(chunk(kind, data))
    parts += [chunk(b"IDAT", zlib.compress(b"\0\0")), chunk(b"IEND", b"")]
    return b"".join(parts)


def webp(order: Any = "<", prefix: Any = b"", **texts: Any) -> bytes:
    """EXIF alone: entries of ASCII text, in either order of bytes."""
    entries, data = b"", b""
    start = 8 + 2 + 12 * len(texts) + 4
    for number, (name, value) in enumerate(texts.items()):
        text = f"{name}:{json.dumps(value)}".encode() + b"\0"
        entries += struct.pack(f"{order}HHII", 0x110 - number, 2, len(text), start + len(data))
        data += text
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    exif = prefix + head + struct.pack(f"{order}H", len(texts)) + entries + bytes(4) + data
    parts = b"VP8L" + struct.pack("<I", 3) + b"abc\0" + b"EXIF" + struct.pack("<I", len(exif)) + exif
    return b"RIFF" + struct.pack("<I", len(parts) + 4) + b"WEBP" + parts


def gif(**texts: Any) -> bytes:
    """A picture with tables of colours and a comment."""
    comment = json.dumps(texts).encode()
    blocks = b"".join(
        bytes([len(comment[at : at + 255])]) + comment[at : at + 255]
        for at in range(0, len(comment), 255)
    )
    picture = b"\x2c" + bytes(8) + b"\x80" + bytes(6) + b"\2" + b"\2\x44\1" + b"\0"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + (
        b"\x21\xf9\4" + bytes(4) + b"\0" + picture + b"\x21\xfe" + blocks + b"\0;"
    )  # fmt: skip


def box(kind: bytes, data: bytes, large: bool = False) -> bytes:
    if large:
        return struct.pack(">I4sQ", 1, kind, len(data) + 16) + data
    return struct.pack(">I4s", len(data) + 8, kind) + data


def mp4(itunes: Any = False, large: Any = False, around: Any = b"udta", **texts: Any) -> bytes:
    """Tags by names of their own, as `use_metadata_tags` writes them, or a comment as iTunes has
    it, which VideoHelperSuite's ffmpeg writes. around: what the tags lie in."""
    if itunes:
        value = json.dumps(texts).encode()
        ilst = box(b"\xa9cmt", box(b"data", struct.pack(">II", 1, 0) + value))
        inside = bytes(4) + box(b"hdlr", bytes(24)) + box(b"ilst", ilst)
    else:
        keys = b"".join(box(b"mdta", name.encode()) for name in texts)
        items = b"".join(
            box(struct.pack(">I", at), box(b"data", struct.pack(">II", 1, 0) + json.dumps(v).encode()))
            for at, v in enumerate(texts.values(), 1)
        )
        inside = box(b"hdlr", bytes(24)) + (
            box(b"keys", struct.pack(">II", 0, len(texts)) + keys) + box(b"ilst", items)
        )  # fmt: skip
    meta = box(b"meta", inside)
    moov = box(b"moov", box(around, meta) if around else meta)
    return box(b"ftyp", b"isom" + bytes(4)) + box(b"mdat", bytes(40), large) + moov


def element(kind: str, data: bytes, unknown: bool = False) -> bytes:
    size = b"\x01" + b"\xff" * 7 if unknown else (len(data) | 1 << 56).to_bytes(8, "big")
    return bytes.fromhex(kind) + size + data


def webm(unknown: Any = False, **texts: Any) -> bytes:
    """Tags of a Matroska file. unknown: the length of the whole, as of a stream."""
    tags = b"".join(
        element("7373", element("67c8", element("45a3", name.upper().encode())
                                + element("4487", json.dumps(value).encode())))
        for name, value in texts.items()
    )  # fmt: skip
    whole = element("1549a966", bytes(20)) + element("1254c367", tags)
    return element("1a45dfa3", bytes(12)) + element("18538067", whole, unknown)
