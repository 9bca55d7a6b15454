"""Workflows as the page saves them: nodes with sockets, numbered links, values by position."""

import math
from collections.abc import Iterator
from typing import Any

from .check import text
from .everywhere import connect_by_name
from .graph import ACTIVE, Graph, Link, Node, number
from .scopes import Scope, connect_border, read_scopes
from .their_nodes import is_theirs
from .values import UnknownLayout, named_values
from .wires import GET, REROUTE, SET, wire_type


def read_ui(workflow: dict[str, Any]) -> tuple[Graph, list[Scope]]:
    """All nodes of a workflow, those inside its subgraphs too."""
    scopes = read_scopes(workflow)
    nodes: dict[str, Node] = {}
    for scope in scopes:
        origins = scope.origins()
        for record in scope.record["nodes"]:
            node = _node(record, scope, origins)
            nodes[node.id] = node
            if node.id in scope.inside:
                _open(node, scope.inside[node.id])
                scope.inside[node.id].mode = scope.mode or node.mode
    for scope in scopes[1:]:
        connect_border(scope)
        nodes |= {wire.id: wire for wire in (*scope.ins, *scope.outs)}
    _name_wires(nodes.values(), scopes)
    connect_by_name(workflow, nodes)
    return Graph(nodes, _last_id(scopes)), scopes


def _open(instance: Node, scope: Scope) -> None:
    """What was read as one node is a border around others, with links of its own."""
    scope.instance = instance
    instance.inputs = {}
    for wire in scope.ins:
        wire.scope = instance.scope
        wire.pos = instance.pos
    for wire in scope.outs:
        wire.scope = scope.path
        wire.pos = instance.pos


def _last_id(scopes: list[Scope]) -> int:
    ids = (str(record["id"]) for scope in scopes for record in scope.record["nodes"])
    known = [last_number(scope.record, "last_node_id", "lastNodeId") for scope in scopes]
    return max([*known, *(number(key) or 0 for key in ids)])


def last_number(workflow: dict[str, Any], name: str, newer: str) -> int:
    """The highest number that the page gave out, as either schema notes it."""
    known = workflow.get(name, (workflow.get("state") or {}).get(newer))
    return known if isinstance(known, int) else 0


def _name_wires(nodes: Any, scopes: list[Scope]) -> None:
    """Where the names of wires are known: in the scope itself, else in those around it."""
    names = {(n.scope, n.inputs.get("Constant")) for n in nodes if n.type == SET and _named(n)}
    around = {scope.path: [one.path for one in scope.ancestors()] for scope in scopes}
    for node in nodes:
        if node.type == SET:
            node.reach = node.scope
        elif node.type == GET and _named(node):
            name = node.inputs["Constant"]
            paths = (path for path in around[node.scope] if (path, name) in names)
            node.reach = next(paths, node.scope)


def _named(node: Node) -> bool:
    return isinstance(node.inputs.get("Constant"), str)


def theirs_unread(workflow: dict[str, Any], scopes: list[Scope]) -> Iterator[Node]:
    """Nodes of AnimateDiff-Evolved inside subgraphs and group nodes that could not be read, with
    ids that say where."""
    read = {id(scope.record) for scope in scopes}
    used = {record["type"] for scope in scopes for record in scope.record["nodes"]}
    subgraphs = (workflow.get("definitions") or {}).get("subgraphs") or []
    groups = (workflow.get("extra") or {}).get("groupNodes") or {}
    named = [(f"workflow{sign}{name}", group) for name, group in groups.items() for sign in ">/"]
    insides = [(str(inside.get("id")), inside) for inside in subgraphs]
    for key, inside in [*insides, *named]:
        if key not in used or id(inside) in read:
            continue
        for index, record in enumerate(inside.get("nodes") or []):
            if is_theirs(record.get("type") or ""):
                place = f"{inside.get('name') or key}/{record.get('id', index)}"
                yield Node(place, record["type"], title=text(record.get("title")))


def _node(record: dict[str, Any], scope: Scope, origins: dict[Any, Link]) -> Node:
    sockets, linked, kinds = _sockets(record, origins)
    inputs, problem = _values(record, linked.keys())
    controls = {name.partition(":")[0]: inputs.pop(name) for name in [*inputs] if ":" in name}
    return Node(
        id=scope.flat(record["id"]),
        type=wire_type(record["type"]),
        inputs=inputs | linked,
        title=text(record.get("title")),
        mode=scope.mode or record.get("mode", ACTIVE),
        raw=record,
        sockets=sockets,
        problem=problem,
        controls=controls,
        pos=_position(record.get("pos")),
        scope=scope.path,
        input_kinds=kinds,
        outputs=[(text(o.get("name")), _kind(o)) for o in record.get("outputs") or []],
    )


def _sockets(
    record: dict[str, Any], origins: dict[Any, Link]
) -> tuple[list[str], dict[str, Link], dict[str, str]]:
    """Names of a node's inputs by slot, and by name what is linked to them and their types."""
    linked: dict[str, Link] = {}
    kinds: dict[str, str] = {}
    for slot, socket in enumerate(record.get("inputs") or []):
        name = socket.get("name") or REROUTE
        while name in kinds:
            name = f"{name}#{slot}"
        kinds[name] = _kind(socket)
        if socket.get("link") in origins:
            linked[name] = origins[socket["link"]]
    return [*kinds], linked, kinds


def _kind(socket: dict[str, Any]) -> str:
    kind = socket.get("type")
    return kind if isinstance(kind, str) else "*"


def _values(record: dict[str, Any], linked: Any) -> tuple[dict[str, Any], str]:
    """A node's values by name, and why there are none."""
    try:
        return named_values(wire_type(record["type"]), record.get("widgets_values"), linked), ""
    except UnknownLayout as problem:
        return {}, str(problem)


def _position(pos: Any) -> tuple[float, float]:
    """A list of two, or in older files a dict with the keys 0 and 1."""
    pair = [pos.get("0", 0), pos.get("1", 0)] if isinstance(pos, dict) else pos
    if not isinstance(pair, list) or len(pair) < 2:
        return 0.0, 0.0
    x, y = (float(v) if isinstance(v, (int, float)) and math.isfinite(v) else 0.0 for v in pair[:2])
    return x, y
