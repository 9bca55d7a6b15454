"""Advanced-ControlNet's SparseCtrl, as ours and the host's Apply ControlNet. Where anything of it
has no equal, it stays as it is with all that it needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .graph import ACTIVE, Graph, Link, Node
from .host_nodes import CONTROL, CONTROL_ONE
from .options import STRONGEST, Job, is_number
from .our_images import LOAD_SPARSE_CTRL, SPARSE_FRAMES
from .sparse_frames import NoFrames, Where, frames_inputs, where_of, windows_lack
from .their_images import (
    CONTROL_FOR_BOTH,
    CONTROL_FOR_ONE,
    LOAD_MERGED,
    LOAD_SPARSE,
    SPARSE,
    SPARSE_RGB,
)

FOR_BOTH = (*CONTROL_FOR_BOTH, CONTROL)
FOR_ONE = (*CONTROL_FOR_ONE, CONTROL_ONE)
OVERRIDES = ("mask_optional", "timestep_kf", "latent_kf_override", "weights_override")
FACTORS = ("motion_scale", "sparse_hint_mult", "sparse_nonhint_mult", "sparse_mask_mult")
NO_PICTURE = "no picture"  # a choice of Load SparseCtrl
STAYS = "the node stays as it is, and needs AnimateDiff-Evolved beside Advanced-ControlNet"


@dataclass
class Applied:
    """A node that applies a SparseCtrl. rgb: what encodes its pictures before; frames: inputs of
    Sparse Frames."""

    node: Node
    images: Link
    rgb: Node | None
    frames: dict[str, Any]


def is_sparse(node_type: str) -> bool:
    """Whether a node is one of Advanced-ControlNet's that need AnimateDiff-Evolved."""
    return node_type in SPARSE


def convert_sparse(job: Job) -> None:
    """Every SparseCtrl, and what only served those that were converted."""
    for node in list(job.graph.nodes.values()):
        if node.type not in (LOAD_SPARSE, LOAD_MERGED):
            continue
        try:
            _convert(job, node)
        except NoFrames as problem:
            if node.mode == ACTIVE:
                job.report.leave(node, f"{problem}; {STAYS}")
    for node in list(job.graph.nodes.values()):
        if node.type in SPARSE and not job.graph.is_used(node) and not job.report.knows(node):
            if not job.report.was_replaced(node):
                job.report.became(node, "in the nodes that it served")
            job.graph.remove(node)


def _convert(job: Job, loader: Node) -> None:
    if problem := _problem(job, loader):
        raise NoFrames(problem)
    where = where_of(job, loader)
    users = list(_ends(job.graph, Link(loader.id, 0)))
    applied = [_applied(job, node, name, where) for node, name in users]
    inputs = {
        "sparsectrl": job.value(loader, "sparsectrl_name"),
        "motion_strength": _motion(job, loader),
        **_empty_windows(job, loader, applied, where),
    }
    ours = job.graph.add(LOAD_SPARSE_CTRL, inputs, loader, title=loader.title, mode=loader.mode)
    for one in applied:
        _apply(job, one, Link(ours.id, 0))
    if where.retyped is not None:
        _retype(job, where.retyped)
    job.replace(loader, {0: Link(ours.id, 0)}, ours)


def _problem(job: Job, loader: Node) -> str:
    """What of a loader has no equal, as a clause."""
    if loader.problem or loader.type == LOAD_MERGED:
        return loader.problem or "a SparseCtrl with the weights of another ControlNet has no equal"
    if job.arrives(loader, "tk_optional"):
        return "tk_optional has no equal"
    for name in FACTORS:
        if job.number(loader, name) != 1:
            return f"{name} has no equal"
    strength = job.number(loader, "motion_strength")
    if is_number(strength) and not 0 <= strength <= STRONGEST:
        return f"motion_strength {strength:g} is more than the {STRONGEST:g} possible"
    if isinstance(job.switch(loader, "use_motion"), Link):
        return "whether it uses motion is not in the file"
    return ""


def _motion(job: Job, loader: Node) -> Any:
    """Its motion_strength, or a link to that."""
    return job.value(loader, "motion_strength") if job.switch(loader, "use_motion") else 0.0


def _ends(graph: Graph, link: Link) -> Iterator[tuple[Node, str]]:
    """Who takes an output over whatever wires, and by which input."""
    links, seen = [link], set()
    while links:
        for node, name in graph.consumers(links.pop()):
            if not node.is_wire:
                yield node, name
            elif node.id not in seen:
                seen.add(node.id)
                links += graph.given_on(node)


def _applied(job: Job, node: Node, name: str, where: Where) -> Applied:
    if node.type not in (*FOR_BOTH, *FOR_ONE) or name != "control_net" or node.problem:
        raise NoFrames(node.problem or f"{node} takes it, which is not known")
    if overrides := [given for given in OVERRIDES if job.arrives(node, given)]:
        raise NoFrames(f"{overrides[0]} of {node} has no equal")
    images, origin = node.link("image"), job.graph.origin(node.link("image"))
    rgb = origin if origin is not None and origin.type == SPARSE_RGB else None
    if rgb is not None:
        images = rgb.link("image")
    if images is None or (rgb is not None and rgb.link("vae") is None):
        raise NoFrames(f"{rgb or node} has no picture or no VAE connected")
    if node.type in FOR_ONE and rgb is not None:
        raise NoFrames(f"{node} has one prompt, and Apply ControlNet needs both for a VAE")
    whole = (job.value(node, "start_percent"), job.value(node, "end_percent")) == (0, 1)
    if node.type in CONTROL_FOR_ONE and not whole:
        raise NoFrames(f"{node} has one prompt and a part of the sampling, which has no equal")
    if rgb is None:
        job.report.note(
            f"{node}: drawings are made grey, from 0 at their darkest to 1 at their brightest, as "
            "SparseCtrl was trained; white lines on black are the same as before."
        )
    sized = rgb.link("latent_size") if rgb else None
    return Applied(node, images, rgb, frames_inputs(job, node, where, images, sized))


def _apply(job: Job, one: Applied, control: Link) -> None:
    node = one.node
    hints = Link(_sparse_frames(job, one).id, 0)
    both = node.type in FOR_BOTH
    names = ("positive", "negative") if both else ("conditioning",)
    inputs: dict[str, Any] = {name: link for name in names if (link := node.link(name))}
    inputs |= {"control_net": control, "image": hints}
    values = ("strength", "start_percent", "end_percent") if both else ("strength",)
    inputs |= {name: job.value(node, name) for name in values}
    if one.rgb is not None:
        inputs["vae"] = one.rgb.link("vae")
    kind = CONTROL if both else CONTROL_ONE
    ours = job.graph.add(kind, inputs, node, title=_title(node), mode=node.mode)
    outputs = {place: Link(ours.id, place) for place in range(len(names))}
    if (model := node.link("model_optional")) is not None:
        outputs[len(names)] = model
    job.replace(node, outputs, ours)


def _title(node: Node) -> str:
    return "" if "🅐🅒🅝" in node.title else node.title


def _sparse_frames(job: Job, one: Applied) -> Node:
    """One for all that have the same pictures at the same frames."""
    beside = one.rgb or one.node
    key = f"{beside.id} {sorted(map(str, one.frames.items()))}"
    if key not in job.made:
        job.made[key] = job.add(SPARSE_FRAMES, one.frames, beside, mode=beside.mode)
        if one.rgb is not None:
            job.report.replaced(one.rgb, job.made[key])
    return job.made[key]


def _empty_windows(job: Job, loader: Node, applied: list[Applied], where: Where) -> dict[str, str]:
    """What a context window without any of its pictures sees."""
    if job.constant(loader, "context_aware") != "off":
        return {}
    if any(windows_lack(job, where, one.frames.get("frames")) for one in applied):
        job.report.note(
            f"{loader}: in a context window without any of its pictures it saw an empty one; here "
            "it takes no part there, which differs."
        )
    return {"empty_windows": NO_PICTURE}


def _retype(job: Job, source: Link) -> None:
    """An output of an older pack whose frames are a text now, as its record says it."""
    node = job.graph.nodes[source.node]
    outputs = (node.raw or {}).get("outputs")
    if isinstance(outputs, list) and source.output < len(outputs):
        outputs[source.output]["type"] = "STRING"
        name, _ = node.outputs[source.output]
        node.outputs[source.output] = (name, "STRING")
    job.report.note(f"{node} has to be of May 2024 or newer: since then its frames are a text.")
