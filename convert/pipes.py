"""Nodes that hold several links as one: Impact Pack's basic pipes, rgthree's contexts, the pipes of
easy-use, tinyterra and others. A link that goes into one and comes out of another is followed here.

What a part of a pipe is called differs by pack, so names are brought to those in PARTS.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .graph import Graph, Link, Node

KINDS = {
    "BASIC_PIPE", "DETAILER_PIPE", "PIPE_LINE", "PIPE_LINE_SDXL", "RGTHREE_CONTEXT",
    "RGTHREE_DYNAMIC_CONTEXT", "PIPE", "BUS", "SDXL_TUPLE", "CR_PIPE", "pipe",
}  # fmt: skip
INPUTS = re.compile(
    r"(optional_|base_|refiner_)?(basic_|detailer_|ks_)?(pipe|bus)|base_ctx|ctx_\d+|context"
)
PARTS = {
    "pos": "positive", "neg": "negative", "samples": "latent", "latent_image": "latent",
    "latents": "latent", "images": "image", "noise_seed": "seed", "optional_model": "model",
    "model_opt": "model", "latent_opt": "latent", "optional_latent": "latent",
}  # fmt: skip
WHOLE = ""  # the part that is the pipe itself
BASIC = "model clip vae positive negative"
CONTEXT = f"* {BASIC} latent image seed"
# Outputs of types that API format does not tell; * is the pipe. None: only of the page's names.
OUTPUTS = {
    "ToBasicPipe": "*",
    "EditBasicPipe": "*",
    "FromBasicPipe": BASIC,
    "FromBasicPipe_v2": f"* {BASIC}",
    "ToDetailerPipe": "*",
    "EditDetailerPipe": "*",
    "BasicPipeToDetailerPipe": "*",
    "DetailerPipeToBasicPipe": "*",
    "FromDetailerPipe": BASIC,
    "FromDetailerPipe_v2": f"* {BASIC}",
    "Context (rgthree)": CONTEXT,
    "Context Big (rgthree)": CONTEXT,
    "Context Switch (rgthree)": CONTEXT,
    "Context Switch Big (rgthree)": CONTEXT,
    "Context Merge (rgthree)": CONTEXT,
    "Context Merge Big (rgthree)": CONTEXT,
    "easy pipeIn": "*",
    "easy pipeOut": "* model positive negative latent vae clip image seed",
    "easy pipeEdit": "* model positive negative latent vae clip image",
    "ttN pipeIN": "*",
    "ttN pipeOUT": "model positive negative latent vae clip image seed *",
    "ttN pipeEDIT": "*",
}
MERGE = "Merge"  # in the type of nodes whose later pipes win over the earlier
SAMPLES = re.compile(r"sampler|detailer|ultimatesdupscale|upscale tiled|iterative.*upscale", re.I)
NO_SAMPLER = re.compile(r"select|scheduler|preview|provider|settings|config", re.I)


def samples(node: "Node") -> bool:
    """Whether a node samples, be its latent in a pipe or its own."""
    if "latent_image" in node.inputs or "latent_image" in node.sockets:
        return True
    return bool(SAMPLES.search(node.type)) and not NO_SAMPLER.search(node.type)


def part_of(name: str) -> str:
    """One name for what packs call differently."""
    name = name.strip().lower().replace(" ", "_")
    return PARTS.get(name, name)


def is_pipe(node: "Node") -> bool:
    """Whether a node packs, unpacks or changes pipes; what samples a pipe does not."""
    if node.type in OUTPUTS:
        return True
    kinds = [*node.input_kinds.values(), *(kind for _, kind in node.outputs)]
    return not KINDS.isdisjoint(kinds) and not samples(node)


def is_pipe_input(node: "Node", name: str) -> bool:
    """Whether an input takes a pipe."""
    kind = node.input_kinds.get(name)
    return bool(INPUTS.fullmatch(name)) if kind in (None, "*") else kind in KINDS


def part_at(node: "Node", output: int) -> str | None:
    """Which part of a pipe an output of such a node gives; None where that is not known."""
    if 0 <= output < len(node.outputs):
        name, kind = node.outputs[output]
        return WHOLE if kind in KINDS else part_of(name)
    names = OUTPUTS.get(node.type, "").split()
    if not 0 <= output < len(names):
        return None
    return WHOLE if names[output] == "*" else names[output]


def own_part(node: "Node", part: str) -> str | None:
    """The connected input by which a node puts a part into its pipe."""
    names = (name for name, _ in node.links() if not is_pipe_input(node, name))
    return next((name for name in names if part_of(name) == part), None)


def pipes_into(graph: "Graph", node: "Node") -> Iterator["Node"]:
    """The nodes that a node's pipe comes from, the one that wins first."""
    links = [link for name, link in node.links() if is_pipe_input(node, name)]
    for link in reversed(links) if MERGE in node.type else links:
        origin = graph.nodes.get(graph.wired(link).node)
        if origin is not None:
            yield origin


def holder_of(graph: "Graph", node: "Node", part: str) -> tuple["Node", str] | None:
    """The node that puts a part into the pipe that a node takes or gives, and by which input."""
    seen: set[str] = set()
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if node.id in seen:
            continue
        seen.add(node.id)
        if (name := own_part(node, part)) is not None:
            return node, name
        waiting += [*pipes_into(graph, node)][::-1]
    return None


def through_pipe(graph: "Graph", link: "Link") -> "Link | None":
    """The link that was put into a pipe and comes out by this one."""
    node = graph.nodes.get(link.node)
    if node is None or not is_pipe(node):
        return None
    part = part_at(node, link.output)
    found = holder_of(graph, node, part) if part else None
    return found[0].link(found[1]) if found else None


def onward(graph: "Graph", node: "Node", name: str) -> "list[Link] | None":
    """The outputs of a node of pipes by which a model that came in by an input goes on; None where
    it is no such node."""
    if not is_pipe(node):
        return None
    if is_pipe_input(node, name) and own_part(node, "model") is not None:
        return []  # another model takes its place
    taken = graph.taken(node)
    return [link for link in taken if part_at(node, link.output) in (WHOLE, "model", None)]
