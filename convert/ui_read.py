"""Workflows as the page saves them: nodes with sockets, numbered links, values by position."""

from typing import Any

from .graph import REROUTE, Graph, Link, Node
from .their_nodes import is_theirs
from .values import UnknownLayout, named_values


def is_ui(workflow: dict[str, Any]) -> bool:
    """Whether this is the format of the page."""
    nodes, links = workflow.get("nodes"), workflow.get("links")
    if not isinstance(nodes, list) or not isinstance(links, list):
        return False
    return all(isinstance(node, dict) and "id" in node for node in nodes)


def read_ui(workflow: dict[str, Any]) -> Graph:
    """The top level of a workflow; what is inside its subgraphs stays there."""
    origins = link_origins(workflow)
    nodes = {str(record["id"]): _node(record, origins) for record in workflow["nodes"]}
    known = workflow.get("last_node_id", workflow.get("state", {}).get("lastNodeId", 0))
    numbers = [int(key) for key in nodes if key.isdecimal()]
    return Graph(nodes, max([*numbers, known if isinstance(known, int) else 0]))


def link_origins(workflow: dict[str, Any]) -> dict[Any, Link]:
    """Where each link comes from, by its number. Links are lists, or dicts in the newer schema."""
    origins = {}
    for link in filter(None, workflow["links"]):  # old pages saved null for a link that was cut
        number, node, slot = (
            (link["id"], link["origin_id"], link["origin_slot"])
            if isinstance(link, dict)
            else link[:3]
        )
        origins[number] = Link(str(node), int(slot))
    return origins


def theirs_inside(workflow: dict[str, Any]) -> list[Node]:
    """Nodes of AnimateDiff-Evolved inside subgraphs, and inside group nodes, which these have
    replaced; with ids that say where."""
    subgraphs = (workflow.get("definitions") or {}).get("subgraphs") or []
    groups = (workflow.get("extra") or {}).get("groupNodes") or {}
    insides = [(inside.get("name", inside.get("id")), inside) for inside in subgraphs]
    return [
        Node(f"{name}/{record.get('id', number)}", record["type"], title=record.get("title", ""))
        for name, inside in [*insides, *groups.items()]
        for number, record in enumerate(inside.get("nodes", []))
        if is_theirs(record.get("type", ""))
    ]


def _node(record: dict[str, Any], origins: dict[Any, Link]) -> Node:
    node = Node(
        id=str(record["id"]),
        type=record.get("type", ""),
        title=record.get("title", ""),
        mode=record.get("mode", 0),
        raw=record,
        pos=_position(record.get("pos")),
    )
    try:
        node.inputs.update(named_values(node.type, record.get("widgets_values")))
    except UnknownLayout as problem:
        node.problem = str(problem)
    node.controls = {
        name.partition(":")[0]: node.inputs.pop(name) for name in [*node.inputs] if ":" in name
    }
    for slot, socket in enumerate(record.get("inputs") or []):
        name = socket.get("name") or REROUTE
        name = f"{name}#{slot}" if name in node.sockets else name
        node.sockets.append(name)
        if socket.get("link") in origins:
            node.inputs[name] = origins[socket["link"]]
    return node


def _position(pos: Any) -> tuple[float, float]:
    """A list of two, or in older files a dict with the keys 0 and 1."""
    pair = [pos.get("0", 0), pos.get("1", 0)] if isinstance(pos, dict) else (pos or [0, 0])
    return float(pair[0]), float(pair[1])
