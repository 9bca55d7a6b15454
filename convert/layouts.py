"""How the widgets of a node lie in a file, in a short notation.

Letters: t text, i whole number, f number, b switch. And how a node that is added lies there.
"""

from dataclasses import dataclass
from typing import Any

CONTROLS = ("fixed", "increment", "decrement", "randomize")  # what the page does to a seed
CHANGES = CONTROLS[1:]
Layout = tuple[tuple[str, str], ...]


def layouts(*texts: str) -> tuple[Layout, ...]:
    """Versions of a node's widgets, each 'name:kind name:kind ...'; no kind is that of text."""
    return tuple(_layout(text) for text in texts)


def _layout(text: str) -> Layout:
    pairs = (word.partition(":") for word in text.split())
    return tuple((name, kind or "t") for name, _, kind in pairs)


@dataclass(frozen=True)
class OurNode:
    """sockets: name, type, whether optional; widgets: name, type, default; outputs: name, type."""

    title: str
    size: tuple[int, int]
    sockets: tuple[tuple[str, str, bool], ...] = ()
    widgets: tuple[tuple[str, str, Any], ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()
