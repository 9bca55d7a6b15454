"""Texts that come by a link from a node which only holds one."""

from collections.abc import Iterator
from typing import Any

from .graph import Graph, Link, Node
from .held import constants, held

WITHOUT_LINES = "StringConstantMultiline"  # KJNodes: takes them out where its switch says so
MORE = {"JWStringMultiline", "Eden_String"}  # hold a text, and their names do not tell


def held_text(graph: Graph, link: Link) -> str | None:
    """None where it is computed, or not known."""
    node = graph.origin(link)
    if node is None or next(node.links(), None) is not None or node.type not in MORE:
        found = held(graph, link, str)
    else:
        values = (node.raw or {}).get("widgets_values") or [*node.inputs.values()]
        found = next((value for value in values if isinstance(value, str)), None)
    if node is not None and node.type == WITHOUT_LINES and True in constants(node, 0):
        return found and "".join(found.splitlines())
    return found


def texts_before(graph: Graph, link: Link) -> Iterator[str]:
    """All texts that are in the file of what a link comes from, over whatever nodes."""
    todo, seen = [link.node], {link.node}
    while todo:
        node = graph.nodes.get(todo.pop())
        if node is None:
            continue
        yield from _texts([(node.raw or {}).get("widgets_values"), *node.inputs.values()])
        before = {source.id for source in graph.sources(node)} - seen
        seen |= before
        todo += before


def _texts(values: Any) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, (list, dict)) and not isinstance(value, Link):
            inside = value.values() if isinstance(value, dict) else value
            yield from (text for text in inside if isinstance(text, str))


def is_unsent(node: Node, name: str, text: str) -> bool:
    """Whether the page keeps what a widget holds to itself, since that is a socket without a link.
    Newer pages show a socket for every widget, that of the text too, and send what these hold."""
    if name not in node.sockets or node.link(name) is not None:
        return False
    sockets = dict(zip(node.sockets, (node.raw or {}).get("inputs") or [], strict=False))
    shows_all = text in node.sockets and node.link(text) is None
    return not (shows_all and sockets.get(name, {}).get("widget"))
