"""The workflows in tests/data/ade, and graphs of either format in one form to compare."""

import importlib
import json
from pathlib import Path
from typing import Any

from .page import CONTROLS

DATA = Path(__file__).parents[1] / "data" / "ade"
SHAPES = DATA.parent / "ade_shapes"  # graphs of every shape, with what is around them in files
NAMES = sorted(path.stem for path in DATA.glob("*.json"))
PAIRS = sorted({name[:-3] for name in NAMES if name.endswith("_ui")} & {
    name[:-4] for name in NAMES if name.endswith("_api")
})  # fmt: skip


def read(name: str) -> dict[str, Any]:
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def shape(name: str) -> Any:
    return json.loads((SHAPES / f"{name}.json").read_text(encoding="utf-8"))


def is_page(workflow: dict[str, Any]) -> bool:
    return "nodes" in workflow


def types_by_id(workflow: dict[str, Any]) -> dict[str, str]:
    if is_page(workflow):
        return {str(node["id"]): node["type"] for node in workflow["nodes"]}
    return {key: node["class_type"] for key, node in workflow.items()}


def wires(workflow: dict[str, Any]) -> dict[Any, tuple[str, int]]:
    """Where each link of the page's format comes from."""
    links = [list(x.values()) if isinstance(x, dict) else x for x in workflow["links"]]
    return {link[0]: (str(link[1]), link[2]) for link in links}


def as_graph(workflow: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Nodes as {"type", "mode", "inputs"}: links as tuples, values by name where the conversion
    knows the widgets. Reroutes are left in."""
    if not is_page(workflow):
        return {key: _api_node(node) for key, node in workflow.items()}
    origins = wires(workflow)
    return {str(node["id"]): _page_node(node, origins) for node in workflow["nodes"]}


def _api_node(node: dict[str, Any]) -> dict[str, Any]:
    inputs = {k: tuple(v) if isinstance(v, list) else v for k, v in node["inputs"].items()}
    return {"type": node["class_type"], "mode": 0, "inputs": inputs}


def _page_node(node: dict[str, Any], origins: dict) -> dict[str, Any]:
    inputs = widget_values(node)
    for socket in node["inputs"]:
        if socket["link"] is not None:
            inputs[socket["name"]] = origins[socket["link"]]
    return {"type": node["type"], "mode": node["mode"], "inputs": inputs}


def widget_values(node: dict[str, Any]) -> dict[str, Any]:
    """By name, from the tables of the conversion, which a host test holds against the nodes."""
    ours = importlib.import_module("animatediff_native.convert.our_nodes").OURS
    known = importlib.import_module("animatediff_native.convert.values").named_values
    if node["type"] not in ours:
        named = known(node["type"], node.get("widgets_values"))
        return {name: value for name, value in named.items() if ":" not in name}
    names = [name for name, *_ in ours[node["type"]].widgets]
    values = [v for v in node.get("widgets_values") or () if v not in CONTROLS]
    assert len(values) == len(names), node["type"]
    return dict(zip(names, values, strict=True))


def converted(name: str) -> tuple[Any, dict[str, dict[str, Any]]]:
    """The conversion of an example, and its graph."""
    result = importlib.import_module("animatediff_native.convert").convert(read(name))
    return result, as_graph(result.workflow)


def reasons(result: Any) -> dict[str, str]:
    """What was left, by node: all reasons of one in one text."""
    nodes = dict.fromkeys(entry.node_id for entry in result.left)
    return {n: "; ".join(x.reason for x in result.left if x.node_id == n) for n in nodes}


def only(graph: dict[str, dict], node_type: str) -> dict[str, Any]:
    """The only node of a type."""
    found = [node for node in graph.values() if node["type"] == node_type]
    assert len(found) == 1, f"{len(found)} nodes are {node_type}"
    return found[0]


def models_of(graph: dict[str, dict], node: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes that a node's model comes through, the nearest first, without reroutes."""
    chain = []
    while (link := node["inputs"].get("model") or node["inputs"].get("")) is not None:
        node = graph[link[0]]
        if node["type"] != "Reroute":
            chain.append(node)
    return chain
