"""Group nodes become subgraphs, which have taken their place on the page. Only those with nodes of
AnimateDiff-Evolved inside: the others stay."""

import copy
import re
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

from .check import is_inside
from .report import Report
from .their_nodes import is_theirs

GROUP = re.compile(r"workflow[>/](.*)", re.DOTALL)
NO_VALUES = ("LoadImage", "Note", "MarkdownNote")


class Unclear(Exception):
    """It is not certain what belongs to what in a group node."""


class Slot(NamedTuple):
    """A slot of a group's inside: place of the node, slot of it, and what the page says of it."""

    node: int
    slot: int
    socket: dict[str, Any]


def open_groups(workflow: dict[str, Any], report: Report) -> dict[str, Any]:
    """The workflow with subgraphs in place of group nodes."""
    groups = (workflow.get("extra") or {}).get("groupNodes") or {}
    theirs = {name for name, group in groups.items() if _has_theirs(group)}
    if not theirs:
        return workflow
    records: list[Any] = []
    made: list[dict[str, Any]] = []
    used: set[str] = set()
    for record in workflow["nodes"]:
        found = GROUP.fullmatch(record["type"])
        name = found.group(1) if found else ""
        if name in theirs:
            try:
                record, inside = _as_subgraph(record, name, groups[name])
                made.append(inside)
                report.converted[f"node {record['id']}, group node {name} -> a subgraph"] = None
            except (Unclear, KeyError, TypeError, IndexError, ValueError, AttributeError):
                used.add(name)
        records.append(record)
    for name in sorted(theirs - used):
        if not any(GROUP.fullmatch(str(r["type"])) and r["type"][9:] == name for r in records):
            groups = {key: group for key, group in groups.items() if key != name}
    definitions = workflow.get("definitions") or {}
    listed = [*(definitions.get("subgraphs") or []), *made]
    written = {**workflow, "nodes": records, "extra": {**workflow["extra"], "groupNodes": groups}}
    return {**written, "definitions": {**definitions, "subgraphs": listed}} if made else written


def _has_theirs(group: dict[str, Any]) -> bool:
    return any(is_theirs(record.get("type") or "") for record in group.get("nodes") or [])


def _as_subgraph(
    record: dict[str, Any], name: str, group: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """An instance, and the definition of what is in it."""
    nodes = [{**copy.deepcopy(node), "id": place + 1} for place, node in enumerate(group["nodes"])]
    links: list[dict[str, Any]] = []
    for node in nodes:
        for socket in node.get("inputs") or []:
            socket["link"] = None
        for output in node.get("outputs") or []:
            output["links"] = []
    for start, slot, end, into, *_ in group.get("links") or []:
        if start is not None and end is not None:  # else to what was outside
            _link(links, nodes, (nodes[start], slot), (nodes[end], into))
    inputs, outputs = _inputs(record, nodes), _outputs(record, nodes, group)
    key = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{name}/{record['id']}"))
    _give_values(record, nodes)
    borders = [
        [_border(links, nodes, key, index, slot, out) for index, slot in enumerate(slots)]
        for out, slots in enumerate((inputs, outputs))
    ]
    last = {"lastGroupId": 0, "lastNodeId": len(nodes), "lastLinkId": len(links)}
    definition: dict[str, Any] = {
        "id": key, "version": 1, "revision": 0, "name": name, "config": {}, "groups": [],
        "inputNode": {"id": -10, "bounding": [-200, 0, 120, 100]},
        "outputNode": {"id": -20, "bounding": [1200, 0, 120, 100]},
        "inputs": borders[0], "outputs": borders[1],
        "widgets": [], "nodes": nodes, "links": links, "extra": {},
        "state": {**last, "lastRerouteId": 0},
    }  # fmt: skip
    if not is_inside(definition):
        raise Unclear
    instance = {**record, "type": key, "widgets_values": [], "properties": {}}
    for slot, socket in zip(inputs, instance.get("inputs") or [], strict=True):
        socket["name"] = slot.socket["name"]
    return instance, definition


def _link(links: list[Any], nodes: list[Any], start: tuple[Any, int], end: tuple[Any, int]) -> None:
    number = len(links) + 1
    output, socket = start[0]["outputs"][start[1]], end[0]["inputs"][end[1]]
    output["links"].append(number)
    socket["link"] = number
    links.append({
        "id": number, "origin_id": start[0]["id"], "origin_slot": start[1],
        "target_id": end[0]["id"], "target_slot": end[1], "type": output.get("type", "*"),
    })  # fmt: skip


def _inputs(record: dict[str, Any], nodes: list[Any]) -> list[Slot]:
    """The inputs inside that an instance's stand for: those without a link, in their order."""
    free = _free(nodes, "inputs", lambda socket: socket.get("link") is None)
    return _matched(free, record.get("inputs") or [])


def _outputs(record: dict[str, Any], nodes: list[Any], group: dict[str, Any]) -> list[Slot]:
    """The same of outputs: of those with a link inside, only what the group gives out as well."""
    external = {(place, slot) for place, slot, *_ in group.get("external") or []}
    free = [
        slot
        for slot in _free(nodes, "outputs", lambda output: True)
        if not slot.socket["links"] or (slot.node, slot.slot) in external
    ]
    return _matched(free, record.get("outputs") or [])


def _free(nodes: list[Any], part: str, wanted: Any) -> Iterator[Slot]:
    for place, node in enumerate(nodes):
        for slot, socket in enumerate(node.get(part) or []):
            if wanted(socket):
                yield Slot(place, slot, socket)


def _matched(free: Any, sockets: list[Any]) -> list[Slot]:
    """One for each socket, by types and order; there has to be one way only that fits so."""
    found = []
    waiting = list(free)
    for socket in sockets:
        same = [slot for slot in waiting if slot.socket.get("type") == socket.get("type")]
        called = str(socket.get("name") or "")
        named = [slot for slot in same if called.endswith(str(slot.socket.get("name")))]
        if not same:
            raise Unclear
        chosen = (named or same)[0]
        waiting.remove(chosen)
        found.append(chosen)
    return found


def _border(
    links: list[Any], nodes: list[Any], key: str, index: int, slot: Slot, out: int
) -> dict[str, Any]:
    """A slot of a definition, and its link inside."""
    number = len(links) + 1
    node, socket = nodes[slot.node]["id"], slot.socket
    kind = socket.get("type", "*")
    ends = (node, slot.slot, -20, index) if out else (-10, index, node, slot.slot)
    names = ("origin_id", "origin_slot", "target_id", "target_slot")
    links.append({"id": number, **dict(zip(names, ends, strict=True)), "type": kind})
    if out:
        socket["links"].append(number)
    else:
        socket["link"] = number
    border = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{key}{out}{index}"))
    return {"id": border, "name": socket.get("name") or kind, "type": kind, "linkIds": [number]}


def _give_values(record: dict[str, Any], nodes: list[Any]) -> None:
    """Give the nodes inside the values that an instance has for them: all widgets in a row."""
    values = record.get("widgets_values")
    own = [node.get("widgets_values") or [] for node in nodes]
    if not isinstance(values, list) or not all(isinstance(one, list) for one in own):
        raise Unclear
    flat = [value for one in own for value in one]
    if sorted(map(repr, flat)) == sorted(map(repr, values)):
        return  # nothing was changed in the instance
    if len(flat) != len(values) or any(not _alike(a, b) for a, b in zip(flat, values, strict=True)):
        raise Unclear
    rest = iter(values)
    for node, one in zip(nodes, own, strict=True):
        if one:
            node["widgets_values"] = [next(rest) for _ in one]


def _alike(one: Any, other: Any) -> bool:
    number = (int, float)
    both = isinstance(one, number) and isinstance(other, number)
    return one is None or other is None or both or type(one) is type(other)
