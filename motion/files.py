"""Files that are there whole or not at all, also after a full disk or a kill."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Where to write what shall be at `path`: beside it, and renamed at the end of the block.

    After an exception neither is left, and a file that was there before is as it was. The name
    beside it begins with a dot and ends unlike a model, so that no list and no count takes what a
    kill left for a file.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        yield beside
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
