"""Values that the instance of a subgraph shows of a node of AnimateDiff-Evolved inside: where they
became constants in a node of ours, that node takes them from the instance again."""

from typing import Any, NamedTuple

from .graph import Graph, Link, Node
from .options import Job
from .our_nodes import OURS
from .sparse_controls import is_sparse
from .subgraph_write import NOW
from .their_nodes import is_theirs


class Shown(NamedTuple):
    """A wire into a subgraph with a value of the instance, and the widget that took it."""

    wire: str
    value: Any
    scope: str
    name: str


def shown_values(graph: Graph) -> list[Shown]:
    """What instances show of their inside, as far as nodes of AnimateDiff-Evolved take it."""
    found = []
    for wire in graph.nodes.values():
        if not wire.is_wire or "value" not in wire.inputs or wire.link("") is not None:
            continue
        for node, name in graph.consumers(Link(wire.id, 0)):
            if is_theirs(node.type) or is_sparse(node.type):
                found.append(Shown(wire.id, wire.inputs["value"], node.scope, name))
    return found


def show_again(job: Job, shown: list[Shown]) -> None:
    """Where one node of ours alone has the value under the name that it has now, give it that of
    the instance."""
    graph = job.graph
    new: dict[str, list[Node]] = {}
    for node in graph.nodes.values() if shown else ():
        if node.raw is None and node.type in OURS:
            new.setdefault(node.scope, []).append(node)
    for one in shown:
        places = [
            (node, widget)
            for node in new.get(one.scope, [])
            for widget, *_ in OURS[node.type].widgets
            if widget in (one.name, NOW.get(one.name)) and _same(node.inputs.get(widget), one.value)
        ]
        if len(places) == 1:
            graph.set_input(*places[0], Link(one.wire, 0))


def _same(ours: Any, theirs: Any) -> bool:
    return (
        not isinstance(ours, Link)
        and ours == theirs
        and isinstance(ours, bool) == isinstance(theirs, bool)
    )
