"""Subgraphs of a workflow that the page saved, read as if their nodes lay in one graph.

Every instance of a subgraph is read for itself. Its nodes get the ids that the page and the server
have for them, `5:2` for node 2 in instance 5, and every slot of its border becomes a wire: `5<0`
into it, `5>0` out of it.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .check import MOST_NODES, is_inside, link_parts, malformed
from .graph import ACTIVE, Link, Node
from .wires import REROUTE

INPUTS, OUTPUTS = "-10", "-20"  # the border, as the links of a subgraph name it
SELF = "-1"  # and as the widgets that an instance shows name it


@dataclass
class Scope:
    """A workflow, or one instance of a subgraph: where its nodes and links are in the file, and
    the wires through its border by slot. path: the instance's id; instance: its node."""

    path: str
    record: dict[str, Any]
    parent: "Scope | None" = None
    instance: Node | None = None
    ins: list[Node] = field(default_factory=list)
    outs: list[Node] = field(default_factory=list)
    inside: "dict[str, Scope]" = field(default_factory=dict)
    mode: int = ACTIVE  # of an instance, or of one around it that is off
    _origins: dict[Any, Link] | None = None

    def flat(self, key: Any) -> str:
        """The id of a node of this scope among all."""
        return f"{self.path}:{key}" if self.path else str(key)

    def local(self, key: str) -> str:
        """The same the other way."""
        return key[len(self.path) + 1 :] if self.path and key.startswith(f"{self.path}:") else key

    def origins(self) -> dict[Any, Link]:
        """Where each link comes from, by its number. Links are lists, or dicts in newer schemas."""
        if self._origins is None:
            links = (link_parts(link) for link in self.record["links"] if link)  # null: it was cut
            self._origins = {link["id"]: self.origin(link) for link in links}
        return self._origins

    def origin(self, link: dict[str, Any]) -> Link:
        key, slot = str(link["origin_id"]), link["origin_slot"]
        if key == INPUTS and self.instance is not None and 0 <= slot < len(self.ins):
            return Link(self.ins[slot].id, 0)
        child = self.inside.get(self.flat(key))
        if child is not None and 0 <= slot < len(child.outs):
            return Link(child.outs[slot].id, 0)
        return Link(self.flat(key), slot)

    def ancestors(self) -> "Iterator[Scope]":
        """Itself and what is around it, to the workflow."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


def subgraphs_of(workflow: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The definitions of subgraphs by id, of those that can be read."""
    found = (workflow.get("definitions") or {}).get("subgraphs") or []
    return {str(one["id"]): one for one in found if "id" in one and is_inside(one)}


def read_scopes(workflow: dict[str, Any]) -> list[Scope]:
    """The workflow and every instance of a subgraph in it, from outside to inside. A subgraph that
    would hold itself stays a node."""
    known = subgraphs_of(workflow)
    scopes: list[Scope] = []
    waiting = deque([Scope("", workflow)])
    nodes = 0
    while waiting:
        scope = waiting.popleft()
        scopes.append(scope)
        nodes += len(scope.record["nodes"])
        if nodes > MOST_NODES:
            raise malformed(f"its subgraphs hold more than {MOST_NODES} nodes", "fewer of them")
        around = {str(one.record.get("id")) for one in scope.ancestors() if one.parent}
        for record in scope.record["nodes"]:
            inside = known.get(record["type"])
            if inside is not None and record["type"] not in around:
                child = _instance(scope, record, inside)
                scope.inside[child.path] = child
                waiting.append(child)
    return scopes


def _instance(parent: Scope, record: dict[str, Any], inside: dict[str, Any]) -> Scope:
    path = parent.flat(record["id"])
    scope = Scope(path, inside, parent)
    for sign, slots, wires in (
        ("<", inside.get("inputs"), scope.ins),
        (">", inside.get("outputs"), scope.outs),
    ):
        for number, slot in enumerate(slots or []):
            kind = str(slot.get("type") or "*")
            wire = Node(f"{path}{sign}{number}", REROUTE, {}, raw=slot, outputs=[("", kind)])
            wires.append(wire)
    return scope


def connect_border(scope: Scope) -> None:
    """Give the wires through a border what comes to them: links from outside and inside, and the
    values that the instance has for what it shows of its inside."""
    assert scope.parent is not None and scope.instance is not None
    origins = scope.parent.origins()
    raw = scope.instance.raw or {}
    values = shown_values(raw)
    for wire, socket in zip(scope.ins, sockets_of(scope, raw), strict=True):
        link = origins.get(socket.get("link")) if socket else None
        name = (socket or wire.raw or {}).get("name")  # newer pages save no socket of a widget
        if link is not None:
            wire.inputs = {"": link}
        elif name in values:
            wire.inputs = {"value": values[name]}
    for link in map(link_parts, filter(None, scope.record["links"])):
        slot = link["target_slot"] if str(link["target_id"]) == OUTPUTS else None
        if isinstance(slot, int) and 0 <= slot < len(scope.outs):
            scope.outs[slot].inputs = {"": scope.origin(link)}


def sockets_of(scope: Scope, raw: dict[str, Any]) -> list[dict[str, Any] | None]:
    """An instance's inputs in the order of the subgraph's: by name, else by place."""
    inputs = raw.get("inputs") or []
    named = {socket.get("name"): socket for socket in reversed(inputs)}
    at = dict(enumerate(inputs))
    wanted = [(wire.raw or {}).get("name") for wire in scope.ins]
    taken = {name for name in wanted if name in named}
    found: list[dict[str, Any] | None] = []
    for number, name in enumerate(wanted):
        by_place = at.get(number)
        free = by_place is not None and by_place.get("name") not in taken
        found.append(named.get(name) or (by_place if free else None))
    return found


def shown(raw: dict[str, Any]) -> list[list[Any]]:
    """Which widgets of its inside an instance shows: pairs of a node, or SELF, and a name."""
    properties = raw.get("properties")
    proxies = properties.get("proxyWidgets") if isinstance(properties, dict) else None
    if not isinstance(proxies, list):
        return []
    return [pair for pair in proxies if isinstance(pair, list) and len(pair) >= 2]


def value_names(raw: dict[str, Any]) -> list[str]:
    """The inputs that an instance has values for, in their order; none where that is not known."""
    values = raw.get("widgets_values") or []
    proxies = shown(raw)
    own = [str(name) for key, name, *_ in proxies if str(key) == SELF]
    widgets = [str(s.get("name")) for s in raw.get("inputs") or [] if s.get("widget")]
    every = [str(name) if str(key) == SELF else "" for key, name, *_ in proxies]
    fitting = (names for names in (own, every, widgets) if len(names) == len(values))
    return next(fitting, [])


def shown_values(raw: dict[str, Any]) -> dict[str, Any]:
    """An instance's own values by the names of its inputs."""
    values = raw.get("widgets_values")
    if not isinstance(values, list):
        return dict(values) if isinstance(values, dict) else {}
    return {name: value for name, value in zip(value_names(raw), values, strict=False) if name}
