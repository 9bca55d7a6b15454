"""The ways of wires between arranged nodes: past columns, through the room between their nodes.

A wire that would run behind a node gets reroutes, as the page saves them.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from tools.node_sizes import room

SLOT = 20  # pixels from one socket of a node to the next
MARGIN = 16  # from a wire to a node that it passes
APART = 13  # from one wire to another that runs beside it
BESIDE = 24  # from a column to the reroute beside it
ROOM = 90  # above and below a column
SWING = 0.25  # how far a curve of the page swings out, as a share of its length
FURTHEST = 80  # pixels that it swings out at most, at a reroute
STEEP = 140  # pixels up or down, for which a wire gets a reroute close to the socket
CORNER = 45
FLAT = 26
GRAZED = 10  # pixels: so far a bow may run under a node's edge

Point = tuple[float, float]
Box = tuple[float, float, float, float]


class Link(NamedTuple):
    number: int
    origin: dict[str, Any]
    output: int
    target: dict[str, Any]
    socket: int

    @property
    def start(self) -> Point:
        return self.origin["pos"][0] + self.origin["size"][0], _level(self.origin, self.output)

    @property
    def end(self) -> Point:
        return self.target["pos"][0], _level(self.target, self.socket)


def _level(node: dict[str, Any], socket: int) -> float:
    return node["pos"][1] + (socket + 0.7) * SLOT


def links_of(page: dict[str, Any]) -> list[Link]:
    nodes = {node["id"]: node for node in page["nodes"]}
    return [
        Link(number, nodes[origin], output, nodes[target], socket)
        for number, origin, output, target, socket, _ in page["links"]
    ]


def drawn(points: Sequence[Point]) -> list[Point]:
    """What the page draws from an output past reroutes to an input: curves, as a row of points."""
    ways = [math.atan2(b[1] - a[1], b[0] - a[0]) for a, b in pairwise(points)]
    turns = [0.0, *map(_between, ways, ways[1:]), 0.0]
    last, row = len(points) - 1, []
    for i, (start, end) in enumerate(pairwise(points)):
        swing = SWING * math.dist(start, end)
        out, into = (swing if at in (0, last) else min(swing, FURTHEST) for at in (i, i + 1))
        row += _curve(
            start,
            (start[0] + out * math.cos(turns[i]), start[1] + out * math.sin(turns[i])),
            (end[0] - into * math.cos(turns[i + 1]), end[1] - into * math.sin(turns[i + 1])),
            end,
        )
    return row


def _between(before: float, after: float) -> float:
    """The direction of a wire at a reroute: half of each side's."""
    half = (before - after) * 0.5
    return before - (half + math.pi if abs(half) > math.pi * 0.5 else half)


def _curve(*points: Point, count: int = 24) -> list[Point]:
    row = []
    for step in range(count + 1):
        t = step / count
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        x, y = (sum(w * p[i] for w, p in zip(weights, points, strict=True)) for i in (0, 1))
        row.append((x, y))
    return row


def behind(points: Sequence[Point], boxes: Sequence[Box], margin: float = 2) -> bool:
    """Whether a wire runs behind one of the boxes."""
    return any(
        left - margin < x < right + margin and top - margin < y < bottom + margin
        for x, y in points
        for left, top, right, bottom in boxes
    )


def _lanes(top: float, middle: float, bottom: float) -> list[float]:
    count = int((bottom - top) / 2 // APART)
    return [middle + APART * number for number in range(-count, count + 1)]


class Column:
    """One column of nodes, and the room that wires have to pass it."""

    def __init__(self, nodes: Sequence[dict[str, Any]], ceiling: float) -> None:
        self.boxes = sorted((room(node) for node in nodes), key=lambda one: one[1])
        self.left = min(one[0] for one in self.boxes)
        self.right = max(one[2] for one in self.boxes)
        edges = [*(y for one in self.boxes for y in (one[1], one[3]))]
        edges = [max(ceiling, edges[0] - ROOM), *edges, edges[-1] + ROOM]
        self._gaps = list(pairwise(edges))[::2]
        self._taken: list[tuple[float, tuple]] = []

    def ways(self, wire: tuple) -> dict[float, float]:
        """Levels at which this wire can pass, with what each costs: it passes where it has passed
        already, or else in the middle of the room or beside others there."""
        own = [level for level, other in self._taken if other == wire]
        return dict.fromkeys(own, 0.0) or {
            level: abs(level - middle)
            for top, bottom in self._gaps
            for middle in [(top + bottom) / 2]
            for level in _lanes(top + MARGIN, middle, bottom - MARGIN)
            if all(abs(level - other) >= APART - 1 for other, _ in self._taken)
        }

    def take(self, level: float, wire: tuple) -> None:
        self._taken.append((level, wire))


def way(link: Link, passed: Sequence[Column], rightward: bool) -> list[Point]:
    """Reroutes for a link past these columns: with the least ups and downs."""
    wire = (link.origin["id"], link.output)
    best: dict[float, tuple[float, list[float]]] = {link.start[1]: (0, [])}
    for column in passed:
        best = {
            level: min(
                (cost + extra + abs(level - before), [*path, level])
                for before, (cost, path) in best.items()
            )
            for level, extra in column.ways(wire).items()
        }
    _, levels = min((cost + abs(link.end[1] - y), path) for y, (cost, path) in best.items())
    points: list[Point] = []
    for column, level in zip(passed, levels, strict=True):
        column.take(level, wire)
        sides = (column.left - BESIDE, column.right + BESIDE)
        points += [(x, level) for x in (sides if rightward else sides[::-1])]
    return _with_corners(link.start, _simple(points), link.end)


def _simple(points: list[Point]) -> list[Point]:
    """Without those on a straight way between two others."""
    kept = [
        points[i]
        for i in range(1, len(points) - 1)
        if not points[i - 1][1] == points[i][1] == points[i + 1][1]
    ]
    return [points[0], *kept, points[-1]]


def _with_corners(start: Point, points: list[Point], end: Point) -> list[Point]:
    """A long way up or down beside a column would swing out and run behind its nodes."""
    first, last = points[0][1] - start[1], points[-1][1] - end[1]
    if abs(first) > STEEP:
        points = [(start[0] + BESIDE, start[1] + math.copysign(CORNER, first)), *points]
    if abs(last) > STEEP:
        points = [*points, (end[0] - BESIDE, end[1] + math.copysign(CORNER, last))]
    return points


def flattened(points: list[Point]) -> list[Point]:
    """With a second reroute at the ends of a level way, so that its bow stays level."""
    row = []
    for before, after in pairwise(points):
        step = math.copysign(FLAT, after[0] - before[0])
        level = before[1] == after[1] and abs(after[0] - before[0]) > 4 * FLAT
        row.append(before)
        if level:
            row += [(before[0] + step, before[1]), (after[0] - step, after[1])]
    return [*row, points[-1]]


def save(page: dict[str, Any], ways: dict[int, list[Point]]) -> None:
    """Writes reroutes into the page's form: links of one output share theirs as far as they can."""
    outputs = {link[0]: (link[1], link[2]) for link in page["links"]}
    reroutes: dict[tuple, dict[str, Any]] = {}
    ends = []
    for number, points in sorted(ways.items()):
        parent = None
        for count, point in enumerate(points, 1):
            key = (outputs[number], tuple(points[:count]))
            one = reroutes.setdefault(
                key, {"id": len(reroutes) + 1, "pos": [round(x) for x in point], "linkIds": []}
            )
            if parent is not None:
                one["parentId"] = parent
            one["linkIds"].append(number)
            parent = one["id"]
        ends.append({"id": number, "parentId": parent})
    page["extra"] = {"linkExtensions": ends, "reroutes": list(reroutes.values())} if ends else {}
