"""Sample settings: FreeNoise goes before the samplers, the rest is the sampler's own business."""

from collections import deque
from collections.abc import Iterator
from functools import partial

from .beta_schedules import KNOWN
from .contexts import STRIDED, Windows
from .graph import ACTIVE, BYPASSED, GET, REROUTE, SET, Graph, Link, Node
from .options import Job
from .our_nodes import FREE_NOISE
from .their_nodes import SETTINGS, SIGMAS

MODEL_INPUTS = ("model", "guider", REROUTE)
SEEDS = ("seed", "noise_seed")
PLAIN, WANTED = "default", "FreeNoise"


def beta_from_settings(job: Job, loader: Node) -> str | None:
    """The name of the schedule that sample settings set in place of the loader's."""
    settings = job.option(loader, "sample_settings")
    sigmas = job.option(settings, "sigma_schedule") if settings else None
    if settings is None or sigmas is None:
        return None
    name = sigmas.inputs.get("beta_schedule")
    if sigmas.type != SIGMAS or sigmas.problem or name not in KNOWN:
        job.refuse_options(settings, "sigma_schedule")
        return None
    return name


def apply_settings(job: Job, loader: Node, model: Link, windows: Windows | None) -> None:
    """What sample settings ask for, at every sampler that a converted model leads to."""
    node = job.graph.origin(loader.link("sample_settings"))
    if node is None:
        return
    if node.type != SETTINGS or node.problem:
        job.report.drop(node, node.problem or "sample settings of this kind are not known")
        return
    if node.mode == ACTIVE:
        _refuse(job, node)
    if job.constant(node, "noise_type") != WANTED:
        if not job.report.knows(node):
            job.report.replaced(node)
        return
    if windows is None:
        job.report.note(f"{node}: FreeNoise does nothing without context options.")
        return
    samplers = list(samplers_behind(job, model))
    if not samplers:
        job.report.leave(node, "FreeNoise: no sampler was found to put it before")
    active = node.mode == loader.mode == windows.mode == ACTIVE
    for sampler in samplers:
        _put_before(job, node, sampler, windows, active)


def _refuse(job: Job, node: Node) -> None:
    noise = job.value(node, "noise_type")
    if noise not in (PLAIN, WANTED):
        job.report.leave(node, f"noise_type {noise!r} has no equivalent")
    job.refuse_values(node, "batch_offset", "seed_gen", "seed_offset", "adapt_denoise_steps")
    job.refuse_options(
        node,
        "noise_layers",
        "iteration_opts",
        "custom_cfg",
        "image_inject",
        "ancestral_opts",
        "noise_calib",
    )
    override = job.value(node, "seed_override")
    if isinstance(override, Link):
        job.report.leave(node, "seed_override is connected, and that has no equivalent")
    elif override:
        job.report.note(f"{node}: seed_override {override} was saved, but acts only if connected.")


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


def _put_before(job: Job, settings: Node, sampler: Node, windows: Windows, active: bool) -> None:
    latent = sampler.link("latent_image")
    if latent is None:
        job.report.leave(settings, f"FreeNoise: {sampler} has no latent to put it before")
        return
    if sampler.inputs.get("add_noise", "enable") in ("disable", False):
        job.report.note(f"{sampler} adds no noise, so it got no FreeNoise.")
        return
    seeded = job.graph.origin(sampler.link("noise")) or sampler
    name = next((name for name in SEEDS if name in seeded.inputs and not seeded.problem), "")
    if not name:
        job.report.note(f"{sampler}: its seed is not known; FreeNoise shuffles by seed 0.")
    control = seeded.controls.get(name, "fixed")
    inputs = {
        "samples": latent,
        "context_length": windows.length,
        "context_overlap": windows.overlap,
        "seed": seeded.inputs.get(name, 0),
        # theirs is the order of the paper, which repeats noise inside moving windows
        "schedule": "static" if windows.schedule == "static" else "any",
        "context_stride": windows.stride if windows.schedule in STRIDED else 1,
    }
    ours = job.graph.add(
        FREE_NOISE,
        inputs,
        settings,
        controls={"seed": control},
        mode=ACTIVE if active else BYPASSED,
    )
    job.graph.set_input(sampler, "latent_image", Link(ours.id, 0))
    job.report.replaced(settings, ours)
