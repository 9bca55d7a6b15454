"""Subgraphs of a converted workflow: their borders, their instances, and their definitions."""

import json
import uuid
from typing import TYPE_CHECKING, Any

from .borders import output_type
from .graph import Graph, Link, Node
from .our_nodes import OURS
from .scopes import OUTPUTS, SELF, Scope, shown, sockets_of, value_names

if TYPE_CHECKING:
    from .ui_write import Links

# What widgets of the incumbent's nodes are called in those that take their place.
NOW = {
    "sparsectrl_name": "sparsectrl",
    "indexes": "at",
    "camera_ctrl": "camera_control",
    "motion_type": "move",
    "frame_length": "frames",
    "batch_index": "image_frame",
    "ref_drift": "motion_scale",
    "model_name": "motion_module",
    "name": "motion_lora",
    "lora_name": "motion_lora",
    "float_val": "strength",
    "prompts": "text",
    "pre_text": "prefix",
    "app_text": "suffix",
    "prepend_text": "prefix",
    "append_text": "suffix",
    "max_frames": "frames",
    "max_length": "frames",
    "fuse_method": "fuse",
}


class Definitions:
    """The definitions of subgraphs. Instances of one share it as long as they are alike; where
    they became different, each kind gets its own."""

    def __init__(self, became: dict[str, list[str]]):
        self.names: dict[str, str] = {}  # by the path of the instance
        self.became = became  # nodes of ours by the one that they stand for
        self._alike: dict[str, dict[str, str]] = {}
        self._written: dict[str, list[dict[str, Any]]] = {}

    def add(self, scope: Scope, written: dict[str, Any], made: set[str]) -> None:
        """What became of one instance's inside. made: nodes that are new in it."""
        own = str(scope.record["id"])
        alike = self._alike.setdefault(own, {})
        text = _compared(written, made)
        if text not in alike:
            alike[text] = (
                own if not alike else str(uuid.uuid5(uuid.NAMESPACE_OID, own + scope.path))
            )
            self._written.setdefault(own, []).append({**written, "id": alike[text]})
        self.names[scope.path] = alike[text]

    def put_into(self, workflow: dict[str, Any]) -> dict[str, Any]:
        """The workflow with them, in the order that they had; those that nothing uses stay."""
        if not self._written:
            return workflow
        definitions = workflow["definitions"]
        listed: list[Any] = []
        for one in definitions["subgraphs"]:
            listed += self._written.get(str(one.get("id")), [one])
        return {**workflow, "definitions": {**definitions, "subgraphs": listed}}


def _compared(written: dict[str, Any], made: set[str]) -> str:
    """A definition as text in which new nodes are numbered by their order."""
    order = {int(key): f"new {index}" for index, key in enumerate(sorted(made, key=int))}
    nodes = [{**node, "id": order.get(node["id"], node["id"])} for node in written["nodes"]]
    links = [
        {**link, "origin_id": order.get(link["origin_id"], link["origin_id"]),
         "target_id": order.get(link["target_id"], link["target_id"])}
        if isinstance(link, dict) else [order.get(part, part) for part in link]
        for link in written["links"]
    ]  # fmt: skip
    state = {**(written.get("state") or {}), "lastNodeId": 0}
    return json.dumps({**written, "nodes": nodes, "links": links, "state": state})


def border_slots(graph: Graph, scope: Scope, links: "Links") -> dict[str, Any]:
    """Inputs and outputs of a definition. Runs when its nodes are written, so that their links
    are known; those to its outputs are made here."""
    found: dict[str, Any] = {}
    outs = [wire for wire in scope.outs if wire.id in graph.nodes]
    listed = []
    for slot, wire in enumerate(outs):
        origin = wire.link("")
        raw = wire.raw or {}
        link_id = None
        if origin is not None:
            old = next(iter(raw.get("linkIds") or []), None)
            kind = output_type(graph, origin, str(raw.get("type") or "*"))
            link_id = links.connect(origin, int(OUTPUTS), slot, kind, old)
        listed.append({**raw, "linkIds": [] if link_id is None else [link_id]})
    if scope.record.get("outputs") is not None or listed:
        found["outputs"] = listed
    listed = []
    for wire in (wire for wire in scope.ins if wire.id in graph.nodes):
        leaving = links.leaving.get(Link(wire.id, 0), {})
        old = [n for n in (wire.raw or {}).get("linkIds") or [] if n in leaving]
        listed.append({**(wire.raw or {}), "linkIds": [*dict.fromkeys([*old, *leaving])]})
    if scope.record.get("inputs") is not None or listed:
        found["inputs"] = listed
    return found


def instance_record(
    graph: Graph, scope: Scope, links: "Links", definitions: Definitions
) -> dict[str, Any]:
    """An instance as it was, with the slots that its subgraph has now."""
    assert scope.instance is not None
    raw = scope.instance.raw or {}
    sockets: list[tuple[Node, dict[str, Any] | None]] = []
    gone: set[str] = set()
    for wire, old in zip(scope.ins, _padded(sockets_of(scope, raw), scope.ins), strict=True):
        if wire.id not in graph.nodes:
            gone.add(str((old or wire.raw or {}).get("name")))
        elif old is not None or wire.link("") is not None:
            sockets.append((wire, old))
    order = {id(socket): index for index, socket in enumerate(raw.get("inputs") or [])}
    sockets.sort(key=lambda pair: order.get(id(pair[1]), len(order)))
    written = {**raw, "type": definitions.names.get(scope.path, raw.get("type"))}
    written["inputs"] = [
        _socket(graph, wire, old, (raw["id"], slot), links)
        for slot, (wire, old) in enumerate(sockets)
    ]
    outputs = _padded(raw.get("outputs") or [], scope.outs)
    written["outputs"] = [
        _slot(wire, old, "links", [])
        for wire, old in zip(scope.outs, outputs, strict=True)
        if wire.id in graph.nodes
    ]
    return _with_shown(graph, scope, written, gone, definitions)


def _padded(found: list[Any], wires: list[Node]) -> list[Any]:
    """As many as there are wires: none for those that are new."""
    return [*found, *[None] * len(wires)][: len(wires)]


def _slot(wire: Node, old: dict[str, Any] | None, links: str, none: Any) -> dict[str, Any]:
    raw = wire.raw or {}
    return dict(old or {"name": raw.get("name"), "type": raw.get("type"), links: none})


def _socket(
    graph: Graph, wire: Node, old: dict[str, Any] | None, target: tuple[Any, int], links: "Links"
) -> dict[str, Any]:
    socket = _slot(wire, old, "link", None)
    origin = wire.link("")
    if origin is None or origin != wire.by_name.get(""):
        kind = output_type(graph, origin, socket.get("type", "*"))
        number = (old or {}).get("link")
        socket["link"] = origin and links.connect(origin, *target, kind, number)
    return socket


def _with_shown(
    graph: Graph, scope: Scope, written: dict[str, Any], gone: set[str], definitions: Definitions
) -> dict[str, Any]:
    """An instance without the values of slots that are gone, and which shows the widgets of nodes
    of ours in place of those that they stand for."""
    raw = (scope.instance and scope.instance.raw) or {}
    values, pairs = raw.get("widgets_values"), shown(raw)
    now = [_now(graph, scope, pair, gone, definitions) for pair in pairs]
    if isinstance(values, list) and len(values) == len(pairs):
        kept = zip(values, now, strict=True)
        written["widgets_values"] = [value for value, pair in kept if pair is not None]
    elif isinstance(values, list) and gone and (names := value_names(raw)):
        named = zip(names, values, strict=True)
        written["widgets_values"] = [value for name, value in named if name not in gone]
    if pairs:
        there = [pair for pair in now if pair is not None]
        written["properties"] = {**raw["properties"], "proxyWidgets": there}
    return written


def _now(
    graph: Graph, scope: Scope, pair: list[Any], gone: set[str], definitions: Definitions
) -> list[Any] | None:
    """What an instance shows in place of a widget; None where that is gone."""
    key, name, *more = pair
    if str(key) == SELF:
        return None if str(name) in gone else pair
    if scope.flat(key) in graph.nodes or scope.flat(key) not in definitions.became:
        return pair
    found = _shown_now(graph, scope, definitions.became[scope.flat(key)], name)
    return found and [*found, *more]


def _shown_now(graph: Graph, scope: Scope, made: list[str], name: Any) -> list[str] | None:
    """The widget of a node of ours that has the value of the incumbent's."""
    for key in made:
        node = graph.nodes.get(key)
        if node is None or node.scope != scope.path or node.type not in OURS:
            continue
        widgets = [widget for widget, *_ in OURS[node.type].widgets]
        found = name if name in widgets else NOW.get(str(name))
        if found in widgets and node.link(found) is None:
            return [key, found]
    return None
