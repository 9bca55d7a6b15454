"""The ways of wires between arranged nodes: past columns, through the room between their nodes.

A wire that would run behind a node gets reroutes, as the page saves them.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from tools.node_sizes import box

SLOT = 20  # pixels from one socket of a node to the next
MARGIN = 18  # from a wire to a node that it passes
LANES = 12  # at most, side by side
APART = 13  # from one wire to another that runs beside it
BESIDE = 24  # from a column to the reroute beside it
FAR = 100_000  # pixels: no end of a column
CURVE = 0.25  # how far a curve of the page swings out, as a share of its length

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


def curve(start: Point, end: Point, count: int = 24) -> list[Point]:
    """What the page draws from an output to an input: about so."""
    swing = CURVE * ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5
    points = (start, (start[0] + swing, start[1]), (end[0] - swing, end[1]), end)
    drawn = []
    for step in range(count + 1):
        t = step / count
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        drawn.append(tuple(sum(w * p[i] for w, p in zip(weights, points, strict=True)) for i in (0, 1)))
    return drawn


def behind(points: Sequence[Point], boxes: Sequence[Box], margin: float = 2) -> bool:
    """Whether a wire runs behind one of the boxes."""
    return any(
        left - margin < x < right + margin and top - margin < y < bottom + margin
        for x, y in points
        for left, top, right, bottom in boxes
    )


class Column:
    """One column of nodes, and the room that wires have to pass it."""

    def __init__(self, nodes: Sequence[dict[str, Any]], ceiling: float) -> None:
        self.boxes = sorted((box(node) for node in nodes), key=lambda one: one[1])
        self.left = min(one[0] for one in self.boxes)
        self.right = max(one[2] for one in self.boxes)
        edges = [ceiling, *(y for one in self.boxes for y in (one[1], one[3])), FAR]
        self._gaps = [gap for gap in list(pairwise(edges))[::2] if gap[1] - gap[0] > 2 * MARGIN]
        self._taken: list[tuple[float, tuple]] = []

    def ways(self, wire: tuple) -> list[float]:
        """Levels at which this wire can pass: where it has passed already, or beside others."""
        own = [level for level, other in self._taken if other == wire]
        return own or [level for gap in self._gaps for level in self._free(gap)]

    def _free(self, gap: tuple[float, float]) -> list[float]:
        """A few lanes: at a column's two ends, those next to its nodes."""
        top, bottom = gap[0] + MARGIN, gap[1] - MARGIN
        if bottom == FAR - MARGIN:
            bottom = top + LANES * APART
        top = max(top, bottom - LANES * APART)
        levels = [top + APART * step for step in range(int((bottom - top) / APART) + 1)]
        return [x for x in levels if all(abs(x - other) >= APART - 1 for other, _ in self._taken)]

    def take(self, level: float, wire: tuple) -> None:
        self._taken.append((level, wire))


def way(link: Link, passed: Sequence[Column], rightward: bool) -> list[Point]:
    """Reroutes for a link past these columns: with the least ups and downs."""
    wire = (link.origin["id"], link.output)
    best: dict[float, tuple[float, list[float]]] = {link.start[1]: (0, [])}
    for column in passed:
        step = {}
        for level in column.ways(wire):
            cost, path = min(
                (cost + abs(level - before), path) for before, (cost, path) in best.items()
            )
            step[level] = (cost, [*path, level])
        best = step
    _, levels = min((cost + abs(link.end[1] - y), path) for y, (cost, path) in best.items())
    points: list[Point] = []
    for column, level in zip(passed, levels, strict=True):
        column.take(level, wire)
        sides = (column.left - BESIDE, column.right + BESIDE)
        points += [(x, level) for x in (sides if rightward else sides[::-1])]
    return _simple(points)


def _simple(points: list[Point]) -> list[Point]:
    """Without those on a straight way between two others."""
    kept = [
        points[i]
        for i in range(1, len(points) - 1)
        if not points[i - 1][1] == points[i][1] == points[i + 1][1]
    ]
    return [points[0], *kept, points[-1]]


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
