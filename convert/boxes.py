"""Boxes on a page's canvas: where nodes lie, and where there is room between them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .graph import Node
from .options import is_number
from .our_nodes import OURS

GAP = 60  # pixels around a node that is put somewhere: newer pages draw nodes larger
TITLE = 30  # pixels above a node's place
CELL = 500  # pixels of the grid by which neighbours are found
FARTHEST, LARGEST = 1e6, 1e4  # pixels; what a file has beyond is read as these
COLLAPSED = 200
USUAL = (250.0, 150.0)  # where a file does not say
ROW, WIDGET, MOST_WIDGETS = 20, 24, 30  # heights of a slot and a widget
TRIES = 4  # places that are looked at in one direction


@dataclass(eq=False)
class Box:
    """top is that of its title. node: what lies there, None at a subgraph's border; made: whether
    the conversion made it."""

    left: float
    top: float
    width: float
    height: float
    node: Node | None = None
    made: bool = False

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height

    def overlaps(self, other: "Box", gap: float = 0.0) -> bool:
        beside = other.right + gap <= self.left or self.right + gap <= other.left
        return not (beside or other.bottom + gap <= self.top or self.bottom + gap <= other.top)


def box_of(node: Node, made: bool) -> Box:
    """A node's, with its title."""
    raw = node.raw or {}
    width, height = OURS[node.type].size if node.raw is None else pair(raw.get("size"), USUAL)
    height = max(height, _least(raw))
    flags = raw.get("flags")
    if isinstance(flags, dict) and flags.get("collapsed"):
        width, height = min(width, COLLAPSED), 0.0
    left, top = (min(max(value, -FARTHEST), FARTHEST) for value in node.pos)
    sides = (min(max(side, 0.0), LARGEST) for side in (width, height))
    width, height = sides
    return Box(left, top - TITLE, width, height + TITLE, node, made)


def _least(raw: dict[str, Any]) -> float:
    """The page makes a node no smaller than its slots and widgets, whatever was saved."""
    inputs, outputs, values = (raw.get(n) for n in ("inputs", "outputs", "widgets_values"))
    sockets = [one for one in inputs or [] if not one.get("widget")]
    widgets = min(len(values), MOST_WIDGETS) if isinstance(values, list) else 0
    return ROW * max(len(sockets), len(outputs or [])) + WIDGET * widgets


def pair(value: Any, default: tuple[float, float]) -> tuple[float, float]:
    """Two numbers: a list, or in older files an object with the keys 0 and 1."""
    found = [value.get("0"), value.get("1")] if isinstance(value, dict) else value
    if not isinstance(found, list) or len(found) < 2:
        return default
    numbers = [as_number(one) for one in found[:2]]
    return default if None in numbers else (float(numbers[0] or 0), float(numbers[1] or 0))


def as_number(value: Any) -> float | None:
    """A number as the page has them; None of all else."""
    return float(value) if is_number(value) else None


class Taken:
    """Boxes that others must not cover, found by a grid."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], dict[int, Box]] = {}
        self._places: set[tuple[float, ...]] = set()
        self._known: dict[tuple[float, ...], float] = {}
        self._bottom = -math.inf

    def add(self, box: Box) -> None:
        place = (box.left, box.top, box.width, box.height)
        if place not in self._places:  # many nodes at one place are as one
            self._places.add(place)
            for cell in _cells(box, 0.0):
                self._cells.setdefault(cell, {})[id(box)] = box
        self._bottom = max(self._bottom, box.bottom)

    def free_top(self, box: Box, down: bool, within: float) -> float | None:
        """Where a box is free at its own height, or next below or above, no farther away than
        that. Below all others where none of the next places is free."""
        asked = (box.left, box.top, box.width, box.height, down)
        wanted = Box(box.left, self._known.get(asked, box.top), box.width, box.height)
        for _ in range(TRIES):
            in_way = self._in_way(wanted)
            self._known[asked] = wanted.top  # what was in the way before still is
            if abs(wanted.top - box.top) > within:
                return None
            if not in_way:
                return wanted.top
            if down:
                wanted.top = max(other.bottom for other in in_way) + GAP
            else:
                wanted.top = min(other.top for other in in_way) - GAP - wanted.height
        return self._bottom + GAP if down else None

    def _in_way(self, wanted: Box) -> list[Box]:
        near: dict[int, Box] = {}
        for cell in _cells(wanted, GAP):
            near |= self._cells.get(cell, {})
        return [other for other in near.values() if wanted.overlaps(other, GAP)]


def _cells(box: Box, gap: float) -> Iterator[tuple[int, int]]:
    for column in range(int((box.left - gap) // CELL), int((box.right + gap) // CELL) + 1):
        for row in range(int((box.top - gap) // CELL), int((box.bottom + gap) // CELL) + 1):
            yield column, row
