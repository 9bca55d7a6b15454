"""Inputs that most users leave as they are, for hosts whose page can fold such inputs away."""

import inspect
from typing import Any

from comfy_api.latest import io

FIELD = "advanced"


def advanced(kind: Any = io.Float.Input) -> dict[str, Any]:
    """As settings of an input of this kind: none where a host's inputs know no such mark yet."""
    return {FIELD: True} if FIELD in inspect.signature(kind).parameters else {}
