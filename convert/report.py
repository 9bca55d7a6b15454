"""What a conversion did, and what it could not do."""

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


@dataclass
class Report:
    """The lists of a Conversion while it is being made. dropped: ids of nodes of which nothing is
    left over, and so neither of what serves only them."""

    converted: list[str] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)

    def replaced(self, old: Node, *new: Node) -> None:
        """A node that others stand for now."""
        became = ", ".join(f"{node.type} ({node.id})" for node in new) or "nothing: not needed"
        line = f"node {old.id}, {old.type} -> {became}"
        if line not in self.converted:
            self.converted.append(line)

    def leave(self, node: Node, reason: str) -> None:
        """Something of a node that has no equivalent."""
        entry = Left(node.id, node.type, node.title, reason)
        if entry not in self.left:
            self.left.append(entry)

    def drop(self, node: Node, reason: str) -> None:
        """A node that nothing of ours stands for."""
        self.leave(node, reason)
        self.dropped.add(node.id)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def knows(self, node: Node) -> bool:
        """Whether something of this node was listed as left."""
        return any(entry.node_id == node.id for entry in self.left)
