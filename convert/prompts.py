"""Nodes that schedule prompts: the incumbent's, and FizzNodes', which stand in the same files."""

from collections.abc import Callable

from .fizz_nodes import BATCH_STRING, HELPERS, IMAGES, SDXL, STRING, is_fizz
from .fizz_nodes import PROMPTS as FIZZ_PROMPTS
from .fizz_prompts import convert_fizz
from .fizz_single import convert_string
from .graph import Node
from .options import Job
from .prompt_text import Unreadable
from .their_nodes import EXTRACTION, PROMPTS_LATENTS
from .their_nodes import PROMPTS as THEIR_PROMPTS
from .their_prompts import convert_extraction, convert_theirs


def convert_prompts(job: Job) -> None:
    """Every schedule of prompts whose texts are in the file; the others stay as they are."""
    nodes = list(job.graph.nodes.values())
    for node in sorted(nodes, key=lambda node: node.type == EXTRACTION):  # of a converted one
        convert = CONVERTERS.get(node.type)
        if convert is None:
            continue
        try:
            if node.problem:
                raise Unreadable(node.problem)
            convert(job, node)
        except Unreadable as problem:
            if job.graph.is_used(node):
                job.report.leave(node, f"{problem}; the node stays as it is")
                continue
            job.report.became(node, "nothing: it was connected to nothing")
            job.graph.remove(node)
    _remove_spent(job, HELPERS)


def _refuse(job: Job, node: Node) -> None:
    if node.type == IMAGES:
        raise Unreadable("pictures by frame have no equivalent")
    raise Unreadable("prompts for SDXL have no equivalent")


def _remove_spent(job: Job, types: tuple[str, ...]) -> None:
    """Take out nodes of FizzNodes that only served others which are gone."""
    asked = [node for node in job.graph.nodes.values() if node.type in types and is_fizz(node)]
    while spent := [node for node in asked if not job.graph.is_used(node)]:
        for node in spent:
            asked.remove(node)
            job.report.became(node, "in the nodes that it served")
            job.graph.remove(node)


CONVERTERS: dict[str, Callable[[Job, Node], None]] = {
    **dict.fromkeys((THEIR_PROMPTS, PROMPTS_LATENTS), convert_theirs),
    EXTRACTION: convert_extraction,
    **dict.fromkeys(FIZZ_PROMPTS, convert_fizz),
    **dict.fromkeys((STRING, BATCH_STRING), convert_string),
    **dict.fromkeys((IMAGES, *SDXL), _refuse),
}
