"""A workflow as nodes and links, whichever of the two formats it came from."""

from collections.abc import Callable, Iterable, Iterator, Mapping, ValuesView
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, cast

from ..motion.errors import AnimateDiffError
from .pipes import is_pipe, through_pipe
from .wires import GET, SET, WIRES

ACTIVE, MUTED, BYPASSED = 0, 2, 4  # the page's modes; API format knows only what is active
LONGEST_NUMBER = 300  # digits of an id
MOST_NODES = 100_000  # of a workflow while it is converted


class Link(NamedTuple):
    """One output of a node, as the source of an input."""

    node: str
    output: int


@dataclass
class Node:
    """A node; its inputs by name, each a value or a Link. Its graph alone changes them.

    Of a node that was in the file, `raw` is its record there, and of the values only those are
    known that the conversion reads. sockets: names of its inputs by slot, for the page's format.
    problem: why its values could not be read. controls: what the page does to a seed after a run.
    scope: the subgraph's instance that it is in, by the id of that. reach: that in which the name
    of its end of a wire is known. input_kinds, outputs: types by input, names and types by output,
    where the format tells them. by_name: inputs that have their link by the page's Anything
    Everywhere, as it was. models: where its files can be had.
    """

    id: str
    type: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    mode: int = ACTIVE
    raw: dict[str, Any] | None = None
    sockets: list[str] = field(default_factory=list)
    problem: str = ""
    controls: dict[str, str] = field(default_factory=dict)
    pos: tuple[float, float] = (0.0, 0.0)
    scope: str = ""
    reach: str = ""
    input_kinds: dict[str, str] = field(default_factory=dict)
    outputs: list[tuple[str, str]] = field(default_factory=list)
    by_name: dict[str, Link] = field(default_factory=dict)
    models: list[dict[str, Any]] = field(default_factory=list)

    def link(self, name: str) -> Link | None:
        """What is connected to an input, if anything is."""
        value = self.inputs.get(name)
        return value if isinstance(value, Link) else None

    @property
    def is_wire(self) -> bool:
        return self.type in WIRES

    def links(self) -> Iterator[tuple[str, Link]]:
        """Its connected inputs."""
        return ((name, value) for name, value in self.inputs.items() if isinstance(value, Link))

    def __str__(self) -> str:
        return f"node {self.id} ({self.type})"


class Graph:
    """Nodes by id, in the order of the file. New ones get the numbers behind `last_id`.

    It knows at any time who takes an output and which nodes are ends of a wire by name, so that no
    question about one node looks at all the others.
    """

    def __init__(self, nodes: dict[str, Node], last_id: int):
        self.nodes: dict[str, Node] = {}
        self.last_id = last_id
        self._places: dict[str, int] = {}
        self._takers: dict[str, dict[int, dict[tuple[str, str], None]]] = {}
        self._ends: dict[tuple[str, str], dict[str, Node]] = {}
        self._wires: dict[Link, Link] = {}
        self._plain: dict[Link, Link] = {}
        for node in nodes.values():
            self.enter(node)

    def add(self, node_type: str, inputs: dict[str, Any], beside: Node, **settings: Any) -> Node:
        """A new node at the place of another one."""
        if len(self.nodes) >= MOST_NODES:
            raise AnimateDiffError(
                f"this workflow would become one of more than {MOST_NODES} nodes.",
                "fewer nodes that share long chains of others",
                "split it into several workflows.",
            )
        self.last_id += 1
        place = {"pos": beside.pos, "scope": beside.scope}
        node = Node(str(self.last_id), node_type, inputs, **{**place, **settings})
        self.enter(node)
        return node

    def enter(self, node: Node) -> None:
        """Take in a node with the id that it has."""
        self.nodes[node.id] = node
        self._places[node.id] = len(self._places)
        if (end := _end_of_wire(node)) is not None:
            self._ends.setdefault(end, {})[node.id] = node
        for name, link in node.links():
            self._note(link, node, name)

    def remove(self, node: Node) -> None:
        """Take a node out. Inputs that it fed lose their link."""
        for output in self.taken(node):
            for other, name in list(self.consumers(output)):
                self.set_input(other, name, None)
        for name, link in node.links():
            self._forget(link, node, name)
        if (end := _end_of_wire(node)) is not None:
            del self._ends[end][node.id]
        self._forget_walks(node)
        del self.nodes[node.id]

    def set_input(self, node: Node, name: str, value: Any) -> None:
        """Give an input of a node another value or link; with None, neither."""
        inputs = cast("dict[str, Any]", node.inputs)
        if (link := node.link(name)) is not None:
            self._forget(link, node, name)
        if value is None:
            del inputs[name]
        else:
            inputs[name] = value
        if isinstance(value, Link):
            self._note(value, node, name)
        self._forget_walks(node)

    def _forget_walks(self, changed: Node) -> None:
        """What is known of wires, where one of them changes."""
        if changed.type in WIRES or is_pipe(changed):
            self._wires.clear()
            self._plain.clear()

    def _note(self, link: Link, node: Node, name: str) -> None:
        outputs = self._takers.setdefault(link.node, {})
        outputs.setdefault(link.output, {})[node.id, name] = None

    def _forget(self, link: Link, node: Node, name: str) -> None:
        outputs = self._takers[link.node]
        del outputs[link.output][node.id, name]
        if not outputs[link.output]:
            del outputs[link.output]

    def relink(self, old: Link, new: Link) -> None:
        """Whatever took one output takes another."""
        for node, name in list(self.consumers(old)):
            self.set_input(node, name, new)

    def consumers(self, link: Link) -> Iterator[tuple[Node, str]]:
        """Who takes an output, and by which input."""
        takers = self._takers.get(link.node, {}).get(link.output, {})
        for key, name in sorted(takers, key=lambda taker: self._places[taker[0]]):
            yield self.nodes[key], name

    def taken(self, node: Node) -> list[Link]:
        """The outputs of a node that something takes."""
        return [Link(node.id, output) for output in sorted(self._takers.get(node.id, {}))]

    def users(self, node: Node) -> list[Node]:
        """Nodes that take any output of a node."""
        outputs = self._takers.get(node.id, {}).values()
        ids = {key for takers in outputs for key, _ in takers}
        return self.present(ids) + ([*self.named(GET, node)] if node.type == SET else [])

    def is_used(self, node: Node) -> bool:
        """Whether it has users."""
        return bool(self._takers.get(node.id)) or (node.type == SET and bool(self.named(GET, node)))

    def present(self, ids: Iterable[str]) -> list[Node]:
        """Those of these nodes that are still there, in the order of the file."""
        there = [key for key in ids if key in self.nodes]
        return [self.nodes[key] for key in sorted(there, key=self._places.__getitem__)]

    def named(self, kind: str, node: Node) -> ValuesView[Node]:
        """The ends of one kind of the wire by name that a node is an end of."""
        end = _end_of_wire(node)
        return (self._ends.get((kind, end[1]), {}) if end else {}).values()

    def given_on(self, node: Node) -> list[Link]:
        """The outputs that something takes of a node, and of the other ends of a wire by name."""
        ends = self.named(GET, node) if node.type == SET else ()
        return [link for end in (node, *ends) for link in self.taken(end)]

    def origin(self, link: Link | None) -> Node | None:
        """The node that a link comes from, seen through what is only a wire."""
        node = None if link is None else self.nodes.get(self.source(link).node)
        return None if node is None or node.type in WIRES else node

    def source(self, link: Link) -> Link:
        """A link seen through what is only a wire, or a pipe: the output that it comes from."""
        return self.follow(link, self._through, self._wires)

    def wired(self, link: Link) -> Link:
        """A link seen through wires alone."""
        return self.follow(link, self._through_wire, self._plain)

    def is_dead(self, link: Link) -> bool:
        """Whether a link comes from a wire that has nothing at its other end."""
        node = self.nodes.get(self.wired(link).node)
        if node is None or node.type not in WIRES or node.type == GET:
            return False
        return next(node.links(), None) is None and "value" not in node.inputs

    def _through(self, link: Link) -> Link | None:
        further = self._through_wire(link)
        return through_pipe(self, link) if further is None else further

    def _through_wire(self, link: Link) -> Link | None:
        node = self.nodes.get(link.node)
        if node is not None and node.type == GET:
            node = next(iter(self.named(SET, node)), None)
        if node is None or node.type not in WIRES:
            return None
        return next((link for _, link in node.links()), None)

    def follow(
        self, link: Link, step: Callable[[Link], Link | None], known: dict[Link, Link]
    ) -> Link:
        """The last link of a walk. known: where walks came to before, used while that is there, so
        that walks along one way take no longer together than the longest of them."""
        passed: dict[Link, None] = {}
        while True:
            end = known.get(link)
            further = end if end is not None and end.node in self.nodes else step(link)
            if further is None or further in passed:
                known.update(dict.fromkeys(passed, link))
                return link
            passed[link] = None
            link = further

    def sources(self, node: Node) -> Iterator[Node]:
        """Where its links come from, and for one end of a wire by name, the other."""
        for _, link in node.links():
            if link.node in self.nodes:
                yield self.nodes[link.node]
        if node.type == GET:
            yield from islice(self.named(SET, node), 1)

    def looped(self) -> list[Node]:
        """Nodes whose output leads back to them, and those between two such."""
        sources = {n.id: {source.id for source in self.sources(n)} for n in self.nodes.values()}
        left = _without_ends(sources)
        return self.present(_without_ends(_turned({key: sources[key] & left for key in left})))


def _without_ends(sources: dict[str, set[str]]) -> set[str]:
    """What is left when, over and over, all are taken away that wait for nothing."""
    feeds = _turned(sources)
    waiting = {key: len(found) for key, found in sources.items()}
    free = [key for key, count in waiting.items() if not count]
    while free:
        key = free.pop()
        del waiting[key]
        for user in feeds[key]:
            waiting[user] -= 1
            if not waiting[user]:
                free.append(user)
    return {*waiting}


def _turned(sources: dict[str, set[str]]) -> dict[str, set[str]]:
    """The same links by their other ends."""
    turned: dict[str, set[str]] = {key: set() for key in sources}
    for key, found in sources.items():
        for source in found:
            turned[source].add(key)
    return turned


def number(node_id: str) -> int | None:
    """An id that is a number; None where it is not, or too long to count on."""
    decimal = node_id.isascii() and node_id.isdecimal() and len(node_id) <= LONGEST_NUMBER
    return int(node_id) if decimal else None


def _end_of_wire(node: Node) -> tuple[str, str] | None:
    """Kind and name of one end of a wire by name."""
    name = node.inputs.get("Constant") if node.type in (SET, GET) else None
    return (node.type, f"{node.reach}\n{name}") if isinstance(name, str) else None
