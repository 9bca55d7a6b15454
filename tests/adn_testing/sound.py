"""Whether a workflow holds together: every link has both its ends, types agree, what nodes of ours
need is there, ids are their own, and a browser reads it."""

import importlib
import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from .page import CONTROLS

Faults = set[str]
ANY = ("*", "", None)


def faults(workflow: dict[str, Any]) -> Faults:
    """All that is wrong with a workflow of either format, in words that name the place."""
    try:
        json.dumps(workflow, allow_nan=False)
    except ValueError as error:
        return {f"a browser cannot read it: {error}"}
    if not isinstance(workflow.get("nodes"), list):
        return set(_api_faults(workflow))
    subgraphs = {
        one["id"]: one for one in (workflow.get("definitions") or {}).get("subgraphs") or []
    }
    found = set(_page_faults(workflow, subgraphs, ""))
    for key, inside in subgraphs.items():
        found |= set(_page_faults(inside, subgraphs, f"{key}: "))
    return found


def new_faults(before: dict[str, Any], after: dict[str, Any]) -> Faults:
    """What was not wrong before."""
    return faults(after) - faults(before)


def _ours() -> dict[str, Any]:
    return importlib.import_module("animatediff_native.convert.our_nodes").OURS


def _api_faults(workflow: dict[str, Any]) -> Iterator[str]:
    for key, node in workflow.items():
        if not isinstance(node, dict) or "class_type" not in node:
            yield f"{key} is no node"
            continue
        for name, value in node["inputs"].items():
            if isinstance(value, list) and len(value) == 2 and isinstance(value[1], int):
                if str(value[0]) not in workflow:
                    yield f"{key}.{name} is linked to {value[0]}, which is not there"
                continue
        if node["class_type"] in _ours() and node["class_type"].startswith("ADN_"):
            yield from _our_faults(key, node["class_type"], node["inputs"], node["inputs"])


def _page_faults(page: dict[str, Any], subgraphs: dict[str, Any], where: str) -> Iterator[str]:
    nodes = {str(node["id"]): node for node in page["nodes"]}
    ids = Counter(str(node["id"]) for node in page["nodes"])
    yield from (f"{where}two nodes are {key}" for key, count in ids.items() if count > 1)
    links = [_link(one) for one in page["links"] if one]
    numbers = Counter(link["id"] for link in links)
    yield from (f"{where}two links are {key}" for key, count in numbers.items() if count > 1)
    known = {link["id"]: link for link in links}
    for link in links:
        yield from (f"{where}link {link['id']}: {fault}" for fault in _ends(page, nodes, link))
    for key, node in nodes.items():
        place = f"{where}node {key} ({node['type']})"
        yield from _sockets_faults(place, node, known)
        if node["type"] in subgraphs:
            yield from _instance_faults(place, node, subgraphs[node["type"]])
        elif node["type"] in _ours() and node["type"].startswith("ADN_"):
            yield from _page_node_faults(place, node)
    highest = max((n for n in map(_whole, ids) if n is not None), default=0)
    state = page.get("state") or {}
    if highest > state.get("lastNodeId", page.get("last_node_id", highest)):
        yield f"{where}a node has a higher id than the last"


def _whole(key: str) -> int | None:
    return int(key) if key.isdecimal() else None


def _link(one: Any) -> dict[str, Any]:
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    return one if isinstance(one, dict) else dict(zip(names, one, strict=False))


def _ends(page: dict[str, Any], nodes: dict[str, Any], link: dict[str, Any]) -> Iterator[str]:
    kinds = [link.get("type")]
    for end, part, border in (("origin", "outputs", "inputs"), ("target", "inputs", "outputs")):
        key, slot = str(link[f"{end}_id"]), link[f"{end}_slot"]
        inside = key in ("-10", "-20")
        slots = page.get(border) if inside else (nodes.get(key) or {}).get(part)
        if slots is None or not 0 <= slot < len(slots):
            yield f"its {end} is not there"
            continue
        listed = slots[slot].get("linkIds" if inside else "links", slots[slot].get("link"))
        if link["id"] not in (listed if isinstance(listed, list) else [listed]):
            yield f"its {end} does not know it"
        kinds.append(slots[slot].get("type"))
    texts = {str(kind) for kind in kinds if kind not in ANY and not isinstance(kind, (int, list))}
    if len(texts) > 1 and not set.intersection(*(set(text.split(",")) for text in texts)):
        yield f"its types {sorted(texts)} do not agree"


def _sockets_faults(place: str, node: dict[str, Any], links: dict[Any, Any]) -> Iterator[str]:
    for socket in node.get("inputs") or []:
        if socket.get("link") is not None and socket["link"] not in links:
            yield f"{place}.{socket.get('name')} has a link that is not there"
    for output in node.get("outputs") or []:
        if any(number not in links for number in output.get("links") or []):
            yield f"{place}: an output has a link that is not there"


def _instance_faults(place: str, node: dict[str, Any], inside: dict[str, Any]) -> Iterator[str]:
    names = [slot.get("name") for slot in inside.get("inputs") or []]
    for socket in node.get("inputs") or []:
        if socket.get("name") not in names:
            yield f"{place}.{socket.get('name')} is no input of its subgraph"
    if len(node.get("outputs") or []) != len(inside.get("outputs") or []):
        yield f"{place} has other outputs than its subgraph"
    within = {str(one["id"]) for one in inside["nodes"]}
    for key, *_ in (node.get("properties") or {}).get("proxyWidgets") or []:
        if str(key) != "-1" and str(key) not in within:
            yield f"{place} shows a widget of {key}, which is not there"


def _page_node_faults(place: str, node: dict[str, Any]) -> Iterator[str]:
    ours = _ours()[node["type"]]
    linked = {s["name"]: s for s in node["inputs"] if s.get("link") is not None}
    values = [value for value in node["widgets_values"] if value not in CONTROLS]
    if len(values) != len(ours.widgets):
        yield f"{place} has {len(values)} values for {len(ours.widgets)} widgets"
        return
    named = dict(zip((name for name, *_ in ours.widgets), values, strict=True))
    if node.get("mode", 0) == 0:
        yield from _our_faults(place, node["type"], linked, named)
    if [output["name"] for output in node["outputs"]] != [name for name, _ in ours.outputs]:
        yield f"{place} has other outputs than the node"


def _our_faults(place: str, kind: str, linked: Any, values: Any) -> Iterator[str]:
    """What a node of ours needs: links into what is no option, values of the kinds of widgets."""
    ours = _ours()[kind]
    for name, _, optional in ours.sockets:
        if not optional and name not in linked:
            yield f"{place}.{name} is not connected"
    for name, widget, _ in ours.widgets:
        value = values.get(name)
        given = name not in linked or linked is values
        if given and not isinstance(value, list) and not _fits(value, widget):
            yield f"{place}.{name} is {value!r}"


def _fits(value: Any, widget: str) -> bool:
    if widget == "BOOLEAN":
        return isinstance(value, bool)
    if widget in ("INT", "FLOAT"):
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole or (widget == "FLOAT" and isinstance(value, float) and math.isfinite(value))
    return isinstance(value, str) and (widget != "COMBO" or bool(value))
