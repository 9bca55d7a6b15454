"""The samplers that a converted model leads to, with their latents and seeds."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

from .graph import ACTIVE, Graph, Link, Node
from .layouts import CHANGES, CONTROLS
from .options import Job
from .pipes import holder_of, is_pipe_input, onward, part_of, samples
from .wires import REROUTE, WIRES

MODEL_INPUTS = ("model", "guider", REROUTE, "")
MODELS = ("MODEL", "GUIDER")
LATENTS = ("latent_image", "latent", "samples", "latents", "optional_latent", "latent_opt")
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
    """The seed of a sampler, or of the noise or the pipe that it is given."""
    seeded = job.graph.origin(sampler.link("noise")) or sampler
    name = next((name for name in SEEDS if name in seeded.inputs and not seeded.problem), "")
    if name:
        return Seed(seeded.inputs[name], seeded.controls.get(name, "fixed"))
    return _seed_among(seeded) or _seed_of_pipe(job, seeded)


def fixed_seed(job: Job, seed: Seed) -> Seed:
    """A seed whose value is in the file, where another node of packs holds it and the page does not
    change it after a run."""
    link = seed.value
    node = job.graph.origin(link) if isinstance(link, Link) else None
    if node is None or "seed" not in node.type.lower() or next(node.links(), None) is not None:
        return seed
    saved = (node.raw or {}).get("widgets_values")
    values = saved if isinstance(saved, list) else [*node.inputs.values()]
    numbers = [v for v in values if isinstance(v, int) and not isinstance(v, bool)]
    if len(numbers) != 1 or not 0 <= numbers[0] <= LARGEST_SEED or {*CHANGES} & {*map(str, values)}:
        return seed
    return Seed(numbers[0])


def _seed_among(node: Node) -> Seed | None:
    """Of nodes whose values have no names here: a seed is followed by what the page does to it."""
    values = (node.raw or {}).get("widgets_values")
    if isinstance(values, list) and values[1:2] == [None]:  # Efficiency Nodes' have a button there
        values = [values[0], CONTROLS[0]]
    for value, control in pairwise(values) if isinstance(values, list) else ():
        whole = isinstance(value, int) and not isinstance(value, bool)
        if whole and 0 <= value <= LARGEST_SEED and control in CONTROLS:
            return Seed(value, control)
    return None


def _seed_of_pipe(job: Job, node: Node) -> Seed | None:
    found = holder_of(job.graph, node, "seed")
    return Seed(found[0].link(found[1])) if found else None


def adds_noise(job: Job, sampler: Node) -> bool:
    """Whether a sampler puts noise on its latent."""
    noise = job.graph.origin(sampler.link("noise"))
    if noise is not None and noise.type == NO_NOISE:
        return False
    return sampler.inputs.get("add_noise", "enable") not in ("disable", False)


def latent_place(graph: Graph, sampler: Node) -> tuple[Node, str] | None:
    """Where a sampler's latent comes in: by an input of its own, or of the node that puts it into
    the pipe that the sampler takes."""
    own = next((name for name in LATENTS if sampler.link(name) is not None), None)
    return (sampler, own) if own else holder_of(graph, sampler, "latent")


def latent_of(graph: Graph, sampler: Node) -> Link | None:
    """The latent that a sampler starts from."""
    found = latent_place(graph, sampler)
    return found[0].link(found[1]) if found else None


def clip_length(job: Job, link: Link) -> int | None:
    """How long the clip is that a model's samplers are given, where the file says so: that of
    those that run, where some do."""
    found = [*samplers_behind(job, link)]
    running = [sampler for sampler in found if sampler.mode == ACTIVE] or found
    lengths = {job.frames(latent_of(job.graph, sampler)) for sampler in running}
    return lengths.pop() if len(lengths) == 1 else None


def samplers_behind(job: Job, link: Link) -> Iterator[Node]:
    """Nodes that sample with a model, found through patches, guiders, pipes and wires. One that
    gives its model on leads to others."""
    graph = job.graph
    seen: set[str] = set()
    links = deque([graph.follow(link, partial(_only_way, graph), job.samplers)])
    while links:
        for node, name in _takers(graph, links.popleft()):
            if node.id in seen:
                continue
            seen.add(node.id)
            if _samples(node):
                yield node
            links += _onward(graph, node, name)


def _takers(graph: Graph, link: Link) -> Iterator[tuple[Node, str]]:
    """Nodes that take a model, or a pipe with one, and by which input."""
    for node, name in graph.consumers(link):
        if _takes_model(node, name):
            yield node, name


def _takes_model(node: Node, name: str) -> bool:
    if node.type in WIRES or name in MODEL_INPUTS:
        return True
    kind = node.input_kinds.get(name)
    named = kind in MODELS if kind not in (None, "*") else part_of(name) == "model"
    return named or is_pipe_input(node, name)


def _samples(node: Node) -> bool:
    return node.type not in WIRES and samples(node)


def _onward(graph: Graph, node: Node, name: str) -> list[Link]:
    """The outputs by which a model goes on, wires by name included."""
    by_pipe = onward(graph, node, name)
    if by_pipe is not None:
        return by_pipe
    links = graph.given_on(node)
    return [link for link in links if _may_give_model(graph.nodes[link.node], link.output)]


def _may_give_model(node: Node, output: int) -> bool:
    """Whether an output could have a model, as far as its type says so."""
    if node.type in WIRES or not 0 <= output < len(node.outputs):
        return True
    kind = node.outputs[output][1]
    return kind == "*" or kind in MODELS or kind.lower().endswith(("pipe", "context", "line"))


def _only_way(graph: Graph, link: Link) -> Link | None:
    """Where a model goes on, if that is in one place only and to no sampler."""
    ways: list[Link] = []
    for node, name in _takers(graph, link):
        if _samples(node):
            return None
        ways += _onward(graph, node, name)
        if len(ways) > 1:
            return None
    return ways[0] if ways else None
