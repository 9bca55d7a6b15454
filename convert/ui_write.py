"""A converted graph as the page saves it. What was not touched stays as it was in the file."""

from typing import Any

from .check import LINK, link_parts
from .graph import Graph, Link, Node, number
from .our_nodes import OURS, SEEDS, with_defaults
from .ui_read import last_number, link_origins

OPTIONAL_SHAPE = 7  # how the page marks a socket that may stay empty


class Links:
    """The links of a workflow: old numbers where a connection is as it was, new ones elsewhere."""

    def __init__(self, workflow: dict[str, Any]):
        self.old = {link_parts(link)["id"]: link for link in workflow["links"] if link}
        self.origins = link_origins(workflow)
        self.as_dicts = any(isinstance(link, dict) for link in workflow["links"])
        numbers = [key if isinstance(key, int) else number(key) or 0 for key in self.old]
        self.last = max([last_number(workflow, "last_link_id", "lastLinkId"), *numbers])
        self.kept: set[Any] = set()
        self.new: list[Any] = []
        self.leaving: dict[Link, dict[Any, None]] = {}

    def connect(self, origin: Link, target: Any, slot: int, kind: str, old_number: Any) -> Any:
        """The number of the link into a slot."""
        if old_number is not None and self.origins.get(old_number) == origin:
            link_id = old_number
            self.kept.add(link_id)
        else:
            self.last += 1
            link_id = self.last
            source = number(origin.node)
            parts = (link_id, origin.node if source is None else source, origin.output)
            self.new.append(self._record(*parts, target, slot, kind))
        self.leaving.setdefault(origin, {})[link_id] = None
        return link_id

    def _record(self, *parts: Any) -> Any:
        return dict(zip((*LINK, "type"), parts, strict=True)) if self.as_dicts else [*parts]

    def records(self) -> list[Any]:
        return [link for number, link in self.old.items() if number in self.kept] + self.new

    def gone(self) -> set[Any]:
        return self.old.keys() - self.kept


def write_ui(graph: Graph, workflow: dict[str, Any]) -> dict[str, Any]:
    """The workflow with the graph's nodes and links in place of its own."""
    links = Links(workflow)
    records = [_record(node, graph, links) for node in graph.nodes.values()]
    for record in records:
        for slot, output in enumerate(record.get("outputs") or []):
            leaving = links.leaving.get(Link(str(record["id"]), slot), {})
            old = output.get("links")
            order = [link_id for link_id in old or [] if link_id in leaving]
            kept = set(order)
            order += [link_id for link_id in leaving if link_id not in kept]
            output["links"] = order or (None if old is None else [])
    written = {**workflow, "nodes": records, "links": links.records()}
    if workflow.get("state") is not None:
        state = {"lastNodeId": graph.last_id, "lastLinkId": links.last}
        written["state"] = {**workflow["state"], **state}
    else:
        written |= {"last_node_id": graph.last_id, "last_link_id": links.last}
    if isinstance(workflow.get("extra"), dict):
        written["extra"] = _without_links(workflow["extra"], links.gone())
    return written


def _record(node: Node, graph: Graph, links: Links) -> dict[str, Any]:
    return _new(node, len(graph.nodes), links) if node.raw is None else _old(node, graph, links)


def _old(node: Node, graph: Graph, links: Links) -> dict[str, Any]:
    """A record of the file, whose sockets may have another link now, or none."""
    record = dict(node.raw or {})
    if "inputs" in record:
        sockets = [dict(socket) for socket in record["inputs"] or []]
        for slot, (name, socket) in enumerate(zip(node.sockets, sockets, strict=True)):
            origin = node.link(name)
            old = socket.get("link")
            kind = _output_type(graph, origin, socket.get("type", "*"))
            socket["link"] = origin and links.connect(origin, record["id"], slot, kind, old)
        record["inputs"] = sockets
    if "outputs" in record:
        record["outputs"] = [dict(output) for output in record["outputs"] or []]
    return record


def _output_type(graph: Graph, origin: Link | None, fallback: str) -> str:
    node = graph.nodes.get(origin.node) if origin else None
    if node is None or origin is None:
        return fallback
    if node.raw is None:
        return OURS[node.type].outputs[origin.output][1]
    outputs = node.raw.get("outputs") or []
    known = 0 <= origin.output < len(outputs)
    return outputs[origin.output].get("type", fallback) if known else "*"


def _new(node: Node, order: int, links: Links) -> dict[str, Any]:
    """A node of ours as the page writes one."""
    ours = OURS[node.type]
    own_id = int(node.id)
    sockets: list[dict[str, Any]] = []
    for name, kind, optional in ours.sockets:
        shape = {"shape": OPTIONAL_SHAPE} if optional else {}
        sockets.append({"name": name, **shape, "type": kind, "link": None})
    for name, kind, _ in ours.widgets:
        if node.link(name):
            sockets.append({"name": name, "type": kind, "widget": {"name": name}, "link": None})
    for slot, socket in enumerate(sockets):
        origin = node.link(socket["name"])
        if origin:
            socket["link"] = links.connect(origin, own_id, slot, socket["type"], None)
    return {
        "id": own_id,
        "type": node.type,
        "pos": list(node.pos),
        "size": list(ours.size),
        "flags": {},
        "order": order,
        "mode": node.mode,
        "inputs": sockets,
        "outputs": [{"name": name, "type": kind, "links": []} for name, kind in ours.outputs],
        **({"title": node.title} if node.title else {}),
        "properties": {"Node name for S&R": node.type},
        "widgets_values": _widget_values(node),
    }


def _widget_values(node: Node) -> list[Any]:
    """Values by position. A connected widget keeps its default, as on the page."""
    inputs = with_defaults(node)
    values: list[Any] = []
    for name, _, default in OURS[node.type].widgets:
        values.append(default if isinstance(inputs[name], Link) else inputs[name])
        if name in SEEDS:
            values.append(node.controls.get(name, "fixed"))
    return values


def _without_links(extra: dict[str, Any], gone: set[Any]) -> dict[str, Any]:
    """`extra` without what the page notes there about links that are gone: bends of wires."""
    kept = dict(extra)
    if kept.get("linkExtensions"):
        kept["linkExtensions"] = [x for x in kept["linkExtensions"] if x.get("id") not in gone]
    if kept.get("reroutes"):
        bends = [
            {**bend, "linkIds": [n for n in bend.get("linkIds") or [] if n not in gone]}
            for bend in kept["reroutes"]
        ]
        parents = {bend.get("parentId") for bend in bends}
        kept["reroutes"] = [b for b in bends if b["linkIds"] or b.get("id") in parents]
    return kept
