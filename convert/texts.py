"""Texts that come by a link from a node which only holds one."""

from .graph import Graph, Link
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
