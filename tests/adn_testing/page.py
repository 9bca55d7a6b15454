"""What the page sends to a server for a workflow that it saved.

`declared` holds the inputs of every node type that is known, as INPUT_TYPES gives them, and
/object_info under "input". Subgraphs and wires by name are not seen through.
"""

from collections.abc import Mapping
from typing import Any

Declared = Mapping[str, Mapping[str, Any]]

NOTES = {"MarkdownNote", "Note"}  # the page draws them; the server never sees them
REROUTE, PRIMITIVE = "Reroute", "PrimitiveNode"
ACTIVE, MUTED, BYPASSED = 0, 2, 4
DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3"  # newer hosts: a choice that brings inputs of its own
WIDGET_TYPES = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", DYNAMIC_COMBO}
# A seed gets a second widget, and so does a file that can be uploaded: each adds a saved value.
SEEDS = {"seed", "noise_seed"}
CONTROLS = {"fixed", "increment", "decrement", "randomize"}
UPLOADS = ("image_upload", "video_upload", "audio_upload", "file_upload")
UNSAVED = object()


def input_specs(sections: Mapping[str, Any], *names: str) -> dict[str, tuple[Any, dict]]:
    """(type or options, settings) of every input, by name, in the order of the node."""
    specs = {}
    for section in names or ("required", "optional"):
        specs |= sections.get(section) or {}
    return {name: (spec[0], spec[1] if len(spec) > 1 else {}) for name, spec in specs.items()}


def is_widget(kind: Any) -> bool:
    return isinstance(kind, list) or kind in WIDGET_TYPES


def widget_values(node: dict[str, Any], sections: Mapping[str, Any]) -> dict[str, Any]:
    """widgets_values by name; they are saved by position, and all of them must be used up."""
    saved = node.get("widgets_values") or []  # nodes without widgets need not have it
    if isinstance(saved, dict):  # some packs save names
        return dict(saved)
    values = iter(saved)
    optional = input_specs(sections, "optional")
    named = {}
    for name, (kind, settings) in input_specs(sections).items():
        if not is_widget(kind) or settings.get("forceInput"):
            continue
        value = next(values, UNSAVED)
        if value is UNSAVED and name in optional:
            break  # a newer host's node has more: the page leaves them at their defaults
        named[name] = value
        if name in SEEDS or settings.get("control_after_generate"):
            assert next(values) in CONTROLS
        if any(settings.get(upload) for upload in UPLOADS):
            assert next(values) == "image"
    assert list(values) == [], f"{node['type']} has more values than widgets"
    return named


def to_api(page: dict[str, Any], declared: Declared) -> dict[str, dict[str, Any]]:
    """The same graph in API format: without what is muted, bypassed or only a wire."""
    wires = Wires(page)
    return {
        str(node["id"]): {
            "class_type": node["type"],
            "inputs": _values(node, declared) | wires.inputs(node),
        }
        for node in page["nodes"]
        if node.get("mode", ACTIVE) == ACTIVE and node["type"] not in {*NOTES, REROUTE, PRIMITIVE}
    }


def _values(node: dict[str, Any], declared: Declared) -> dict[str, Any]:
    """Of a type that is not known, nothing: its values have no names."""
    return widget_values(node, declared[node["type"]]) if node["type"] in declared else {}


class Wires:
    """Where the inputs of a page's nodes come from."""

    def __init__(self, page: dict[str, Any]) -> None:
        self._nodes = {node["id"]: node for node in page["nodes"]}
        links = (list(x.values()) if isinstance(x, dict) else x for x in page["links"] if x)
        self._origins = {link[0]: (link[1], link[2]) for link in links}

    def inputs(self, node: dict[str, Any]) -> dict[str, Any]:
        """What is connected to a node: [id, output], or the value of a primitive."""
        sockets = node.get("inputs") or []
        sources = {socket["name"]: self._source(socket["link"]) for socket in sockets}
        return {name: source for name, source in sources.items() if source is not None}

    def _source(self, link: Any) -> Any:
        while link is not None:
            number, output = self._origins[link]
            node = self._nodes[number]
            if node["type"] == PRIMITIVE:
                return node["widgets_values"][0]
            if node["type"] == REROUTE:
                link = node["inputs"][0]["link"]
            elif node.get("mode", ACTIVE) == BYPASSED:
                link = _passed_on(node, output)
            else:
                return None if node.get("mode") == MUTED else [str(number), output]
        return None


def _passed_on(node: dict[str, Any], output: int) -> Any:
    """The link that a bypassed node gives out: of its first input of the output's type."""
    kind = node["outputs"][output]["type"]
    return next((s["link"] for s in node["inputs"] if s["type"] == kind), None)
