"""The words by which people look for a node, beside its name."""

from dataclasses import fields
from typing import Any

from comfy_api.latest import io

FIELD = "search_aliases"
OF_ALL = ("animatediff", "ade")  # the method, and what people call AnimateDiff-Evolved


def search_aliases(*words: str, schema: Any = io.Schema) -> dict[str, Any]:
    """As settings of a node's schema: none where a host's schemas do not know aliases yet."""
    known = {field.name for field in fields(schema)}
    return {FIELD: [*OF_ALL, *words]} if FIELD in known else {}
