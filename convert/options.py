"""Options of the incumbent's nodes: reading one, and saying which cannot be taken over."""

import math
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

from .graph import ACTIVE, MUTED, Graph, Link, Node
from .held import held
from .latents import frames
from .pipes import holder_of, samples
from .report import Report
from .their_nodes import DEFAULTS, is_theirs

STRONGEST = 2.0  # of Apply Motion Module, and of a Load MotionLoRA
NEXT_TO = 40  # pixels between nodes that stand for one


@dataclass
class Job:
    """A conversion while it runs. made: nodes of ours by the id of the one that they stand for.
    samplers, loaders, samplings: where walks to these ended, see Graph.follow. latents: frames of
    those that were counted. lengths: of all clips, once they were asked for. beside: how many nodes
    were put at the place of each. numbers: of schedules that were read, by their nodes."""

    graph: Graph
    report: Report
    made: dict[str, Node] = field(default_factory=dict)
    samplers: dict[Link, Link] = field(default_factory=dict)
    latents: dict[Link, int | None] = field(default_factory=dict)
    loaders: dict[Link, Link] = field(default_factory=dict)
    samplings: dict[Link, Link] = field(default_factory=dict)
    lengths: set[int] | None = None
    beside: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, list[float]] = field(default_factory=dict)

    def add(self, node_type: str, inputs: dict[str, Any], beside: Node, **settings: Any) -> Node:
        """A new node at the place of another one, a little lower for each that is there already."""
        shift = NEXT_TO * self.beside.get(beside.id, 0)
        self.beside[beside.id] = self.beside.get(beside.id, 0) + 1
        pos = (beside.pos[0] + shift, beside.pos[1] + shift)
        return self.graph.add(node_type, inputs, beside, **{"pos": pos, **settings})

    def replace(self, node: Node, outputs: dict[int, Link], *made: Node) -> None:
        """Take a node out. outputs: what its users take instead, by its outputs; made: the nodes of
        ours that stand for it."""
        for output, link in outputs.items():
            self.graph.relink(Link(node.id, output), link)
        self.report.replaced(node, *made)
        self.graph.remove(node)

    def value(self, node: Node, name: str) -> Any:
        """An option as the file has it, or its default."""
        default = DEFAULTS.get(node.type, {}).get(name)
        found = node.inputs.get(name, default)
        return default if isinstance(found, Link) and self.graph.is_dead(found) else found

    def constant(self, node: Node, name: str) -> Any:
        """An option that must be known here: that of a connected node which only holds one, else
        as the file has it. A computed one is reported, and its default taken."""
        value = self.value(node, name)
        if not isinstance(value, Link):
            return value
        default = DEFAULTS.get(node.type, {}).get(name)
        known = held(self.graph, value, *([] if default is None else [type(default)]))
        if known is None:
            self.report.leave(node, f"{name} is connected; {default!r} is used instead")
        return default if known is None else known

    def number(self, node: Node, name: str) -> Any:
        """An option that is a number: that of a connected node which only holds one, else as the
        file has it, which can be a link."""
        return self._held(node, name, int, float)

    def text(self, node: Node, name: str) -> Any:
        """The same of a text."""
        return self._held(node, name, str)

    def switch(self, node: Node, name: str) -> Any:
        """The same of what is on or off."""
        return self._held(node, name, bool)

    def _held(self, node: Node, name: str, *kinds: type) -> Any:
        value = self.value(node, name)
        known = held(self.graph, value, *kinds) if isinstance(value, Link) else None
        return value if known is None else known

    def known_number(self, node: Node, name: str) -> Any:
        """The same where it must be known here."""
        value = self.number(node, name)
        return self.constant(node, name) if isinstance(value, Link) else value

    def option(self, node: Node, name: str) -> Node | None:
        """The active node that an option comes from; of the bypassed, nothing arrives."""
        origin = self.graph.origin(node.link(name))
        return origin if origin is not None and origin.mode == ACTIVE else None

    def arrives(self, node: Node, name: str) -> Link | None:
        """What is connected to an input, if that comes from a node that runs, or that hands on."""
        origin = self.graph.origin(node.link(name))
        return node.link(name) if origin is not None and origin.mode != MUTED else None

    def chain(self, node: Node, name: str, behind: str, known: Container[str]) -> list[Node]:
        """Options plugged into one another, the nearest first. A bypassed one gives on what it
        takes, a muted one nothing; others than the known ones are reported."""
        found: list[Node] = []
        origin = self.graph.origin(node.link(name))
        while origin is not None and origin.mode != MUTED:
            if origin.mode == ACTIVE and (origin.problem or origin.type not in known):
                why = origin.problem or f"it was connected as {name} to {node}, and that has no "
                self.report.drop(origin, origin.problem or f"{why}equivalent")
            elif origin.mode == ACTIVE:
                found.append(origin)
            origin = self.graph.origin(origin.link(behind))
        return found

    def refuse_options(self, node: Node, *names: str) -> None:
        """List connected options that nothing of ours stands for."""
        for name in names:
            origin = self.option(node, name)
            if origin is not None:
                what = f"it was connected as {name} to {node}, and that has no equivalent"
                if is_theirs(origin.type):
                    self.report.drop(origin, what)
                else:
                    self.report.leave(node, f"{name} from {origin} has no equivalent")

    def refuse_values(self, node: Node, *names: str, why: str = "has no equivalent") -> None:
        """List values that are not the default and that nothing of ours stands for."""
        for name in names:
            value = self.value(node, name)
            if isinstance(value, Link) or value != DEFAULTS[node.type][name]:
                shown = "is connected, and that" if isinstance(value, Link) else f"{value!r}"
                self.report.leave(node, f"{name} {shown} {why}")

    def frames(self, link: Link | None) -> int | None:
        """How many frames a latent has, where the file says so."""
        return None if link is None else frames(self.graph, link, self.latents)

    def clip_lengths(self) -> set[int]:
        """The lengths of all clips that are sampled, where the file says so: of those whose
        samplers run, where some do."""
        if self.lengths is None:
            found = [node for node in self.graph.nodes.values() if samples(node)]
            running = [node for node in found if node.mode == ACTIVE] or found
            counts = {self.frames(self._latent(node)) for node in running}
            self.lengths = {length for length in counts if length is not None}
        return self.lengths

    def _latent(self, sampler: Node) -> Link | None:
        own = sampler.link("latent_image")
        found = None if own else holder_of(self.graph, sampler, "latent")
        return found[0].link(found[1]) if found else own

    def title(self, node: Node) -> str:
        """A title that the user gave; those of the incumbent end in its sign."""
        return "" if "🅐🅓" in node.title else node.title


def is_number(value: Any) -> bool:
    """Whether a value is a finite number."""
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return plain and math.isfinite(value)
