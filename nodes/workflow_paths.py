"""Names of files and folders that come with a workflow, which may be a stranger's.

They are looked at as text first, by the rules of every system alike: what is refused is asked of
neither the disk nor the network, where already asking can send a password (Windows, \\\\server).
"""

import re
from collections.abc import Sequence
from pathlib import Path, PurePath

LONGEST_NAME, LONGEST_PATH = 255, 1024  # bytes; what the usual file systems take

_BEGINS_ELSEWHERE = re.compile(r"^[\\/]|^[A-Za-z][A-Za-z0-9+.-]*:")  # C:, \\server, file:
_SEPARATORS = re.compile(r"[\\/]")


def stays_inside(name: str, more: int = 0) -> bool:
    """Whether a name, joined to a folder, is one inside it on every system; links aside.

    more: bytes that will be added to it.
    """
    return bool(name) and not _BEGINS_ELSEWHERE.search(name) and _is_plain(name, more)


def named_inside(
    name: str, roots: Sequence[str | Path], system: type[PurePath] = PurePath
) -> list[PurePath]:
    """The paths that a name can stand for: inside each of the roots, or the whole path of one that
    is inside one of them. None where it leads elsewhere."""
    folders = [system(root) for root in roots]
    if stays_inside(name):
        return [folder / name for folder in folders]
    path = system(name)
    whole = path.is_absolute() and _is_plain(str(path.relative_to(path.anchor)))
    return [path] if whole and any(path.is_relative_to(folder) for folder in folders) else []


def leads_inside(path: Path, roots: Sequence[str | Path]) -> bool:
    """Whether a path that was named inside of them still is with its links followed."""
    try:
        real = path.resolve()
    except (OSError, RuntimeError):  # links in a circle
        return False
    return any(real.is_relative_to(Path(root).resolve()) for root in roots)


def _is_plain(name: str, more: int = 0) -> bool:
    """No way up, no control characters, and nothing too long to be a name."""
    parts = [part for part in _SEPARATORS.split(name) if part not in ("", ".")]
    lengths = [len(part.encode(errors="surrogatepass")) for part in parts]
    return (
        bool(parts)
        and all(part.strip(" .") for part in parts)  # Windows takes ".. " for ".."
        and not any(character < " " or character == "\x7f" for character in name)
        and max(lengths) + more <= LONGEST_NAME
        and sum(lengths) + len(parts) + more <= LONGEST_PATH
    )
