"""One canvas of a workflow: the boxes of its nodes, and which of the new ones are fed by what."""

from collections.abc import Container, Iterator
from typing import Any

from .boxes import Box, box_of, pair
from .graph import Graph, Node
from .scopes import Scope

BORDERS = {"inputNode": (-300.0, 0.0), "outputNode": (3000.0, 0.0)}  # where a file does not say
BORDER_SIZE = (120.0, 60.0)


class Sheet:
    """boxes: by their nodes' ids; made: those of new nodes; borders: of a subgraph's slots."""

    def __init__(self, graph: Graph, scope: Scope, nodes: list[Node], before: Container[str]):
        self.scope = scope
        self.boxes = {node.id: box_of(node, node.id not in before) for node in nodes}
        self.made = [box for box in self.boxes.values() if box.made]
        self.borders = {name: _border(scope, name) for name in BORDERS if scope.parent is not None}
        self._feeders: dict[int, dict[int, Box]] = {}  # by what they feed, then by themselves
        self._users: dict[int, dict[int, Box]] = {}
        if self.made:
            self._wire(graph, nodes)

    @property
    def kept(self) -> list[Box]:
        """All that was there before."""
        return [*self.borders.values(), *(box for box in self.boxes.values() if not box.made)]

    def _wire(self, graph: Graph, nodes: list[Node]) -> None:
        ends = dict(self.boxes)
        inner = [(child, self.boxes[key]) for key, child in self.scope.inside.items()
                 if key in self.boxes]  # fmt: skip
        for child, box in inner:
            ends |= {wire.id: box for wire in (*child.ins, *child.outs)}
        if self.borders:
            ends |= {wire.id: self.borders["inputNode"] for wire in self.scope.ins}
            ends |= {wire.id: self.borders["outputNode"] for wire in self.scope.outs}
        takers = [*nodes, *(wire for child, _ in inner for wire in child.ins), *self.scope.outs]
        for taker in takers:
            if taker.id in graph.nodes:
                for _, link in taker.links():
                    self._note(ends.get(link.node), ends[taker.id])

    def _note(self, source: Box | None, target: Box) -> None:
        if source is not None and source is not target and (source.made or target.made):
            self._feeders.setdefault(id(target), {})[id(source)] = source
            self._users.setdefault(id(source), {})[id(target)] = target

    def feeders_of(self, box: Box) -> list[Box]:
        return [*self._feeders.get(id(box), {}).values()]

    def users_of(self, box: Box) -> list[Box]:
        return [*self._users.get(id(box), {}).values()]

    def in_order(self) -> list[Box]:
        """The new ones, each behind those that feed it."""
        waiting = {id(box): sum(f.made for f in self.feeders_of(box)) for box in self.made}
        order = [box for box in self.made if not waiting[id(box)]]
        for box in order:
            for user in self.users_of(box):
                if user.made:
                    waiting[id(user)] -= 1
                    if not waiting[id(user)]:
                        order.append(user)
        there = {id(box) for box in order}
        return order + [box for box in self.made if id(box) not in there]


def sheets(graph: Graph, scopes: list[Scope], before: Container[str]) -> Iterator[Sheet]:
    """Those on which something is new."""
    borders = {wire.id for scope in scopes for wire in (*scope.ins, *scope.outs)}
    nodes: dict[str, list[Node]] = {scope.path: [] for scope in scopes}
    for node in graph.nodes.values():
        if node.id not in borders:
            nodes[node.scope].append(node)
    for scope in scopes:
        sheet = Sheet(graph, scope, nodes[scope.path], before)
        if sheet.made:
            yield sheet


def _border(scope: Scope, name: str) -> Box:
    """Where the slots of a subgraph's border are."""
    record: Any = scope.record.get(name)
    bounding = record.get("bounding") if isinstance(record, dict) else None
    place = pair(bounding, BORDERS[name])
    size = pair(bounding[2:] if isinstance(bounding, list) else None, BORDER_SIZE)
    return Box(*place, *size)
