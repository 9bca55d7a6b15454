"""Links without a wire: Anything Everywhere gives an output to every input of its type that has
none. The page keeps which these were under extra.ue_links.

Where these are missing, what one such node gives is taken for the incumbent's nodes alone: models
for its loaders, and what only its own nodes take.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from .everywhere_named import named_links
from .graph import MUTED, Graph, Link, Node
from .their_nodes import is_theirs

PACK = ("Anything Everywhere", "Prompts Everywhere", "Seed Everywhere")
KINDS = {
    "CONTEXT_OPTIONS",
    "MOTION_LORA",
    "SAMPLE_SETTINGS",
    "M_MODELS",
    "MOTION_MODEL_ADE",
}  # of theirs that none but their own nodes take


def connect_by_name(workflow: dict[str, Any], nodes: dict[str, Node]) -> None:
    """Give inputs the links that the page would give them. What is not touched keeps its own."""
    found = [*_kept(workflow, nodes), *_missing(workflow, nodes), *named_links(nodes)]
    for node, name, link in found:
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


def _missing(workflow: dict[str, Any], nodes: dict[str, Node]) -> Iterator[tuple[Node, str, Link]]:
    """What loaders and the like have none of, where only one node gives such a thing to all."""
    extra = workflow.get("extra")
    kept = isinstance(extra, dict) and isinstance(extra.get("ue_links"), list)
    given = _given(nodes)
    for node in nodes.values() if given else ():
        for name, kind in node.input_kinds.items() if is_theirs(node.type) else ():
            optional = kind != "MODEL" or name != "model"
            if node.link(name) or name.startswith("prev") or (kept and optional):
                continue
            found = given.get(kind, ())
            links = [link for link in found if link.node != node.id] if len(found) < 3 else []
            if len(links) == 1:
                yield node, name, links[0]


def _given(nodes: dict[str, Node]) -> dict[str, dict[Link, None]]:
    """What nodes of that pack give, by type."""
    given: dict[str, dict[Link, None]] = {}
    for node in nodes.values():
        for _, link in node.links() if node.type.startswith(PACK) and node.mode != MUTED else ():
            if (kind := _kind(nodes, link)) in ("MODEL", *KINDS):
                given.setdefault(kind, {})[link] = None
    return given


def _kind(nodes: Mapping[str, Node], link: Link) -> str:
    outputs = nodes[link.node].outputs if link.node in nodes else []
    return outputs[link.output][1] if 0 <= link.output < len(outputs) else ""


def given_to_all(graph: Graph, node: Node) -> bool:
    """Whether a node of theirs serves nothing but that pack's nodes, and what these gave it to is
    gone."""
    users = graph.users(node)
    own = {kind for _, kind in node.outputs} <= KINDS
    return own and all(user.type.startswith(PACK) for user in users)


def empty_givers(graph: Graph, users: list[Node]) -> list[Node]:
    """Those of that pack's nodes that have nothing to give any more."""
    there = [user for user in users if user.type.startswith(PACK) and user.id in graph.nodes]
    return [user for user in there if next(user.links(), None) is None]
