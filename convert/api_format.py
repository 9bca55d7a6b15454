"""Workflows in API format: a dict of id -> class_type, inputs, _meta."""

from typing import Any

from .graph import Graph, Link, Node
from .our_nodes import OURS, with_defaults


def is_api(workflow: dict[str, Any]) -> bool:
    """Whether every entry is a node of this format."""
    return bool(workflow) and all(
        isinstance(node, dict) and "class_type" in node and isinstance(node.get("inputs"), dict)
        for node in workflow.values()
    )


def read_api(workflow: dict[str, Any]) -> Graph:
    nodes = {
        key: Node(
            id=key,
            type=record["class_type"],
            inputs={name: _value(v, workflow) for name, v in record["inputs"].items()},
            title=record.get("_meta", {}).get("title", ""),
            raw=record,
        )
        for key, record in workflow.items()
    }
    return Graph(nodes, max([int(key) for key in nodes if key.isdecimal()], default=0))


def _value(value: Any, workflow: dict[str, Any]) -> Any:
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], int):
        origin = str(value[0])
        if isinstance(value[0], (str, int)) and origin in workflow:
            return Link(origin, value[1])
    return value


def write_api(graph: Graph) -> dict[str, Any]:
    return {key: _record(node) for key, node in graph.nodes.items()}


def _record(node: Node) -> dict[str, Any]:
    if node.raw is not None:
        return {**node.raw, "inputs": _plain(node.inputs)}
    return {
        "class_type": node.type,
        "_meta": {"title": node.title or OURS[node.type].title},
        "inputs": _plain(with_defaults(node)),
    }


def _plain(inputs: dict[str, Any]) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, Link) else v for k, v in inputs.items()}
