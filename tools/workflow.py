"""Reading and filling in workflows in API format."""

import json
from collections.abc import Mapping
from typing import Any

from tools.client import Prompt
from tools.paths import REPO

API_WORKFLOWS = REPO / "workflows" / "api"


def load(name: str) -> Prompt:
    """The graph in workflows/api/<name>.json."""
    return json.loads((API_WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))


def node_id(prompt: Prompt, class_type: str, title: str = "") -> str:
    """The id of the only node of a class (and title)."""
    found = [
        key
        for key, node in prompt.items()
        if node["class_type"] == class_type and title in ("", node_title(node))
    ]
    if len(found) != 1:
        raise ValueError(f"expected one {class_type} node {title!r}, found {len(found)}: {found}")
    return found[0]


def node_title(node: dict[str, Any]) -> str:
    return node.get("_meta", {}).get("title", node["class_type"])


def set_inputs(
    prompt: Prompt, class_type: str, values: Mapping[str, object], title: str = ""
) -> None:
    """Sets inputs of the only node of a class (and title); the node must have them already."""
    inputs = prompt[node_id(prompt, class_type, title)]["inputs"]
    unknown = sorted(values.keys() - inputs.keys())
    if unknown:
        raise ValueError(f"{class_type} has no inputs {unknown}, only {sorted(inputs)}")
    inputs.update(values)
