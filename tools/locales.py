"""The nodes' texts as ComfyUI's page translates them; English as the schemas say it.

    python -m tools.locales    in the host's environment, with ADN_HOST set

writes locales/en. The other languages are written by hand, under the same keys. See
https://docs.comfy.org/custom-nodes/i18n for the files.
"""

import asyncio
import importlib
import importlib.util
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from tools.paths import REPO

FOLDER = REPO / "locales"
MESSAGE_SYNTAX = frozenset("@{}|\\")  # vue-i18n gives these a meaning, and stops at unpaired ones


def schemas() -> list[Any]:
    """What the extension registers, in its order; the host has to be importable."""
    name = "animatediff_native_locales"
    spec = importlib.util.spec_from_file_location(name, REPO / "__init__.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    async def collect() -> list[Any]:
        extension = await module.comfy_entrypoint()
        return [node.GET_SCHEMA() for node in await extension.get_node_list()]

    return asyncio.run(collect())


def node_definitions(found: list[Any]) -> dict[str, Any]:
    """Every text of the nodes, as nodeDefs.json has them."""
    return {schema.node_id: _definition(schema) for schema in found}


def node_categories(found: list[Any]) -> dict[str, Any]:
    """Every part of the nodes' paths in the menu, as main.json has them."""
    parts = {part for schema in found for part in schema.category.split("/")}
    return {"nodeCategories": {part: part for part in sorted(parts)}}


def _definition(schema: Any) -> dict[str, Any]:
    inputs = {i.id: {"name": i.id, "tooltip": i.tooltip} for i in schema.inputs}
    outputs = {
        str(index): {"name": output.display_name, "tooltip": output.tooltip}
        for index, output in enumerate(schema.outputs)
    }
    texts = {"display_name": schema.display_name, "description": schema.description}
    return {**texts, "inputs": inputs, **({"outputs": outputs} if outputs else {})}


def without_message_syntax(texts: dict[str, Any]) -> dict[str, Any]:
    """The texts that the page can show as they are.

    Escaping the others helps only some: older pages read tooltips as messages, newer ones as they
    are. Without an entry each page shows what the schema says, which is the same text.
    """
    kept = {}
    for key, text in texts.items():
        if isinstance(text, dict):
            kept[key] = without_message_syntax(text)
        elif MESSAGE_SYNTAX.isdisjoint(text):
            kept[key] = text
    return kept


def english(found: list[Any]) -> dict[str, str]:
    """The files of locales/en, by name."""
    definitions = without_message_syntax(node_definitions(found))
    return {"main.json": as_json(node_categories(found)), "nodeDefs.json": as_json(definitions)}


def as_json(texts: dict[str, Any]) -> str:
    return json.dumps(texts, ensure_ascii=False, indent=2) + "\n"


def main() -> None:
    from tools.host_imports import enter

    enter(Path(os.environ["ADN_HOST"]))
    args = importlib.import_module("comfy.cli_args").args
    args.cpu = True
    folder = FOLDER / "en"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as base:
        args.base_directory = base  # loading the extension makes the model folders
        for name, text in english(schemas()).items():
            (folder / name).write_text(text, encoding="utf-8")
            print(folder / name)


if __name__ == "__main__":
    main()
