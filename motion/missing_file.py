"""What is said of a model file that is not where a node looks for it."""

from collections.abc import Sequence
from difflib import get_close_matches

from .errors import AnimateDiffError
from .keyed_text import shortened
from .known_files import MODULES, MOTION_LORAS, known_file, own_name, where_from

KINDS = {
    MODULES: ("a motion module", "v3_sd15_mm.ckpt"),
    MOTION_LORAS: ("a MotionLoRA", "v2_lora_ZoomIn.ckpt"),
}
CLOSE_NAMES = 3


def such_as(folder: str) -> str:
    """What belongs into the folder, an example, and where that can be had."""
    what, example = KINDS[folder]
    return f"{what} such as {where_from(example)}"


def missing_file(
    name: str, folder: str, present: Sequence[str], elsewhere: str = ""
) -> AnimateDiffError:
    """present: the names that the folder has; elsewhere: another folder that has this file."""
    empty = "" if present else ", which has no model file"
    close = _close(name, present)
    expected = "a file of this folder"
    if close:
        expected += f"; the nearest of them: {', '.join(map(_quoted, close))}"
    return AnimateDiffError(
        f"{_quoted(name)} is not in models/{folder}{empty}.",
        expected,
        _remedy(name, folder, present, elsewhere),
    )


def _remedy(name: str, folder: str, present: Sequence[str], elsewhere: str) -> str:
    last = own_name(name)
    same = [each for each in present if own_name(each).lower() == last.lower()]
    other = ", or choose another file" if present else ""
    known = known_file(name)
    if same:
        return f"choose {_quoted(same[0])}, where this file is now."
    if elsewhere:
        return f"move it from models/{elsewhere} to models/{folder} and press R{other}."
    if known is not None and known.directory == folder:
        return f"download {known.url} into models/{folder} and press R{other}."
    there = f"put it there and press R{other}."
    if known is not None:
        there = f"{last} belongs into models/{known.directory}, for another node: choose a file."
    return f"{there} {_source(folder)}".strip()


def _source(folder: str) -> str:
    return f"If you have none, take {such_as(folder)}." if folder in KINDS else ""


def _close(name: str, present: Sequence[str]) -> list[str]:
    by_last = {own_name(each).lower(): each for each in reversed(present)}
    wanted = own_name(name)[:100].lower()
    return [by_last[each] for each in get_close_matches(wanted, by_last, CLOSE_NAMES, 0.5)]


def _quoted(name: str) -> str:
    return f"'{shortened(name, 100)}'"
