"""Positional widgets_values of the nodes that a conversion reads, by name.

The page saves values by position, and nodes gained and lost widgets over the years. A list is held
against every layout that a node had; the types of its values say which one it is.
"""

import math
from collections.abc import Collection, Mapping
from typing import Any

from .check import malformed
from .graph import Link
from .layouts import CONTROLS, Layout
from .their_nodes import DEFAULTS, LAYOUTS

KINDS: dict[str, tuple[type, ...]] = {"t": (str,), "i": (int,), "f": (int, float), "b": (bool,)}
LETTERS = {str: "t", int: "i", float: "f", bool: "b"}
NUMBERS = ("i", "f")  # by name, one may stand for the other
SAID = {"t": "no text", "i": "no number", "f": "no number", "b": "neither true nor false"}


class UnknownLayout(Exception):
    """No version of the node is known to have had these values; says so as a clause."""


def named_values(node_type: str, saved: Any, linked: Collection[str] = ()) -> dict[str, Any]:
    """Values by name; none of a node that is not ours to read. linked: names of inputs whose value
    comes by a link, of which null can be saved; and so it can where no file was chosen."""
    layouts = LAYOUTS.get(node_type)
    if layouts is None or saved is None:
        return {}
    if isinstance(saved, dict):  # some packs save names
        known = {name for layout in layouts for name, _ in layout}
        there = {name: v for name, v in saved.items() if name not in linked or v is not None}
        named = {name: value for name, value in there.items() if name in known}
        if problem := misfit(node_type, named):
            raise UnknownLayout(problem)
        return named
    if not isinstance(saved, list):
        raise malformed(f"widgets_values of a {node_type} is no list", "a list or an object")
    values = list(saved)
    while values and values[-1] in ("", None) and not _fits_any(values, layouts):
        values.pop()  # a warning or a spacer that was a widget at the time
    for exact in (True, False):
        for layout in layouts:
            named = _read(values, layout, exact, linked)
            if named is not None:
                return named
    raise UnknownLayout(f"its {len(values)} saved values {values} fit no known version of the node")


def misfit(node_type: str, inputs: Mapping[str, Any]) -> str:
    """Which value of a node is not of its kind, as a clause; nothing where all are."""
    for name, kinds in _kinds(node_type).items():
        value = inputs.get(name)
        plain = name in inputs and not isinstance(value, Link)
        if plain and not any(_could_be(value, kind) for kind in kinds):
            return f"its {name} is {value!r}, which is {SAID[kinds[0]]}"
    return ""


def _kinds(node_type: str) -> dict[str, list[str]]:
    """The kinds that all values which are read of a node have, or had in a version of it, by name;
    the newest version's first."""
    kinds: dict[str, list[str]] = {}
    for layout in LAYOUTS.get(node_type, ()):
        for name, kind in layout:
            kinds.setdefault(name, []).append(kind)
    for name, default in DEFAULTS.get(node_type, {}).items():
        kinds.setdefault(name, [LETTERS[type(default)]])
    return kinds


def _could_be(value: Any, kind: str) -> bool:
    if kind == "b":
        return isinstance(value, int)
    return _is(value, "f") if kind in NUMBERS else _is(value, kind)


def _fits_any(values: list[Any], layouts: tuple[Layout, ...]) -> bool:
    return any(_read(values, layout, exact=True) is not None for layout in layouts)


def _read(
    values: list[Any], layout: Layout, exact: bool, linked: Collection[str] = ()
) -> dict[str, Any] | None:
    """Values by the names of a layout, None where they do not fit. exact: none is missing.

    Behind a seed stands what the page does to it after a run; it is kept as `<seed>:control`.
    """
    named: dict[str, Any] = {}
    widgets = iter(layout)
    last = ""
    for value in values:
        if "seed" in last and value in CONTROLS:
            named[f"{last}:control"] = value
            last = ""
            continue
        last, kind = next(widgets, ("", ""))
        absent = value is None and (last in linked or (kind == "t" and last.endswith("name")))
        if not last or not (absent or _is(value, kind)):
            return None
        if not absent:
            named[last] = value
    complete = next(widgets, None) is None
    return named if complete or not exact else None


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return isinstance(value, KINDS[kind]) and (kind == "b" or not isinstance(value, bool))
