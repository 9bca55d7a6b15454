"""What takes the place of one of FizzNodes' schedules of prompts."""

from typing import Any

from .fizz_nodes import BATCH_LATENTS
from .fizz_text import NEGATIVE, PLACES
from .graph import Link, Node
from .host_nodes import REGEX_REPLACE, STRING_REPLACE, TEXT_ENCODE
from .options import Job
from .our_nodes import PROMPTS

LINKED = {"linked", "prefix", "suffix"}  # texts around prompts that are not in the file
BELOW = 200  # pixels from a node to a second one in its place
NEGATIVE_OUT = 2  # of Prompt Schedule


def made(job: Job, node: Node, inputs: dict[str, Any]) -> None:
    """A Prompt Schedule. linked: texts that other nodes make, which go to their places in it."""
    texts = inputs.pop("linked", {})
    for name, link in texts.items():
        quoted = {"string": link, "regex_pattern": r'(["\\])', "replace": r"\\\1"}
        safe = job.add(REGEX_REPLACE, quoted, node)
        put = {"string": inputs["text"], "find": PLACES[name], "replace": Link(safe.id, 0)}
        inputs["text"] = Link(job.add(STRING_REPLACE, put, node).id, 0)
    ours = job.graph.add(PROMPTS, inputs, node, title=job.title(node), mode=node.mode)
    _replace(job, node, {0: Link(ours.id, 0), 1: Link(ours.id, NEGATIVE_OUT)}, ours)


def encoded(job: Job, node: Node, inputs: dict[str, Any], text: str) -> None:
    """One prompt for all frames, in the host's node: one for each side that is used. inputs: of
    which the clip is taken, where it is known."""
    clip = {name: link for name, link in inputs.items() if name == "clip"}
    in_place(job, node, TEXT_ENCODE, *({**clip, "text": side} for side in both_sides(text)))


def both_sides(text: str) -> tuple[str, str]:
    positive, _, negative = text.partition(NEGATIVE)
    return positive.strip(), negative.strip()


def in_place(job: Job, node: Node, kind: str, *inputs: dict[str, Any]) -> None:
    """A node for each of its outputs that is taken, or for the first of them."""
    taken = [output for output in _prompt_outputs(node) if _is_taken(job, node, output)] or [0]
    links, nodes = {}, []
    for place, output in enumerate(taken):
        pos = (node.pos[0], node.pos[1] + place * BELOW)
        new = job.graph.add(
            kind, inputs[output], node, title=job.title(node), mode=node.mode, pos=pos
        )
        links[output] = Link(new.id, 0)
        nodes.append(new)
    _replace(job, node, links, *nodes)


def _is_taken(job: Job, node: Node, output: int) -> bool:
    return next(job.graph.consumers(Link(node.id, output)), None) is not None


def _prompt_outputs(node: Node) -> list[int]:
    """Positive and negative; the first versions had no negative prompts."""
    return [output for output in (0, 1) if output not in _latent_outputs(node)]


def _replace(job: Job, node: Node, links: dict[int, Link], *nodes: Node) -> None:
    outputs = {output: link for output, link in links.items() if output in _prompt_outputs(node)}
    latents = node.link("num_latents")
    if latents is not None:
        outputs |= dict.fromkeys(_latent_outputs(node), latents)
        job.lengths = None  # a clip's latent may go on from here
    job.replace(node, outputs, *nodes)


def _latent_outputs(node: Node) -> list[int]:
    """By which outputs the latent goes on. A page that opened an older file can have saved two."""
    if node.type != BATCH_LATENTS:
        return []
    outputs = (node.raw or {}).get("outputs")
    if isinstance(outputs, list):
        kinds = [output.get("type") for output in outputs if isinstance(output, dict)]
        return [place for place, kind in enumerate(kinds) if kind == "LATENT"] or [2]
    return [2 if "print_output" in node.inputs else 1]
