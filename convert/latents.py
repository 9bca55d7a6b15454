"""How many frames a latent has, as far as a file says so: its nodes are gone through from what
empty latents, videos and pictures give to what becomes of them."""

import re
from collections.abc import Callable
from typing import Any

from .graph import ACTIVE, BYPASSED, Graph, Link, Node
from .held import held
from .pipes import holder_of, is_pipe_input
from .their_nodes import EMPTY_LATENT, FIZZ_LATENTS, PROMPTS_LATENTS

FRAMES_IN = ("samples", "latent_image", "pixels", "images", "image", "latent", "latents", "frames")
FRAMES_OF = {"LATENT", "IMAGE", "MASK"}
# Nodes that give as many as their batch_size says, at its place among the values.
EMPTY = {
    "EmptyLatentImage": 2,
    EMPTY_LATENT: 2,
    "EmptyImage": 2,
    "EmptySD3LatentImage": 2,
    "CR SD1.5 Aspect Ratio": 7,
}
# Videos: what caps them; 0 is all there are.
CAPS = {
    "VHS_LoadVideo": "frame_load_cap",
    "VHS_LoadVideoPath": "frame_load_cap",
    "VHS_LoadVideoFFmpeg": "frame_load_cap",
    "VHS_LoadVideoFFmpegPath": "frame_load_cap",
    "VHS_LoadImages": "image_load_cap",
    "VHS_LoadImagesPath": "image_load_cap",
}
ONE = ("LoadImage", "LoadImageMask", "Image Load")
TIMES = {  # so many times as many, by the name and place of the number
    "RepeatLatentBatch": ("amount", 0),
    "RepeatImageBatch": ("amount", 0),
    "VHS_DuplicateLatents": ("multiply_by", 0),
    "VHS_DuplicateImages": ("multiply_by", 0),
}
AT_MOST = {"LatentFromBatch": ("length", 1), "ImageFromBatch": ("length", 1)}
SUMS = ("LatentBatch", "ImageBatch")
# Other nodes with one latent or picture going in and one coming out keep the number of frames,
# unless their names say that it changes.
CHANGES = re.compile(
    r"batch|split|merge|select|repeat|duplicate|slice|list|insert|extend|loop|interpolat|vfi|count"
    r"|grid|tile|make|stack|concat|trim|cut|switch|any|segs|load|empty|mask to|remove|nth|range"
    r"|append|combine|sequence|frames?_|prepare|generator|crop.*batch",
    re.IGNORECASE,
)
Count = Callable[[Link], int | None]


def frames(graph: Graph, link: Link, known: dict[Link, int | None]) -> int | None:
    """How many frames an output has. known: of those that were asked for before.

    Goes from node to node without calling itself, so that no chain is too long.
    """
    waiting = [link]
    begun: set[Link] = set()
    while waiting:
        current = waiting[-1]
        if current in known:
            waiting.pop()
            continue
        needed = _needs(graph, current)
        missing = [one for one in needed if one not in known]
        if missing and current not in begun:
            begun.add(current)
            waiting += [one for one in missing if one not in begun]
            continue
        known[current] = _counted(graph, current, [known.get(one) for one in needed])
        waiting.pop()
    return known[link]


def _needs(graph: Graph, link: Link) -> list[Link]:
    """The outputs whose frames have to be known first."""
    source = graph.source(link)
    if source != link:
        return [source]
    node = graph.nodes.get(link.node)
    if node is None or node.type in (*EMPTY, *CAPS, *ONE):
        return []
    if node.type in SUMS and node.mode == ACTIVE:
        return [one for _, one in _arriving(node)]
    if node.type in (FIZZ_LATENTS, PROMPTS_LATENTS):
        found = node.link("num_latents") or node.link("latent")
        return [found] if found else []
    only = _only(graph, node, link)
    return [only] if only else []


def _arriving(node: Node) -> list[tuple[str, Link]]:
    """The latents and pictures that go into a node."""
    kinds = node.input_kinds
    return [
        (name, link)
        for name, link in node.links()
        if kinds.get(name) in ("LATENT", "IMAGE")
        or (kinds.get(name) in (None, "*") and name.rstrip("12") in FRAMES_IN)
    ]


def _only(graph: Graph, node: Node, link: Link) -> Link | None:
    """The one input that a node keeps the frames of."""
    if 0 <= link.output < len(node.outputs):
        kind = node.outputs[link.output][1]
        if kind not in FRAMES_OF and kind != "*":
            return None
    sized = node.type in TIMES or node.type in AT_MOST
    if CHANGES.search(node.type) and not sized and node.mode != BYPASSED:
        return None
    links = dict(_arriving(node))
    for name in FRAMES_IN[:2]:  # of several, a latent is what is worked on
        if name in links:
            return links[name]
    if len(links) == 1:
        return next(iter(links.values()))
    if not links and any(is_pipe_input(node, name) for name, _ in node.links()):
        found = holder_of(graph, node, "latent")
        return found[0].link(found[1]) if found else None
    return links.get("image") or links.get("images") or links.get("pixels")


def _counted(graph: Graph, link: Link, needed: list[int | None]) -> int | None:
    node = graph.nodes.get(graph.source(link).node)
    if node is None:
        return None
    if node.type in EMPTY:
        return _number(graph, node, "batch_size", EMPTY[node.type], 1)
    if node.type in CAPS:
        return _number(graph, node, CAPS[node.type], None, None) or None
    if node.type in ONE:
        return 1
    if not needed or None in needed:
        return None
    counts = [count for count in needed if count is not None]
    if graph.source(link) != link or node.mode != ACTIVE:
        return counts[0]
    if node.type in SUMS:
        return sum(counts)
    for table in (TIMES, AT_MOST):
        if node.type in table:
            number = _number(graph, node, *table[node.type], None)
            if number is None:
                return None
            return counts[0] * number if table is TIMES else min(counts[0], number)
    return counts[0]


def _number(graph: Graph, node: Node, name: str, place: int | None, default: Any) -> int | None:
    """A whole number among a node's values."""
    value = node.inputs.get(name)
    if isinstance(value, Link):
        value = held(graph, value, int)
    elif value is None:
        saved = (node.raw or {}).get("widgets_values")
        if isinstance(saved, dict):
            value = saved.get(name, default)
        elif isinstance(saved, list) and place is not None and place < len(saved):
            value = saved[place]
        else:
            value = default
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if whole else None
