"""Options of FizzNodes' schedules, with the texts that other nodes put together for them."""

import re
from collections.abc import Callable
from typing import Any

from .fizz_nodes import CONCATENATE, DEFAULTS, FLOW, JOIN, WEIGHTS, is_fizz, named
from .graph import Link, Node
from .options import Job, is_number
from .texts import held_text, is_unsent

# the page sends what their widgets hold only where they are no sockets
ONLY_CONNECTED = {"pre_text", "app_text", "current_frame", *WEIGHTS}
TEXTS = re.compile(r"text|values$|string|(pre|app|in)_text")
MOST = 100  # nodes that texts go through
LETTERS = "abcdefg"
FRAMES_BY_LETTER = dict(zip(LETTERS, (0, 12, 24, 36, 48, 60, 72), strict=True))


def value(job: Job, node: Node, name: str, default: Any = None, depth: int = 0) -> Any:
    """An option: what is connected, or as the file has it, or the default. A link only where what
    it brings is not in the file."""
    found = node.inputs.get(name)
    if found is None and not (name in ONLY_CONNECTED and is_unsent(node, name, "text")):
        found = named(node).get(name)
    if isinstance(found, Link) and job.graph.is_dead(found):
        found = None
    elif isinstance(found, Link):
        found = _behind(job, node, name, found, depth)
    return DEFAULTS.get(name, default) if found is None else found


def _behind(job: Job, node: Node, name: str, link: Link, depth: int) -> Any:
    """What a link brings."""
    origin = job.graph.origin(link)
    compose = _COMPOSE.get(origin.type) if origin is not None and is_fizz(origin) else None
    if depth > MOST or origin is None or compose is None:
        found = held_text(job.graph, link) if TEXTS.match(name) else job.number(node, name)
    else:
        found = compose(job, origin, job.graph.source(link).output, depth + 1)
    return link if found is None else found


def _flow(job: Job, node: Node, output: int, depth: int) -> Any:
    """A link of a chain of prompts: the frame of the next one, and all prompts up to here."""
    before, text = (value(job, node, name, depth=depth) for name in ("in_text", "text"))
    behind = value(job, node, "max_frames", depth=depth) if "max_frames" in _given(node) else 0
    more = value(job, node, "num_frames", 24, depth)
    if not isinstance(behind, int) or not isinstance(more, int):
        return None
    if output == 0:
        return behind + more
    before = before or ""
    if not isinstance(before, str) or not isinstance(text, str):
        return None
    at = behind + more if behind else 0
    return f'{before.rstrip(",")}{", " if before else ""}"{at}": "{text}"'


def _given(node: Node) -> set[str]:
    return {*named(node), *node.inputs}


def _concatenated(job: Job, node: Node, output: int, depth: int) -> str | None:
    """Up to seven prompts with their frames."""
    written = ""
    for letter in LETTERS:
        text = value(job, node, f"text_{letter}", depth=depth)
        at = value(job, node, f"frame_{letter}", FRAMES_BY_LETTER[letter], depth)
        if isinstance(text, Link) or not is_number(at):
            return None
        if text is not None:
            written += '"{}": "{}",'.format(at, text.replace("\n", ""))
    return written


def _joined(job: Job, node: Node, output: int, depth: int) -> str | None:
    parts = [value(job, node, name, depth=depth) for name in ("string_a", "string_b")]
    return "".join(parts) if all(isinstance(part, str) for part in parts) else None


_COMPOSE: dict[str, Callable[[Job, Node, int, int], Any]] = {
    FLOW: _flow,
    CONCATENATE: _concatenated,
    JOIN: _joined,
}
