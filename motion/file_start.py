"""What a file is by its bytes, where its name says otherwise or no loader can read it."""

import json
import zipfile
from pathlib import Path
from typing import NamedTuple

SAFETENSORS = (".safetensors", ".sft")  # the endings by which the host chooses a loader
LONGEST_HEADER = 100_000_000  # bytes; the library of safetensors takes no longer one
LONGEST_NOTE = 4096  # bytes of a text that a server sent in place of a file

DOWNLOAD = "download the file itself (on Hugging Face: the download button beside it)"
_AGAIN = "compare its size with the source and download it again"

_ARCHIVES = {
    b"Rar!\x1a\x07": "a RAR archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\x1f\x8b": "a gzip archive",
    b"\xfd7zXZ": "an xz archive",
    b"BZh": "a bzip2 archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
}
_UNPACK = "unpack it, and put the .safetensors or .ckpt file that is in it into this folder"


class Trouble(NamedTuple):
    """What is wrong with a file, and what to do."""

    what: str
    remedy: str


def trouble_with(path: Path) -> Trouble | None:
    """What can be seen without reading the tensors; None where nothing speaks against it."""
    with path.open("rb") as file:
        start = file.read(64)
    named = path.suffix.lower() in SAFETENSORS
    return (
        _sent_instead(path, start)
        or _packed(start)
        or _zip(path, start, named)
        or _safetensors(path, start, named)
    )


def _sent_instead(path: Path, start: bytes) -> Trouble | None:
    """What servers send where they do not send the file."""
    text = start.lstrip().lower()
    if not start:
        return Trouble("is empty", DOWNLOAD)
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        return Trouble("is a web page, not a model", DOWNLOAD)
    if text.startswith(b"version https://git-lfs"):
        return Trouble("is a Git LFS pointer, not the model itself", DOWNLOAD)
    if path.stat().st_size <= LONGEST_NOTE:
        note = path.read_bytes()
        if note.isascii() and note.decode("ascii").replace("\n", " ").strip().isprintable():
            said = " ".join(note.decode("ascii").split())[:60]
            return Trouble(f"is a text and not a model: '{said}'", DOWNLOAD)
    return None


def _packed(start: bytes) -> Trouble | None:
    if start.startswith(b"GGUF"):
        return Trouble(
            "is a GGUF file, which neither ComfyUI's own loader nor this one reads",
            "take the .safetensors or .ckpt file of the same model; plain fp8 is as small as it "
            "gets here",
        )
    kind = next((kind for magic, kind in _ARCHIVES.items() if start.startswith(magic)), None)
    return None if kind is None else Trouble(f"is {kind}, not a model", _UNPACK)


def _zip(path: Path, start: bytes, named_safetensors: bool) -> Trouble | None:
    """PyTorch's files are ZIP archives, and so are what people pack; older ones are pickles."""
    pickled = start[:1] == b"\x80" and start[1:2] <= b"\x05" and start[2:3] not in (b"", b"\0")
    if start.startswith(b"PK\x03\x04"):
        names = _zip_names(path)
        if names is None:
            return Trouble("is not whole: its end is missing", _AGAIN)
        pickled = any(name.endswith("data.pkl") for name in names)
        if not pickled:
            held = ", ".join(f"'{name[:60]}'" for name in names[:3]) or "nothing"
            return Trouble(f"is a ZIP archive that holds {held}, not a model", _UNPACK)
    if pickled and named_safetensors:
        return Trouble(
            f"is a PyTorch file (a pickle) that is named {path.suffix}",
            f"rename it to {path.stem}.ckpt and press R to refresh the list; it is then read as "
            "one, tensors only",
        )
    return None


def _zip_names(path: Path) -> list[str] | None:
    """What a ZIP archive holds; None where its list, which stands at the end, is missing."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return None


def _safetensors(path: Path, start: bytes, named: bool) -> Trouble | None:
    """A header's length in 8 bytes, the header as JSON, the tensors."""
    header = int.from_bytes(start[:8], "little")
    if start[8:9] != b"{" or not 2 <= header <= LONGEST_HEADER:
        return None
    if not named:
        return Trouble(
            f"is a safetensors file that is named {path.suffix or 'without an ending'}",
            f"rename it to {path.stem}.safetensors and press R to refresh the list",
        )
    size, whole = path.stat().st_size, 8 + header
    if size >= whole:
        whole += _tensor_bytes(path, header)
    if size < whole:
        return Trouble(f"is not whole: {size:,} of {whole:,} bytes are there", _AGAIN)
    return None


def _tensor_bytes(path: Path, header: int) -> int:
    """Where the last tensor ends; 0 where the header cannot be read, which its loader says."""
    with path.open("rb") as file:
        text = file.read(8 + header)[8:]
    try:
        tensors = json.loads(text)
        return max(
            (int(t["data_offsets"][1]) for n, t in tensors.items() if n[:2] != "__"), default=0
        )
    except (ValueError, RecursionError, TypeError, KeyError, IndexError, AttributeError):
        return 0
