"""A workflow as nodes and links, whichever of the two formats it came from."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

ACTIVE, MUTED, BYPASSED = 0, 2, 4  # the page's modes; API format knows only what is active
REROUTE = "Reroute"
SET, GET = "SetNode", "GetNode"  # KJNodes: wires by name, that only the page knows
WIRES = (REROUTE, SET, GET)


class Link(NamedTuple):
    """One output of a node, as the source of an input."""

    node: str
    output: int


@dataclass
class Node:
    """A node; its inputs by name, each a value or a Link.

    Of a node that was in the file, `raw` is its record there, and of the values only those are
    known that the conversion reads. sockets: names of its inputs by slot, for the page's format.
    problem: why its values could not be read. controls: what the page does to a seed after a run.
    """

    id: str
    type: str
    inputs: dict[str, Any] = field(default_factory=dict)
    title: str = ""
    mode: int = ACTIVE
    raw: dict[str, Any] | None = None
    sockets: list[str] = field(default_factory=list)
    problem: str = ""
    controls: dict[str, str] = field(default_factory=dict)
    pos: tuple[float, float] = (0.0, 0.0)

    def link(self, name: str) -> Link | None:
        """What is connected to an input, if anything is."""
        value = self.inputs.get(name)
        return value if isinstance(value, Link) else None

    def __str__(self) -> str:
        return f"node {self.id} ({self.type})"


class Graph:
    """Nodes by id. New ones get the numbers behind `last_id`."""

    def __init__(self, nodes: dict[str, Node], last_id: int):
        self.nodes = nodes
        self.last_id = last_id

    def add(self, node_type: str, inputs: dict[str, Any], beside: Node, **settings: Any) -> Node:
        """A new node at the place of another one."""
        self.last_id += 1
        node = Node(str(self.last_id), node_type, inputs, **{"pos": beside.pos, **settings})
        self.nodes[node.id] = node
        return node

    def remove(self, node: Node) -> None:
        """Take a node out. Inputs that it fed lose their link."""
        del self.nodes[node.id]
        for other in self.nodes.values():
            for name in [key for key, v in other.inputs.items() if is_from(v, node)]:
                del other.inputs[name]

    def relink(self, old: Link, new: Link) -> None:
        """Whatever took one output takes another."""
        for node, name in list(self.consumers(old)):
            node.inputs[name] = new

    def consumers(self, link: Link) -> Iterator[tuple[Node, str]]:
        """Who takes an output, and by which input."""
        for node in self.nodes.values():
            for name, value in node.inputs.items():
                if isinstance(value, Link) and value == link:
                    yield node, name

    def users(self, node: Node) -> list[Node]:
        """Nodes that take any output of a node."""
        users = [n for n in self.nodes.values() if any(is_from(v, node) for v in n.inputs.values())]
        return users + (self.named(GET, node) if node.type == SET else [])

    def named(self, kind: str, node: Node) -> list[Node]:
        """The other ends of a wire by name."""
        name = node.inputs.get("Constant")
        ends = (n for n in self.nodes.values() if n.type == kind)
        return [n for n in ends if name is not None and n.inputs.get("Constant") == name]

    def origin(self, link: Link | None) -> Node | None:
        """The node that a link comes from, seen through what is only a wire."""
        seen: set[str] = set()
        while link is not None and link.node not in seen:
            seen.add(link.node)
            node = self.nodes.get(link.node)
            if node is not None and node.type == GET:
                node = next(iter(self.named(SET, node)), None)
            if node is None or node.type not in WIRES:
                return node
            link = next((v for v in node.inputs.values() if isinstance(v, Link)), None)
        return None


def is_from(value: Any, node: Node) -> bool:
    """Whether an input's value is a link from this node."""
    return isinstance(value, Link) and value.node == node.id
