"""Workflows in API format: a dict of id -> class_type, inputs, _meta."""

from collections.abc import Mapping
from typing import Any

from .check import text
from .graph import Graph, Link, Node, number
from .our_nodes import OURS, with_defaults
from .values import misfit
from .wires import wire_type


def read_api(workflow: dict[str, Any]) -> Graph:
    nodes = {key: _node(key, record, workflow) for key, record in workflow.items()}
    return Graph(nodes, max([number(key) or 0 for key in nodes], default=0))


def _node(key: str, record: dict[str, Any], workflow: dict[str, Any]) -> Node:
    meta = record.get("_meta")
    inputs = {name: _value(value, workflow) for name, value in record["inputs"].items()}
    return Node(
        id=key,
        type=wire_type(record["class_type"]),
        inputs=inputs,
        title=text(meta.get("title")) if isinstance(meta, dict) else "",
        raw=record,
        problem=misfit(record["class_type"], inputs),
    )


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


def _plain(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, Link) else v for k, v in inputs.items()}
