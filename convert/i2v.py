"""The incumbent's AnimateLCM-I2V: a motion module that animates a picture, and its node that brings
a picture to a latent's size."""

from typing import Any

from .graph import ACTIVE, Graph, Link, Node
from .host_nodes import EMPTY_LATENT, IMAGE_SCALE, VAE_ENCODE
from .idle import takers
from .motion_files import Use
from .options import STRONGEST, Job, is_number
from .our_images import I2V_IMAGE
from .their_images import LOAD_I2V, SCALE_AND_ENCODE
from .their_nodes import EMPTY_LATENT as THEIR_EMPTY_LATENT
from .their_nodes import is_theirs

ENCODER_ONLY = 1  # the second output of their loader
CELL = 8  # pixels of a latent's


def i2v_problem(job: Job, apply: Node) -> str:
    """Why its picture cannot be taken over, as a clause."""
    link = apply.link("motion_model")
    load = job.graph.origin(link)
    if link is None or (
        load and load.type == LOAD_I2V and job.graph.source(link).output == ENCODER_ONLY
    ):
        return f"{apply} takes the picture's encoder alone, without its motion"
    node = job.graph.origin(apply.link("ref_latent"))
    if node is None or node.mode != ACTIVE or node.type not in (SCALE_AND_ENCODE, VAE_ENCODE):
        return f"ref_latent of {apply} comes from {node}, and a picture is needed in its place"
    picture = node.link(_picture_input(node))
    if node.problem or picture is None or node.link("vae") is None:
        return node.problem or f"{node} has no picture or no VAE connected"
    if (count := job.frames(picture)) is not None and count > 1:
        return f"{apply} has {count} pictures, and AnimateLCM-I2V Image takes one"
    return ""


def _picture_input(node: Node) -> str:
    return "image" if node.type == SCALE_AND_ENCODE else "pixels"


def i2v_image(job: Job, use: Use, module: Link, strength: dict[str, Any]) -> Link:
    """AnimateLCM-I2V Image behind a motion module. i2v_problem found none. strength: inputs of
    Apply Motion Module, how strongly all of it acts."""
    apply = use.apply
    node = job.graph.origin(apply.link("ref_latent"))
    assert node is not None
    inputs = {
        "motion_module": module,
        "image": _picture(job, node),
        "vae": node.link("vae"),
        "motion_scale": _drift(job, apply),
    }
    ours = job.add(I2V_IMAGE, inputs, apply)
    if node.type == SCALE_AND_ENCODE:
        job.report.replaced(node, ours)
    _note_strength(job, apply, strength)
    return Link(ours.id, 0)


def _picture(job: Job, node: Node) -> Link:
    """As large as theirs made it, where the file says how large that was."""
    if node.type != SCALE_AND_ENCODE:
        return node.link("pixels") or Link("", 0)
    scaled = _scaled(job, node)
    if scaled is not None:
        return scaled
    if job.constant(node, "crop") != "center":
        job.report.leave(node, "the latent's size is not in the file, so the picture is cropped")
    return node.link("image") or Link("", 0)


def _drift(job: Job, apply: Node) -> Any:
    drift = job.number(apply, "ref_drift")
    if is_number(drift) and drift > STRONGEST:
        job.report.leave(apply, f"ref_drift {drift:g} is more than the {STRONGEST:g} possible")
        return STRONGEST
    return drift


def _note_strength(job: Job, apply: Node, strength: dict[str, Any]) -> None:
    """Where the motion is weaker, theirs weakens what it adds of the picture alike."""
    weaker = strength.get("strength") != 1 or "motion_strength" in strength
    if weaker:
        job.report.leave(apply, "its effect weakens the motion alone, and not the picture's part")
    start, end = (job.value(apply, f"{edge}_percent") for edge in ("start", "end"))
    if job.constant(apply, "apply_ref_when_disabled") and (weaker or (start, end) != (0, 1)):
        job.report.leave(apply, "apply_ref_when_disabled has no equivalent")


def _scaled(job: Job, node: Node) -> Link | None:
    """Upscale Image for theirs, made once; None where the size is not in the file."""
    key = f"{node.id} scaled"
    if key not in job.made:
        size, image = _size(job.graph, job, node.link("latent_size")), node.link("image")
        if size is None or image is None:
            return None
        inputs = {
            "image": image,
            "upscale_method": job.value(node, "scale_method"),
            "width": size[0],
            "height": size[1],
            "crop": job.value(node, "crop"),
        }
        job.made[key] = job.add(IMAGE_SCALE, inputs, node, title=job.title(node))
    return Link(job.made[key].id, 0)


def _size(graph: Graph, job: Job, link: Link | None) -> tuple[int, int] | None:
    """Of an empty latent, in pixels."""
    node = graph.origin(link)
    if node is None or node.type not in (EMPTY_LATENT, THEIR_EMPTY_LATENT) or node.problem:
        return None
    sides = [job.number(node, name) for name in ("width", "height")]
    if not all(isinstance(side, int) and side >= CELL for side in sides):
        return None
    return sides[0] // CELL * CELL, sides[1] // CELL * CELL


def convert_encoded(job: Job) -> None:
    """Pictures that were brought to a latent's size and encoded, for what else takes them."""
    for node in list(job.graph.nodes.values()):
        if node.type != SCALE_AND_ENCODE or node.problem or not _serves_others(job.graph, node):
            continue
        image, vae = _scaled(job, node), node.link("vae")
        if image is None or vae is None:
            job.report.leave(node, "the latent's size is not in the file; the node stays as it is")
            continue
        inputs = {"pixels": image, "vae": vae}
        ours = job.add(VAE_ENCODE, inputs, node, title=job.title(node), mode=node.mode)
        scaled = job.made[f"{node.id} scaled"]
        scaled.mode = max(scaled.mode, node.mode)
        job.replace(node, {0: Link(ours.id, 0)}, scaled, ours)


def _serves_others(graph: Graph, node: Node) -> bool:
    there = [graph.nodes[key] for key in takers(graph, node) if key in graph.nodes]
    return any(not is_theirs(user.type) for user in there)
