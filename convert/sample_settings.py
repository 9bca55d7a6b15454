"""Sample settings: what of them goes into the model's chain, and what before the samplers."""

from typing import Any, NamedTuple

from .beta_schedules import KNOWN
from .contexts import Windows
from .free_noise import put_before
from .graph import ACTIVE, Link, Node
from .guidance import guidance_inputs
from .iterations import free_init_inputs
from .noise import MIXES, PLAIN, noise_plan, use_noise
from .options import Job
from .our_nodes import FRAME_GUIDANCE, FREE_INIT
from .samplers import samplers_behind
from .their_nodes import SETTINGS, SIGMAS
from .values_of import Frames

WANTED = "FreeNoise"


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
    asked = {
        FRAME_GUIDANCE: guidance_inputs(job, settings, frames),
        FREE_INIT: free_init_inputs(job, settings),
    }
    if asked[FREE_INIT] and (job.value(settings, "noise_type") != PLAIN or _layered(settings)):
        job.report.leave(settings, "in rounds of FreeInit, its noise: they add plain noise here")
    return [
        Addition(kind, found[1], found[0]) for kind, found in asked.items() if found is not None
    ]


def _layered(settings: Node) -> bool:
    return settings.link("noise_layers") is not None


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
    if job.constant(node, "noise_type") == WANTED:
        _free_noise(job, loader, node, model, windows)
    elif node.mode == ACTIVE and (plan := noise_plan(job, node, lambda: frames, windows)):
        samplers = list(samplers_behind(job, model))
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
    job: Job, loader: Node, node: Node, model: Link, windows: Windows | None
) -> None:
    if node.mode == ACTIVE:
        job.refuse_values(node, "batch_offset", "seed_gen", "seed_offset")
        if isinstance(job.value(node, "seed_override"), Link):
            job.report.leave(node, "seed_override is connected, and that has no equivalent")
        for layer in job.chain(node, "noise_layers", "prev_noise_layers", MIXES):
            job.report.drop(layer, "a layer over FreeNoise has no equivalent")
    if windows is None:
        job.report.note(f"{node}: FreeNoise does nothing without context options.")
        return
    samplers = list(samplers_behind(job, model))
    if not samplers:
        job.report.leave(node, "FreeNoise: no sampler was found to put it before")
    active = node.mode == loader.mode == windows.mode == ACTIVE
    for sampler in samplers:
        put_before(job, node, sampler, windows, active)
