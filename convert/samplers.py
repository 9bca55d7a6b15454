"""The samplers that a converted model leads to, and their seeds."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from .graph import GET, REROUTE, SET, Graph, Link, Node
from .options import Job

MODEL_INPUTS = ("model", "guider", REROUTE)
SEEDS = ("seed", "noise_seed")
LARGEST_SEED = 0xFFFFFFFFFFFFFFFF
NO_NOISE = "DisableNoise"  # the host's node for samplers that take noise


@dataclass(frozen=True)
class Seed:
    """value: a number or a link to one; control: what the page does to it after a run; frames: in
    its place, a seed for each frame."""

    value: Any
    control: str = "fixed"
    frames: tuple[int, ...] = ()

    def plus(self, offset: int) -> "Seed | None":
        """A seed so much higher; None where that is not known, or no seed."""
        if not offset:
            return self
        if isinstance(self.value, Link):
            return None
        each = tuple(seed + offset for seed in self.frames)
        moved = self.value + offset
        if not self.frames and not 0 <= moved <= LARGEST_SEED:
            return None
        return replace(self, value=max(0, moved), frames=each)

    def first(self) -> "Seed":
        """The one that noise layers go by."""
        return replace(self, value=self.frames[0], frames=()) if self.frames else self


def seed_of(job: Job, sampler: Node) -> Seed | None:
    """The seed of a sampler, or of the noise that it is given."""
    seeded = job.graph.origin(sampler.link("noise")) or sampler
    name = next((name for name in SEEDS if name in seeded.inputs and not seeded.problem), "")
    if not name:
        return None
    return Seed(seeded.inputs[name], seeded.controls.get(name, "fixed"))


def adds_noise(job: Job, sampler: Node) -> bool:
    """Whether a sampler puts noise on its latent."""
    noise = job.graph.origin(sampler.link("noise"))
    if noise is not None and noise.type == NO_NOISE:
        return False
    return sampler.inputs.get("add_noise", "enable") not in ("disable", False)


def samplers_behind(job: Job, link: Link) -> Iterator[Node]:
    """Nodes with a latent to sample that a model leads to, through patches and guiders."""
    graph = job.graph
    seen: set[str] = set()
    links = deque([graph.follow(link, partial(_only_way, graph), job.samplers)])
    while links:
        for node in _takers(graph, links.popleft()):
            if node.id in seen:
                continue
            seen.add(node.id)
            if _samples(node):
                yield node
            else:
                links += _onward(graph, node)


def _takers(graph: Graph, link: Link) -> Iterator[Node]:
    """Nodes that take a model."""
    for node, name in graph.consumers(link):
        if name in MODEL_INPUTS or node.type == SET:
            yield node


def _samples(node: Node) -> bool:
    return node.type != SET and ("latent_image" in node.inputs or "latent_image" in node.sockets)


def _onward(graph: Graph, node: Node) -> list[Link]:
    """The outputs by which a model goes on, wires by name included."""
    ends = graph.named(GET, node) if node.type == SET else ()
    return [link for end in (node, *ends) for link in graph.taken(end)]


def _only_way(graph: Graph, link: Link) -> Link | None:
    """Where a model goes on, if that is in one place only and to no sampler."""
    ways: list[Link] = []
    for node in _takers(graph, link):
        if not _samples(node):
            ways += _onward(graph, node)
        if _samples(node) or len(ways) > 1:
            return None
    return ways[0] if ways else None
