"""Workflows as the page saves them: nodes with sockets, numbered links, values by position."""

import math
from typing import Any

from .check import link_parts, text
from .graph import ACTIVE, REROUTE, Graph, Link, Node, number
from .their_nodes import is_theirs
from .values import UnknownLayout, named_values


def read_ui(workflow: dict[str, Any]) -> Graph:
    """The top level of a workflow; what is inside its subgraphs stays there."""
    origins = link_origins(workflow)
    nodes = {str(record["id"]): _node(record, origins) for record in workflow["nodes"]}
    known = last_number(workflow, "last_node_id", "lastNodeId")
    return Graph(nodes, max([known, *(number(key) or 0 for key in nodes)]))


def last_number(workflow: dict[str, Any], name: str, newer: str) -> int:
    """The highest number that the page gave out, as either schema notes it."""
    known = workflow.get(name, (workflow.get("state") or {}).get(newer))
    return known if isinstance(known, int) else 0


def link_origins(workflow: dict[str, Any]) -> dict[Any, Link]:
    """Where each link comes from, by its number. Links are lists, or dicts in the newer schema."""
    links = (link_parts(link) for link in workflow["links"] if link)  # null for one that was cut
    return {link["id"]: Link(str(link["origin_id"]), link["origin_slot"]) for link in links}


def theirs_inside(workflow: dict[str, Any]) -> list[Node]:
    """Nodes of AnimateDiff-Evolved inside subgraphs, and inside group nodes, which these have
    replaced; with ids that say where."""
    subgraphs = (workflow.get("definitions") or {}).get("subgraphs") or []
    groups = (workflow.get("extra") or {}).get("groupNodes") or {}
    insides = [(inside.get("name", inside.get("id")), inside) for inside in subgraphs]
    return [
        Node(f"{name}/{record.get('id', index)}", record["type"], title=text(record.get("title")))
        for name, inside in [*insides, *groups.items()]
        for index, record in enumerate(inside.get("nodes") or [])
        if is_theirs(record.get("type") or "")
    ]


def _node(record: dict[str, Any], origins: dict[Any, Link]) -> Node:
    inputs, problem = _values(record)
    controls = {name.partition(":")[0]: inputs.pop(name) for name in [*inputs] if ":" in name}
    sockets: dict[str, None] = {}
    for slot, socket in enumerate(record.get("inputs") or []):
        name = socket.get("name") or REROUTE
        while name in sockets:
            name = f"{name}#{slot}"
        sockets[name] = None
        if socket.get("link") in origins:
            inputs[name] = origins[socket["link"]]
    return Node(
        id=str(record["id"]),
        type=record["type"],
        inputs=inputs,
        title=text(record.get("title")),
        mode=record.get("mode", ACTIVE),
        raw=record,
        sockets=[*sockets],
        problem=problem,
        controls=controls,
        pos=_position(record.get("pos")),
    )


def _values(record: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """A node's values by name, and why there are none."""
    try:
        return named_values(record["type"], record.get("widgets_values")), ""
    except UnknownLayout as problem:
        return {}, str(problem)


def _position(pos: Any) -> tuple[float, float]:
    """A list of two, or in older files a dict with the keys 0 and 1."""
    pair = [pos.get("0", 0), pos.get("1", 0)] if isinstance(pos, dict) else pos
    if not isinstance(pair, list) or len(pair) < 2:
        return 0.0, 0.0
    x, y = (float(v) if isinstance(v, (int, float)) and math.isfinite(v) else 0.0 for v in pair[:2])
    return x, y
