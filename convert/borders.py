"""Links that a conversion made across the border of a subgraph get slots there."""

import uuid
from typing import Any

from .graph import Graph, Link, Node
from .our_nodes import OURS
from .scopes import Scope
from .wires import REROUTE

ANY = "*"


def homes(scopes: list[Scope]) -> dict[str, tuple[str, str]]:
    """For each wire through a border, the scopes where its input and its output are."""
    found = {}
    for scope in scopes:
        if scope.parent is not None:
            found |= {wire.id: (scope.parent.path, scope.path) for wire in scope.ins}
            found |= {wire.id: (scope.path, scope.parent.path) for wire in scope.outs}
    return found


def output_type(graph: Graph, origin: Link | None, fallback: str = ANY) -> str:
    """The type of an output, as the page writes it with a link."""
    node = graph.nodes.get(origin.node) if origin else None
    if node is None or origin is None:
        return fallback
    if node.raw is None:
        return OURS[node.type].outputs[origin.output][1] if node.type in OURS else fallback
    if node.outputs and "outputs" not in node.raw:  # a slot of a border
        return node.outputs[0][1]
    outputs = node.raw.get("outputs") or []
    known = 0 <= origin.output < len(outputs)
    return outputs[origin.output].get("type", fallback) if known else ANY


def _within(inner: str, outer: str) -> bool:
    """Whether a scope is another one, or in it."""
    return not outer or inner == outer or inner.startswith(f"{outer}:")


class Borders:
    """Makes wires through borders, one for all that take the same output in the same scope."""

    def __init__(self, graph: Graph, scopes: list[Scope]):
        self.graph = graph
        self.scopes = {scope.path: scope for scope in scopes}
        self.homes = homes(scopes)
        self.made: dict[tuple[Link, str], Link] = {}

    def lead_all(self) -> None:
        """Every link between nodes of different scopes, by way of those between them."""
        if len(self.scopes) == 1:
            return
        self._settle()
        for node in list(self.graph.nodes.values()):
            home = self.homes.get(node.id, (node.scope, ""))[0]
            for name, old in list(node.links()):
                link = self._shortest(old, home)
                origin = self.graph.nodes.get(link.node)
                if origin is not None and (there := self._given_in(origin)) != home:
                    link = self._lead(link, there, home)
                if link != old:
                    self.graph.set_input(node, name, link)

    def _shortest(self, link: Link, home: str) -> Link:
        """What came into a subgraph and is needed outside of it is what it was before; and so the
        other way."""
        while (wire := self.graph.nodes.get(link.node)) is not None and wire.id in self.homes:
            before, there = self.homes[wire.id]
            further = wire.link("")
            nearer = further is not None and _within(home, before) and not _within(home, there)
            inside = further is not None and _within(before, there) and _within(home, before)
            if further is None or there == home or not (nearer or inside):
                break
            link = further
        return link

    def _settle(self) -> None:
        """A new node between nodes of one other scope goes there: FreeNoise to its sampler."""
        for node in reversed([node for node in self.graph.nodes.values() if node.raw is None]):
            origins = [self.graph.nodes.get(link.node) for _, link in node.links()]
            before = {self._given_in(origin) for origin in origins if origin is not None}
            takers = [one for link in self.graph.taken(node) for one in self.graph.consumers(link)]
            behind = {self.homes.get(one.id, (one.scope, ""))[0] for one, _ in takers}
            if len(before | behind) == 1 and before and behind:
                node.scope = behind.pop()

    def _given_in(self, origin: Node) -> str:
        return self.homes.get(origin.id, ("", origin.scope))[1]

    def _lead(self, link: Link, start: str, end: str) -> Link:
        above = [scope.path for scope in self.scopes[end].ancestors()]
        scope: Scope | None = self.scopes[start]
        while scope is not None and scope.parent is not None and scope.path not in above:
            link = self._through(link, scope, scope.outs, ">", scope.parent.path)
            scope = scope.parent
        common = scope.path if scope is not None else ""
        for path in reversed(above[: above.index(common)]):
            inner = self.scopes[path]
            link = self._through(link, inner, inner.ins, "<", path)
        return link

    def _through(self, link: Link, scope: Scope, wires: list[Node], sign: str, into: str) -> Link:
        """One slot more at a border, or the one that is there for this link."""
        key = (link, into)
        if key not in self.made:
            same = (wire for wire in wires if wire.id in self.graph.nodes and wire.link("") == link)
            wire = next(same, None) or self._new(link, scope, wires, sign)
            self.made[key] = Link(wire.id, 0)
        return self.made[key]

    def _new(self, link: Link, scope: Scope, wires: list[Node], sign: str) -> Node:
        kind = output_type(self.graph, link)
        number = len(wires)
        taken = {(w.raw or {}).get("name") for w in wires if w.id in self.graph.nodes}
        name = kind.lower().removeprefix("adn_")
        while name in taken:
            name += "_"
        slot: dict[str, Any] = {
            "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{scope.path}{sign}{number}{name}")),
            "name": name,
            "type": kind,
            "linkIds": [],
        }
        wire = Node(f"{scope.path}{sign}{number}", REROUTE, {"": link}, raw=slot)
        wire.outputs = [("", kind)]
        assert scope.parent is not None
        inner, outer = scope.path, scope.parent.path
        wire.scope = outer if sign == "<" else inner
        self.homes[wire.id] = (outer, inner) if sign == "<" else (inner, outer)
        wires.append(wire)
        self.graph.enter(wire)
        return wire
