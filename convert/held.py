"""Values that come by a link from a node which only holds one: the page's PrimitiveNode, the host's
primitives, the constants of packs, and what an instance shows of its subgraph."""

import math
import re
from typing import Any

from .graph import Graph, Link, Node
from .layouts import CHANGES
from .wires import WIRES

PRIMITIVE = "PrimitiveNode"
CONSTANT = re.compile(
    r"\b(int|integer|float|number|constant|primitive|literal|value|string|text|bool|boolean|prompt"
    r"|positive|negative|multiline|slider)|^primitive|(int|float|string|bool)(constant|$|\b)",
    re.IGNORECASE,
)
MAKES = re.compile(  # what the value is not in the file of
    r"random|wildcard|dynamic|seed|load|encod|concat|replace|list|batch|image|math|time|date|show"
    r"|file|schedul|format|join|split|switch|calc|interp|concaten|search|range|index|to[_ ]",
    re.IGNORECASE,
)
SCALARS = {"INT", "FLOAT", "STRING", "BOOLEAN", "NUMBER", "COMBO", "*", "BOOL", "TEXT"}
ANY: tuple[type, ...] = (bool, int, float, str)


def held(graph: Graph, link: Link, *kinds: type) -> Any:
    """The value of one of these kinds that a link brings; None where it is computed or not known.

    A whole number is a float too, and no number is a switch.
    """
    source = graph.source(link)
    node = graph.nodes.get(source.node)
    if node is None:
        return None
    if node.type in WIRES:  # the border of a subgraph
        values = [node.inputs.get("value")] if node.link("") is None else []
    else:
        values = constants(node, source.output)
    return next((value for value in values if _is(value, kinds or ANY)), None)


def constants(node: Node, output: int) -> list[Any]:
    """The values of a node that does nothing but hold them, the likeliest first."""
    if next(node.links(), None) is not None or not _holds(node):
        return []
    saved = (node.raw or {}).get("widgets_values")
    if isinstance(saved, list):
        values = saved
    else:
        values = [*(saved if isinstance(saved, dict) else node.inputs).values()]
    if node.type == PRIMITIVE:
        changes = any(isinstance(v, str) and v in CHANGES for v in values[1:2])
        return [] if changes else values[:1]
    texts = [value for value in values if isinstance(value, str)]
    several = len(texts) == len(node.outputs) > 1  # one text for each output
    return [texts[output]] if several and output < len(texts) else values


def _holds(node: Node) -> bool:
    if node.type == PRIMITIVE:
        return True
    if not CONSTANT.search(node.type) or MAKES.search(node.type):
        return False
    return all(kind in SCALARS for _, kind in node.outputs)


def _is(value: Any, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return isinstance(value, kinds) or (float in kinds and isinstance(value, int))
