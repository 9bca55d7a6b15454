"""What Anything Everywhere? gives to inputs by the titles and names that it is set to, for nodes of
Advanced-ControlNet that are converted: those in their place have other titles."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .graph import MUTED, Link, Node
from .their_images import SPARSE_INDEXES, SPARSE_RGB

GIVERS = ("Anything Everywhere", "Anything Everywhere3")
CHOOSY = "Anything Everywhere?"  # its values: of titles, of inputs, of groups
ANY = ("", ".*", ".")
TITLES = {
    SPARSE_RGB: "RGB SparseCtrl 🛂🅐🅒🅝",
    SPARSE_INDEXES: "SparseCtrl Index Method 🛂🅐🅒🅝",
}


def named_links(nodes: Mapping[str, Node]) -> Iterator[tuple[Node, str, Link]]:
    """Inputs without a link, and the one that the page would give them."""
    givers = [node for node in nodes.values() if _gives(node)]
    for node in nodes.values() if givers else ():
        for name, kind in node.input_kinds.items() if node.type in TITLES else ():
            if node.link(name) is not None:
                continue
            found = _matching(nodes, givers, node, name, kind)
            if len(found) == 1:
                yield node, name, found.pop()


def _gives(node: Node) -> bool:
    return node.type in (*GIVERS, CHOOSY) and node.mode != MUTED


def _matching(
    nodes: Mapping[str, Node], givers: Sequence[Node], node: Node, name: str, kind: str
) -> set[Link]:
    """Those that ask for such an input; else those that give to all of its type. What cannot run
    without takes what is there, as titles may be others now."""
    asked, all_of_it, others = set(), set(), set()
    for giver in givers:
        links = {link for _, link in giver.links() if _kind(nodes, link) == kind}
        if giver.type != CHOOSY:
            all_of_it |= links
        elif links and _asks_for(giver, node, name):
            asked |= links
        else:
            others |= links
    return asked or all_of_it or (others if node.type == SPARSE_RGB else set())


def _asks_for(giver: Node, node: Node, name: str) -> bool:
    values = (giver.raw or {}).get("widgets_values")
    if not isinstance(values, list) or len(values) < 3 or values[2] not in ANY:
        return False
    titled = any(_fits(values[0], title) for title in (node.title, TITLES[node.type]) if title)
    return titled and _fits(values[1], name)


def _fits(pattern: Any, text: str) -> bool:
    try:
        return isinstance(pattern, str) and bool(re.search(pattern, text))
    except re.error:
        return False


def _kind(nodes: Mapping[str, Node], link: Link) -> str:
    outputs = nodes[link.node].outputs if link.node in nodes else []
    return outputs[link.output][1] if 0 <= link.output < len(outputs) else ""
