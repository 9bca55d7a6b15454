"""A converted graph as the page saves it. What was not touched stays as it was in the file."""

from typing import Any

from .borders import Borders, output_type
from .check import LINK, link_parts
from .graph import ACTIVE, Graph, Link, Node, number
from .our_nodes import OURS, SEEDS, with_defaults
from .scopes import INPUTS, Scope
from .subgraph_write import Definitions, border_slots, instance_record
from .ui_read import last_number

OPTIONAL_SHAPE = 7  # how the page marks a socket that may stay empty


class Links:
    """The links of one scope: old numbers where a connection is as it was, new ones elsewhere."""

    def __init__(self, graph: Graph, scope: Scope):
        self.graph = graph
        self.scope = scope
        record = scope.record
        self.old = {link_parts(link)["id"]: link for link in record["links"] if link}
        self.origins = scope.origins()
        self.as_dicts = any(isinstance(link, dict) for link in record["links"])
        self.as_dicts |= not record["links"] and scope.parent is not None
        numbers = [key if isinstance(key, int) else number(key) or 0 for key in self.old]
        self.last = max([last_number(record, "last_link_id", "lastLinkId"), *numbers])
        self.kept: set[Any] = set()
        self.new: list[Any] = []
        self.leaving: dict[Link, dict[Any, None]] = {}
        self.ends: dict[str, tuple[str, int]] = {}  # of wires through borders: node and slot
        for slot, wire in enumerate(wire for wire in scope.ins if wire.id in graph.nodes):
            self.ends[wire.id] = (INPUTS, slot)
        for child in scope.inside.values():
            for slot, wire in enumerate(wire for wire in child.outs if wire.id in graph.nodes):
                self.ends[wire.id] = (child.path, slot)

    def connect(self, origin: Link, target: Any, slot: int, kind: str, old_number: Any) -> Any:
        """The number of the link into a slot."""
        source = self._local(origin)
        old = link_parts(self.old[old_number]) if old_number in self.old else {}
        if (
            self.origins.get(old_number) == origin
            and old.get("target_slot") == slot
            and ((str(old["origin_id"]), old["origin_slot"]) == source)
        ):
            link_id = old_number
            self.kept.add(link_id)
        else:
            self.last += 1
            link_id = self.last
            key = number(source[0]) if source[0] != INPUTS else int(INPUTS)
            parts = (link_id, source[0] if key is None else key, source[1])
            self.new.append(self._record(*parts, target, slot, kind))
        self.leaving.setdefault(origin, {})[link_id] = None
        return link_id

    def _local(self, origin: Link) -> tuple[str, int]:
        """The node and slot that an output has in this scope."""
        if origin.node not in self.ends:
            return self.scope.local(origin.node), origin.output
        key, slot = self.ends[origin.node]
        return (key if key == INPUTS else self.scope.local(key)), slot

    def _record(self, *parts: Any) -> Any:
        return dict(zip((*LINK, "type"), parts, strict=True)) if self.as_dicts else [*parts]

    def records(self) -> list[Any]:
        return [link for number, link in self.old.items() if number in self.kept] + self.new

    def gone(self) -> set[Any]:
        return self.old.keys() - self.kept


def write_ui(graph: Graph, scopes: list[Scope], made: dict[str, list[str]]) -> dict[str, Any]:
    """The workflow with the graph's nodes and links in place of its own. made: the nodes of ours
    that stand for others, by the ids of those."""
    Borders(graph, scopes).lead_all()
    nodes: dict[str, list[Node]] = {scope.path: [] for scope in scopes}
    borders = {wire.id for scope in scopes for wire in (*scope.ins, *scope.outs)}
    for node in graph.nodes.values():
        if node.id not in borders:
            nodes[node.scope].append(node)
    definitions = Definitions(made)
    for scope in reversed(scopes):  # from inside to outside: an instance names what it is one of
        links = Links(graph, scope)
        written = _scope(graph, scope, links, nodes[scope.path], definitions)
        if scope.parent is None:
            return definitions.put_into(written)
        definitions.add(scope, written, {node.id for node in nodes[scope.path] if node.raw is None})
    raise AssertionError("a workflow is a scope of its own")


def _scope(
    graph: Graph, scope: Scope, links: Links, nodes: list[Node], definitions: Definitions
) -> dict[str, Any]:
    record = scope.record
    records = []
    for node in nodes:
        child = scope.inside.get(node.id)
        if child is not None:
            records.append(instance_record(graph, child, links, definitions))
        elif node.raw is None:
            made = _new(node, len(nodes), links)
            off = scope.mode != ACTIVE and node.mode == scope.mode  # the instance says so already
            records.append({**made, "mode": ACTIVE} if off else made)
        else:
            records.append(_old(node, graph, links))
    slots = border_slots(graph, scope, links) if scope.parent is not None else {}
    _list_links(graph, scope, links, records)
    asked = {} if scope.parent is None else {"revision": 0}  # by the page, as is the whole state
    written = {**asked, **record, **slots, "nodes": records, "links": links.records()}
    last = graph.last_id
    if scope.parent is not None:
        ids = [number(str(made["id"])) or 0 for made in records]
        last = max([last_number(record, "last_node_id", "lastNodeId"), *ids])
    if scope.parent is not None or record.get("state") is not None:
        state = {"lastNodeId": last, "lastLinkId": links.last}
        missing = {} if scope.parent is None else {"lastGroupId": 0, "lastRerouteId": 0}
        written["state"] = {**missing, **(record.get("state") or {}), **state}
    else:
        written |= {"last_node_id": last, "last_link_id": links.last}
    return without_links(written, links.gone())


def _list_links(graph: Graph, scope: Scope, links: Links, records: list[dict[str, Any]]) -> None:
    """Give every output the numbers of its links."""
    for made in records:
        child = scope.inside.get(scope.flat(made["id"]))
        wires = [w for w in child.outs if w.id in graph.nodes] if child else None
        for slot, output in enumerate(made.get("outputs") or []):
            origin = Link(wires[slot].id, 0) if wires else Link(scope.flat(made["id"]), slot)
            own = Link(str(made["id"]), slot)  # the id of a new node is its own in all scopes
            leaving = links.leaving.get(origin) or links.leaving.get(own, {})
            output["links"] = in_order(output.get("links"), leaving)


def in_order(old: Any, now: dict[Any, None]) -> list[Any] | None:
    """Numbers of links as they were listed, the new ones behind."""
    order = [link_id for link_id in old or [] if link_id in now]
    kept = set(order)
    return order + [link_id for link_id in now if link_id not in kept] or (
        None if old is None else []
    )


def _old(node: Node, graph: Graph, links: Links) -> dict[str, Any]:
    """A record of the file, whose sockets may have another link now, or none."""
    record = dict(node.raw or {})
    if "inputs" in record:
        sockets = [dict(socket) for socket in record["inputs"] or []]
        for slot, (name, socket) in enumerate(zip(node.sockets, sockets, strict=True)):
            origin = node.link(name)
            if origin is not None and origin == node.by_name.get(name):
                continue  # the page makes this link itself
            old = socket.get("link")
            kind = output_type(graph, origin, socket.get("type", "*"))
            socket["link"] = origin and links.connect(origin, record["id"], slot, kind, old)
        record["inputs"] = sockets
    if "outputs" in record:
        record["outputs"] = [dict(output) for output in record["outputs"] or []]
    return record


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
        "properties": {
            "Node name for S&R": node.type,
            **({"models": node.models} if node.models else {}),
        },
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


def without_links(written: dict[str, Any], gone: set[Any]) -> dict[str, Any]:
    """A workflow without what the page notes about links that are gone: bends of wires, and links
    that Anything Everywhere would make."""
    kept = _without_bends(written, gone)
    if isinstance(kept.get("extra"), dict):
        kept["extra"] = _without_bends(kept["extra"], gone)
    return kept


def _without_bends(held: dict[str, Any], gone: set[Any]) -> dict[str, Any]:
    kept = dict(held)
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
