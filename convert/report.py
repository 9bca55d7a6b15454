"""What a conversion did, and what it could not do."""

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .graph import Node


class Left(NamedTuple):
    """Something without an equivalent: the node it is about, and why."""

    node_id: str
    type: str
    title: str
    reason: str

    def __str__(self) -> str:
        name = f' "{self.title}"' if self.title and self.title != self.type else ""
        return f"node {self.node_id}, {self.type}{name}: {self.reason}"


@dataclass(frozen=True)
class Conversion:
    """A converted workflow. left: what changes meaning; notes: what is good to know."""

    workflow: dict[str, Any]
    converted: list[str]
    left: list[Left]
    notes: list[str]

    @property
    def whole(self) -> bool:
        """Whether nothing is lost."""
        return not self.left

    def sections(self) -> list[tuple[str, list[str]]]:
        """All that there is to say, under titles: the same from everywhere."""
        parts = (
            ("Converted", self.converted),
            ("Good to know", self.notes),
            ("Left, since it has no equivalent", [*map(str, self.left)]),
        )
        return [(title, lines) for title, lines in parts if lines]


@dataclass
class Report:
    """The lists of a Conversion while it is being made, each line once. dropped: ids of nodes of
    which nothing is left over, and so neither of what serves only them; made: ids of the nodes of
    ours that stand for one."""

    converted: dict[str, None] = field(default_factory=dict)
    left: dict[Left, None] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    made: dict[str, list[str]] = field(default_factory=dict)
    _replaced: set[str] = field(default_factory=set)
    _known: set[str] = field(default_factory=set)

    def replaced(self, old: Node, *new: Node) -> None:
        """A node that others stand for now."""
        became = ", ".join(f"{node.type} ({node.id})" for node in new) or "nothing: not needed"
        self.became(old, became)
        self.made.setdefault(old.id, []).extend(node.id for node in new)

    def became(self, node: Node, what: str) -> None:
        """A node that is converted, and to what."""
        self.converted[f"node {node.id}, {node.type} -> {what}"] = None
        self._replaced.add(node.id)

    def leave(self, node: Node, reason: str) -> None:
        """Something of a node that has no equivalent."""
        self.left[Left(node.id, node.type, node.title, reason)] = None
        self._known.add(node.id)

    def drop(self, node: Node, reason: str) -> None:
        """A node that nothing of ours stands for."""
        self.leave(node, reason)
        self.dropped.add(node.id)

    def note(self, text: str) -> None:
        self.notes[text] = None

    def knows(self, node: Node) -> bool:
        """Whether something of this node was listed as left."""
        return node.id in self._known

    def forget(self, idle: Container[str], there: Container[str]) -> None:
        """Take back what was listed of nodes that take no part in any run and are gone."""
        self.left = {
            entry: None
            for entry in self.left
            if entry.node_id not in idle or entry.node_id in there
        }

    def was_replaced(self, node: Node) -> bool:
        """Whether it was listed as converted."""
        return node.id in self._replaced

    def about(self, workflow: dict[str, Any]) -> Conversion:
        """The whole, with what was made."""
        return Conversion(workflow, [*self.converted], [*self.left], [*self.notes])
