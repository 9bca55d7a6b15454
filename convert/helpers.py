"""The incumbent's nodes that ComfyUI has by itself, or that our design has no need of."""

from functools import partial

from .beta_schedules import KNOWN
from .graph import Graph, Link, Node
from .options import Job
from .our_nodes import (
    APPLY,
    CHECKPOINT,
    EMPTY_LATENT,
    FRAME_GUIDANCE,
    FREE_INIT,
    KEEP,
    MODEL_SAMPLING,
    SCALED_LINEAR,
    USE_NOISE,
    WINDOWS,
)
from .their_nodes import CHECKPOINT as THEIR_CHECKPOINT
from .their_nodes import EMPTY_LATENT as THEIR_EMPTY_LATENT
from .their_nodes import UNLOAD

MOST_LATENTS = 4096  # batch_size of Empty Latent Image
ADD_MOTION = (APPLY, WINDOWS, MODEL_SAMPLING, FRAME_GUIDANCE, FREE_INIT, USE_NOISE)
LOADED_SCALE = 0.18215  # of an SD1.5 checkpoint's latents


def convert_helpers(job: Job) -> None:
    """Runs behind the loaders: what it does depends on the nodes that took their place."""
    converters = {
        THEIR_EMPTY_LATENT: _empty_latent,
        THEIR_CHECKPOINT: _checkpoint,
        UNLOAD: _unload,
    }
    for node in list(job.graph.nodes.values()):
        if node.type in converters and not node.problem:
            converters[node.type](job, node)


def _empty_latent(job: Job, node: Node) -> None:
    sizes = {name: node.inputs.get(name, 512) for name in ("width", "height")}
    batch = node.inputs.get("batch_size", 1)
    if isinstance(batch, int) and batch > MOST_LATENTS:
        job.report.leave(node, f"Empty Latent Image has at most {MOST_LATENTS} latents")
        return
    ours = job.graph.add(
        EMPTY_LATENT, {**sizes, "batch_size": batch}, node, title=job.title(node), mode=node.mode
    )
    job.replace(node, {0: Link(ours.id, 0)}, ours)


def _checkpoint(job: Job, node: Node) -> None:
    schedule = job.value(node, "beta_schedule")
    beta = None if isinstance(schedule, Link) else KNOWN.get(schedule)
    as_loaded = beta is not None and not beta.lcm and beta.schedule in (KEEP, SCALED_LINEAR)
    if not as_loaded and _sampled_as_loaded(job.graph, Link(node.id, 0)):
        job.report.leave(node, f"beta_schedule {schedule!r} of a checkpoint has no equivalent")
    if job.value(node, "use_custom_scale_factor") and (
        job.value(node, "scale_factor") != LOADED_SCALE
    ):
        job.report.leave(node, "a custom scale_factor has no equivalent")
    ours = job.graph.add(
        CHECKPOINT,
        {"ckpt_name": job.value(node, "ckpt_name")},
        node,
        title=job.title(node),
        mode=node.mode,
    )
    job.replace(node, {output: Link(ours.id, output) for output in range(3)}, ours)


def _sampled_as_loaded(graph: Graph, link: Link) -> bool:
    """Whether a model reaches anything but through a node of ours that sets its schedule."""
    seen: set[str] = set()
    links = [link]
    while links:
        for node, name in graph.consumers(links.pop()):
            if node.type == APPLY and node.inputs.get("beta_schedule") != KEEP:
                continue
            if node.type == MODEL_SAMPLING:
                continue
            if name != "model" or "latent_image" in node.inputs or "latent_image" in node.sockets:
                return True
            if node.id not in seen:
                seen.add(node.id)
                links.append(Link(node.id, 0))
    return False


def _unload(job: Job, node: Node) -> None:
    """Our nodes give out clones: a model without motion is the one before them."""
    link = node.link("model")
    before = link and job.graph.follow(link, partial(_model_before, job.graph), job.models)
    if before is None or before == link or _adds_motion(job.graph.origin(before)):
        job.report.leave(node, "it does not stand behind a motion module that was converted")
        return
    job.replace(node, {0: before})


def _model_before(graph: Graph, link: Link) -> Link | None:
    node = graph.origin(link)
    return node.link("model") if node is not None and _adds_motion(node) else None


def _adds_motion(node: Node | None) -> bool:
    return node is not None and node.type in ADD_MOTION
