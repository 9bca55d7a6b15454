"""Positional widgets_values of the nodes that a conversion reads, by name.

The page saves values by position, and nodes gained and lost widgets over the years. A list is held
against every layout that a node had; the types of its values say which one it is.
"""

from typing import Any

from .their_nodes import LAYOUTS, Layout

CONTROLS = {"fixed", "increment", "decrement", "randomize"}
KINDS: dict[str, tuple[type, ...]] = {"t": (str,), "i": (int,), "f": (int, float), "b": (bool,)}


class UnknownLayout(Exception):
    """No version of the node is known to have had these values; says so as a clause."""


def named_values(node_type: str, saved: Any) -> dict[str, Any]:
    """Values by name; none of a node that is not ours to read."""
    layouts = LAYOUTS.get(node_type)
    if layouts is None or saved is None:
        return {}
    if isinstance(saved, dict):  # some packs save names
        known = {name for layout in layouts for name, _ in layout}
        return {name: value for name, value in saved.items() if name in known}
    values = list(saved)
    while values and values[-1] in ("", None) and not _fits_any(values, layouts):
        values.pop()  # a warning or a spacer that was a widget at the time
    for exact in (True, False):
        for layout in layouts:
            named = _read(values, layout, exact)
            if named is not None:
                return named
    raise UnknownLayout(f"its {len(values)} saved values {values} fit no known version of the node")


def _fits_any(values: list[Any], layouts: tuple[Layout, ...]) -> bool:
    return any(_read(values, layout, exact=True) is not None for layout in layouts)


def _read(values: list[Any], layout: Layout, exact: bool) -> dict[str, Any] | None:
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
        if not last or not _is(value, kind):
            return None
        named[last] = value
    complete = next(widgets, None) is None
    return named if complete or not exact else None


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, KINDS[kind]) and (kind == "b" or not isinstance(value, bool))
