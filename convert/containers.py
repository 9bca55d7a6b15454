"""Where a workflow is in what people share: pictures, videos, and JSON around it."""

import io
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from ..motion.errors import AnimateDiffError
from .check import malformed
from .pictures import texts_of

KINDS = "a workflow as JSON, or a PNG, WEBP, GIF, MP4, WEBM or MKV that ComfyUI wrote"
DEEPEST = 6  # wrappers around one another
# Names under which a workflow lies in something else, the best first: the page's format has more.
AROUND = ("workflow", "extra_pnginfo", "extra_data", "prompt", "output", "comment")
QUEUED = 5  # number, id, prompt, extra data, outputs: what a server keeps of a run


def read_file(data: bytes | BinaryIO) -> Any:
    """What a file holds: JSON, or of a picture or video what lies in it under the names of AROUND.

    AnimateDiffError where it is neither, or has none.
    """
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    texts = texts_of(file)
    if texts is None:
        file.seek(0)
        return parsed(file.read())
    found = dict(_known(texts))
    if not found:
        raise AnimateDiffError(
            "this picture or video has no workflow in it.",
            KINDS,
            "take the file as ComfyUI saved it: sites that show pictures take the workflow out.",
        )
    return found


def _known(texts: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, Any]]:
    for name, text in texts:
        key = "comment" if name in ("\xa9cmt", "COMMENT") else name.lower()
        if key in AROUND and (value := _json_in(text.decode("utf-8", "replace"))) is not None:
            yield key, value


def parsed(data: bytes) -> Any:
    """JSON in UTF-8; NaN and the like, which Python writes, are read."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AnimateDiffError(
            "this file is not text, and no picture or video that is known.",
            KINDS,
            "load it in the page and save the workflow.",
        ) from error
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"in line {error.lineno}, column {error.colno}"
        raise _no_json(f"this file is not JSON: {error.msg} {where}.") from error
    except (RecursionError, ValueError) as error:  # deeper, or of more digits, than Python reads
        raise _no_json(f"this file is not a workflow: {str(error)[:200]}.") from error


def _no_json(given: str) -> AnimateDiffError:
    return AnimateDiffError(given, KINDS, "open it in ComfyUI and save it again.")


def _json_in(text: str) -> Any:
    try:
        value = json.loads(text)
    except (RecursionError, ValueError):
        return None
    return value if isinstance(value, (dict, list, str)) else None


def unwrapped(held: Any) -> Any:
    """The workflow in what a file holds: of both formats that of the page. What is none is given
    back as it is."""
    for _ in range(DEEPEST):
        if isinstance(held, str):
            held = _json_in(held)
        inner = _inner(held)
        if inner is None:
            break
        held = inner
    return held


def _inner(held: Any) -> Any:
    """One wrapper less; None where there is none."""
    if isinstance(held, list) and len(held) == QUEUED and isinstance(held[2], dict):
        held = {"prompt": held[2], "extra_data": held[3]}
    if not isinstance(held, dict) or _is_page(held) or _has_nodes(held):
        return None
    for name in AROUND:
        value = held.get(name)
        value = _json_in(value) if isinstance(value, str) else value
        if _leads_on(value):
            return value
    only = next(iter(held.values())) if len(held) == 1 else None  # a history, by the run's id
    return only if isinstance(only, dict) and "prompt" in only else None


def _leads_on(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) == QUEUED
    if not isinstance(value, dict):
        return False
    return _is_page(value) or _has_nodes(value) or any(value.get(name) for name in AROUND)


def _is_page(held: dict[str, Any]) -> bool:
    return isinstance(held.get("nodes"), list)


def _has_nodes(held: dict[str, Any]) -> bool:
    """Whether it is API format, maybe with more beside the nodes."""
    return any(isinstance(node, dict) and "class_type" in node for node in held.values())


def without_more(held: Any) -> Any:
    """API format without entries that are no nodes, such as _meta; a server refuses those."""
    if not isinstance(held, dict) or _is_page(held) or not _has_nodes(held):
        return held
    kept = {key: node for key, node in held.items() if _could_be_node(node)}
    if not kept:
        raise malformed("it has no nodes", "at least one")
    return kept


def _could_be_node(node: Any) -> bool:
    return isinstance(node, dict) and ("class_type" in node or "inputs" in node)
