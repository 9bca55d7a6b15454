"""The words by which people look for a node, beside its name.

They are in web/search_aliases.json: a page that searches them reads them there by itself, where the
server's schemas do not know them.
"""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from comfy_api.latest import io

FIELD = "search_aliases"
FILE = Path(__file__).parents[1] / "web" / "search_aliases.json"
OF_ALL = "all"  # words for every node: the method, and what people call AnimateDiff-Evolved

WORDS: dict[str, list[str]] = json.loads(FILE.read_text(encoding="utf-8"))


def search_aliases(node_id: str, schema: Any = io.Schema) -> dict[str, Any]:
    """As settings of this node's schema: none where a host's schemas do not know aliases yet."""
    known = {field.name for field in fields(schema)}
    return {FIELD: [*WORDS[OF_ALL], *WORDS[node_id]]} if FIELD in known else {}
