"""Where the files of new loaders can be had, as the page wants it in a node's properties: it offers
to download what is missing."""

from typing import Any

from ..motion.known_files import (
    CHECKPOINTS,
    CONTROLNETS,
    MODULES,
    MOTION_LORAS,
    known_file,
    own_name,
)
from .graph import Graph
from .host_nodes import CHECKPOINT
from .our_images import CAMERA_CONTROL, LOAD_SPARSE_CTRL
from .our_nodes import LOAD, LORA
from .scopes import Scope

LOADERS = {
    LOAD: ("motion_module", MODULES),
    LORA: ("motion_lora", MOTION_LORAS),
    CHECKPOINT: ("ckpt_name", CHECKPOINTS),
    LOAD_SPARSE_CTRL: ("sparsectrl", CONTROLNETS),
    CAMERA_CONTROL: ("camera_control", MODULES),
}  # the widget with the file, and its folder


def note_downloads(graph: Graph, scopes: list[Scope]) -> None:
    """Give new loaders what the file's own nodes said of their models, else what is known here."""
    said = _said(scopes)
    for node in graph.nodes.values():
        if node.raw is None and node.type in LOADERS:
            name, directory = LOADERS[node.type]
            value = node.inputs.get(name)
            found = said.get(own_name(value)) if isinstance(value, str) else None
            if found is None and (known := known_file(value)) and known.directory == directory:
                found = known.record()
            node.models = [] if found is None else [found]


def _said(scopes: list[Scope]) -> dict[str, dict[str, Any]]:
    """Records of models in a file, by name, the first of each."""
    found: dict[str, dict[str, Any]] = {}
    for scope in scopes:
        for record in scope.record["nodes"]:
            properties = record.get("properties")
            models = properties.get("models") if isinstance(properties, dict) else None
            for model in models if isinstance(models, list) else []:
                if isinstance(model, dict) and isinstance(model.get("name"), str):
                    found.setdefault(own_name(model["name"]), model)
    return found
