"""Links without a wire: Anything Everywhere gives an output to every input of its type that has
none. The page keeps which these were under extra.ue_links.

Where these are missing, what one such node gives is taken for the model of a loader alone.
"""

from collections.abc import Iterator
from typing import Any

from .graph import MUTED, Link, Node
from .their_nodes import is_theirs

PACK = ("Anything Everywhere", "Prompts Everywhere", "Seed Everywhere")


def connect_by_name(workflow: dict[str, Any], nodes: dict[str, Node]) -> None:
    """Give inputs the links that the page would give them. What is not touched keeps its own."""
    for node, name, link in [*_kept(workflow, nodes), *_models(nodes)]:
        if name not in node.by_name and node.link(name) is None:
            node.by_name[name] = link
            node.inputs = {**node.inputs, name: link}  # the graph is not made yet


def _kept(workflow: dict[str, Any], nodes: dict[str, Node]) -> Iterator[tuple[Node, str, Link]]:
    extra = workflow.get("extra")
    kept = extra.get("ue_links") if isinstance(extra, dict) else None
    for one in kept if isinstance(kept, list) else ():
        if not isinstance(one, dict):
            continue
        node, origin = nodes.get(str(one.get("downstream"))), nodes.get(str(one.get("upstream")))
        slots = _slot(one.get("downstream_slot")), _slot(one.get("upstream_slot"))
        if node is None or origin is None or slots[0] is None or slots[1] is None:
            continue
        if slots[0] >= len(node.sockets) or slots[1] >= len(origin.outputs):
            continue
        name = node.sockets[slots[0]]
        if not _agree(node.input_kinds.get(name, "*"), origin.outputs[slots[1]][1]):
            continue
        into, out = nodes.get(f"{node.id}<{slots[0]}"), nodes.get(f"{origin.id}>{slots[1]}")
        link = Link(origin.id, slots[1]) if out is None else Link(out.id, 0)
        yield (node, name, link) if into is None else (into, "", link)


def _slot(value: Any) -> int | None:
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else None


def _agree(one: str, other: str) -> bool:
    return one == other or "*" in (one, other)


def _models(nodes: dict[str, Node]) -> Iterator[tuple[Node, str, Link]]:
    """The models of loaders that have none, where only one node gives models to all."""
    bare = [
        node
        for node in nodes.values()
        if is_theirs(node.type)
        and node.input_kinds.get("model") == "MODEL"
        and not node.link("model")
    ]
    if not bare:
        return
    givers = (n for n in nodes.values() if n.type.startswith(PACK) and n.mode != MUTED)
    links = {link for giver in givers for _, link in giver.links() if _gives(nodes, link)}
    if len(links) == 1:
        link = links.pop()
        yield from ((node, "model", link) for node in bare if node.id != link.node)


def _gives(nodes: dict[str, Node], link: Link) -> bool:
    outputs = nodes[link.node].outputs if link.node in nodes else []
    return 0 <= link.output < len(outputs) and outputs[link.output][1] == "MODEL"
