"""The incumbent's nodes that ComfyUI has by itself, or that our design has no need of."""

from .beta_schedules import beta_of
from .graph import ACTIVE, MUTED, Graph, Link, Node
from .host_nodes import CHECKPOINT, EMPTY_LATENT, MODEL_SAMPLING
from .model_paths import without_motion
from .options import Job
from .our_nodes import APPLY, AUTO, KEEP, NOISE_SCHEDULE, SCALED_LINEAR
from .their_nodes import CHECKPOINT as THEIR_CHECKPOINT
from .their_nodes import EMPTY_LATENT as THEIR_EMPTY_LATENT
from .their_nodes import UNLOAD

MOST_LATENTS = 4096  # batch_size of Empty Latent Image
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
    """Its schedule is set by a node of ours, unless the model only goes to others that set one."""
    if job.value(node, "use_custom_scale_factor") and (
        job.value(node, "scale_factor") != LOADED_SCALE
    ):
        job.report.leave(node, "a custom scale_factor has no equivalent")
    inputs = {"ckpt_name": job.value(node, "ckpt_name")}
    shared = {"title": job.title(node), "mode": node.mode}
    ours = job.graph.add(CHECKPOINT, inputs, node, **shared)
    made, model = [ours], Link(ours.id, 0)
    beta = beta_of(node, job.value(node, "beta_schedule"), None, job.report)
    as_loaded = not beta.lcm and beta.schedule in (KEEP, AUTO, SCALED_LINEAR)
    if not as_loaded and _sampled_as_loaded(job.graph, Link(node.id, 0)):
        if beta.lcm:
            inputs = {"model": model, "sampling": "lcm", "zsnr": False}
            made.append(job.add(MODEL_SAMPLING, inputs, node, mode=node.mode))
            model = Link(made[-1].id, 0)
        if beta.schedule != KEEP:
            inputs = {"model": model, "beta_schedule": beta.schedule}
            made.append(job.add(NOISE_SCHEDULE, inputs, node, mode=node.mode))
            model = Link(made[-1].id, 0)
    job.replace(node, {0: model, 1: Link(ours.id, 1), 2: Link(ours.id, 2)}, *made)


def _sampled_as_loaded(graph: Graph, link: Link) -> bool:
    """Whether a model may reach anything but through a node of ours that sets its schedule."""
    seen: set[str] = set()
    links = [link]
    while links:
        for node, name in graph.consumers(links.pop()):
            if node.is_wire:
                if node.id not in seen:
                    seen.add(node.id)
                    links += graph.given_on(node)
                continue
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
    if node.mode == MUTED or link is None:
        job.replace(node, {})
        return
    model = link if node.mode != ACTIVE else without_motion(job, link)
    if model is None:
        job.report.leave(node, "it does not stand behind a motion module that was converted")
        return
    job.replace(node, {0: model})
