"""Sample settings: what of them goes into the model's chain, and what before the samplers."""

from typing import Any, NamedTuple

from .beta_schedules import KNOWN
from .contexts import Windows
from .free_noise import put_before
from .graph import ACTIVE, Link, Node
from .guidance import guidance_inputs
from .iterations import free_init
from .noise import SHUFFLED, noise_plan, seeds_given, use_noise
from .options import Job
from .our_nodes import FRAME_GUIDANCE, FREE_INIT
from .samplers import samplers_behind
from .their_nodes import SETTINGS, SIGMAS
from .values_of import Frames

UNGUIDED = "BasicGuider"  # ours refuses to run under it


class Addition(NamedTuple):
    """A node for a model's chain, and the node of theirs at whose place it goes."""

    node_type: str
    inputs: dict[str, Any]
    origin: Node


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


def additions(job: Job, loader: Node, frames: Frames) -> list[Addition]:
    """What sample settings ask for all along the sampling."""
    settings = _settings(job, loader)
    if settings is None or settings.mode != ACTIVE:
        return []
    samplers = list(samplers_behind(job, Link(loader.id, 0)))
    guidance = guidance_inputs(job, settings, frames)
    for sampler in samplers if guidance else ():
        guider = job.graph.origin(sampler.link("guider"))
        if guider is not None and guider.type == UNGUIDED:
            job.report.leave(settings, f"custom_cfg at {guider}, which has no negative prompt")
            guidance = None
    asked = {FRAME_GUIDANCE: guidance, FREE_INIT: free_init(job, settings, samplers)}
    return [Addition(kind, found[1], found[0]) for kind, found in asked.items() if found]


def _settings(job: Job, loader: Node) -> Node | None:
    node = job.graph.origin(loader.link("sample_settings"))
    if node is not None and (node.type != SETTINGS or node.problem):
        job.report.drop(node, node.problem or "sample settings of this kind are not known")
        return None
    return node


def apply_settings(
    job: Job, loader: Node, model: Link, frames: int | None, windows: Windows | None
) -> None:
    """What sample settings ask for at every sampler that a converted model leads to. windows:
    those that noise is repeated or shuffled by."""
    node = _settings(job, loader)
    if node is None:
        return
    if node.mode == ACTIVE:
        job.refuse_options(node, "image_inject", "ancestral_opts", "noise_calib")
        _note_override(job, node)
    shuffled = job.constant(node, "noise_type") == SHUFFLED and not seeds_given(job, node)
    samplers = list(samplers_behind(job, model))
    if shuffled:
        _free_noise(job, loader, node, samplers, windows)
    if node.mode == ACTIVE and (plan := noise_plan(job, node, lambda: frames, windows)):
        if not samplers:
            job.report.leave(node, "its noise: no sampler was found to give it to")
        for sampler in samplers:
            use_noise(plan, sampler)
    served = node.link("custom_cfg") or node.link("iteration_opts")
    if not job.report.knows(node) and not job.report.was_replaced(node) and not served:
        job.report.replaced(node)


def _note_override(job: Job, node: Node) -> None:
    saved = job.value(node, "seed_override")
    if saved and not isinstance(saved, Link):
        job.report.note(f"{node}: seed_override {saved} was saved, but acts only if connected.")


def _free_noise(
    job: Job, loader: Node, node: Node, samplers: list[Node], windows: Windows | None
) -> None:
    if windows is None:
        job.report.note(f"{node}: FreeNoise does nothing without context options.")
        return
    if not samplers:
        job.report.leave(node, "FreeNoise: no sampler was found to put it before")
    active = node.mode == loader.mode == windows.mode == ACTIVE
    for sampler in samplers:
        put_before(job, node, sampler, windows, active)
