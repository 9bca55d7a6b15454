"""Loaders of motion modules: those that do everything, and those with parts to plug together; and
chains of MotionLoRA loaders, which both take."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from .beta_schedules import AUTOSELECT, EXISTING, Beta, beta_of, is_lcm
from .conditioned import LOADS, PROBLEMS, condition_problem, conditioned
from .contexts import Contexts, contexts_of, read_windows
from .graph import ACTIVE, BYPASSED, MUTED, Link, Node
from .host_nodes import MODEL_SAMPLING
from .model_paths import leaves_as_loaded, sampling_before
from .module_settings import adjusted
from .motion_files import Use, kind_problem, loras_of, module_of, norms_of
from .options import Job
from .our_nodes import APPLY, AUTO, KEEP, LCM_100, LOAD, NOISE_SCHEDULE, VIEWS, WINDOWS
from .sample_settings import additions, apply_settings, beta_from_settings
from .samplers import clip_length
from .strengths import strength_inputs
from .their_images import APPLY_I2V
from .their_nodes import APPLY as THEIR_APPLY
from .their_nodes import (
    APPLY_SIMPLE,
    EVOLVED,
    LEGACY_LOADER,
    LOADERS,
    V1_ADVANCED,
)

APPLIES = (THEIR_APPLY, APPLY_SIMPLE, *PROBLEMS)


@dataclass
class Chain:
    """A model on its way through the nodes that take a loader's place."""

    job: Job
    loader: Node
    model: Link
    made: list[Node]

    def add(self, node_type: str, inputs: dict[str, Any], beside: Node, **settings: Any) -> Node:
        """A node that takes the model and gives it on."""
        node = self.job.graph.add(node_type, {"model": self.model, **inputs}, beside, **settings)
        self.model = Link(node.id, 0)
        self.made.append(node)
        return node


def convert_loaders(job: Job) -> None:
    """Every loader that can be converted; the others stay, and so does what they need."""
    for node in list(job.graph.nodes.values()):
        if node.type not in LOADERS:
            continue
        model = node.link("model")
        problem = node.problem or ("" if model else "it has no model connected")
        if not problem:
            problem = (
                _models_problem(job, node) if node.type == EVOLVED else kind_problem(job, node)
            )
        if problem or model is None:
            job.report.leave(node, problem)
        elif node.type == EVOLVED:
            _convert_evolved(Chain(job, node, model, []))
        else:
            _convert_all_in_one(Chain(job, node, model, []))


def _convert_all_in_one(chain: Chain) -> None:
    job, node = chain.job, chain.loader
    name = job.value(node, "model_name")
    contexts = _contexts(chain)
    beta = _beta(chain, name)
    inputs = {"motion_module": name, **norms_of(job, node, name)}
    load = job.graph.add(LOAD, inputs, node, mode=node.mode)
    chain.made.append(load)
    module = adjusted(job, node, name, Link(load.id, 0))
    inputs = {
        "motion_module": _with_views(chain, contexts, module),
        **_strength(chain),
        "beta_schedule": beta.schedule,
    }
    _add_apply(chain, node, inputs, node.mode)
    _finish(chain, contexts)


def _contexts(chain: Chain) -> Contexts:
    """Windows and views of a loader; one of the first had them itself."""
    job, node, frames = chain.job, chain.loader, partial(_frames, chain)
    own = read_windows(job, node, frames) if node.type == V1_ADVANCED else None
    return Contexts(own) if own else contexts_of(job, node.link("context_options"), frames)


def _with_views(chain: Chain, contexts: Contexts, module: Link) -> Link:
    views = contexts.views
    if views is None or views.mode != ACTIVE:
        return module
    inputs = {
        "motion_module": module,
        "view_length": views.length,
        "view_overlap": views.overlap,
        "schedule": views.schedule,
        "fuse": views.fuse,
    }
    ours = chain.job.add(VIEWS, inputs, views.node, title=chain.job.title(views.node))
    chain.job.report.replaced(views.node, ours)
    return Link(ours.id, 0)


def _strength(chain: Chain) -> dict[str, Any]:
    job, node = chain.job, chain.loader
    scale = job.number(node, "motion_scale") if node.type == LEGACY_LOADER else 1.0
    return strength_inputs(job, node, partial(_frames, chain), scale)


def _convert_evolved(chain: Chain) -> None:
    job, node = chain.job, chain.loader
    applies = _applies(job, node)
    contexts = _contexts(chain)
    names = [_named(job, use) for use in applies if use.load.type != LOAD]
    used = any(use.mode == ACTIVE for use in applies)
    beta = _beta(chain, names[-1] if names else None, used)
    sets_it = any(use.mode == ACTIVE and not _in_no_step(job, use.apply) for use in applies)
    if not sets_it and beta.schedule not in (AUTO, KEEP):
        chain.add(NOISE_SCHEDULE, {"beta_schedule": beta.schedule}, node, mode=node.mode)
    for use in applies:
        apply = use.apply
        mode = use.mode if node.mode == ACTIVE else node.mode
        start, end = (job.value(apply, f"{edge}_percent") for edge in ("start", "end"))
        if _in_no_step(job, apply):
            job.report.note(f"{apply} takes part in no step; it is bypassed.")
            start, end, mode = 0.0, 1.0, BYPASSED if mode == ACTIVE else mode
        frames = partial(_frames, chain)
        strength = strength_inputs(job, apply, frames)
        module = conditioned(job, use, module_of(job, use), frames, strength)
        inputs = {
            "motion_module": _with_views(chain, contexts, module),
            **strength,
            "beta_schedule": beta.schedule,
            "start_percent": start,
            "end_percent": end,
        }
        ours = _add_apply(chain, apply, inputs, mode)
        job.report.replaced(apply, ours)
    _finish(chain, contexts)


def _named(job: Job, use: Use) -> Any:
    """A motion module's file; what is given a picture so is an AnimateLCM, whatever its name is."""
    name = job.value(use.load, "model_name")
    return f"AnimateLCM ({name})" if use.apply.type == APPLY_I2V and not is_lcm(name) else name


def _in_no_step(job: Job, apply: Node) -> bool:
    start, end = (job.value(apply, f"{edge}_percent") for edge in ("start", "end"))
    return not isinstance(start, Link) and not isinstance(end, Link) and start >= end


def _applies(job: Job, node: Node) -> list[Use]:
    """The one that runs first, first. A muted one takes those before it out with it; a model must
    go past all of these."""
    found = []
    cut = False
    apply = job.graph.origin(node.link("m_models"))
    while apply is not None:
        cut = cut or apply.mode == MUTED
        load = job.graph.origin(apply.link("motion_model"))
        if load is not None:
            found.append(Use(apply, load, BYPASSED if cut else apply.mode))
        apply = job.graph.origin(apply.link("prev_m_models"))
    return found[::-1]


def _models_problem(job: Job, node: Node) -> str:
    """Why the motion modules of a node cannot be converted, as a clause; empty where they can."""
    link = node.link("m_models")
    while link is not None:
        apply = job.graph.origin(link)
        if apply is None or apply.type not in APPLIES or apply.problem:
            return f"its motion modules come from {apply}, which cannot be converted"
        load = job.graph.origin(apply.link("motion_model"))
        if load is None or load.type not in LOADS or load.problem:
            return f"the motion module of {apply} comes from {load}, which cannot be converted"
        problem = kind_problem(job, load, apply) or condition_problem(job, apply, load)
        if problem:
            return problem
        link = apply.link("prev_m_models")
    return ""


def _beta(chain: Chain, module: Any, used: bool = True) -> Beta:
    """The schedule of a loader, with ComfyUI's own node in the chain where it is one of LCM. used:
    whether it has a motion module, without which autoselect chooses none."""
    job, node = chain.job, chain.loader
    name = beta_from_settings(job, node) or job.value(node, "beta_schedule")
    if name == AUTOSELECT and not used:
        name = EXISTING
    beta = beta_of(node, name, module, job.report)
    sampling = "lcm" if beta.lcm else "eps" if _sampling_is_replaced(chain, beta) else ""
    if sampling:
        chain.add(MODEL_SAMPLING, {"sampling": sampling, "zsnr": False}, node, mode=node.mode)
    return beta


def _sampling_is_replaced(chain: Chain, beta: Beta) -> bool:
    """Theirs puts the schedule in place of all that another node set before, ours keeps that."""
    if beta.schedule in (KEEP, LCM_100):
        return False
    before = sampling_before(chain.job, chain.model)
    return before is not None and not leaves_as_loaded(before)


def _add_apply(chain: Chain, beside: Node, inputs: dict[str, Any], mode: int) -> Node:
    loras = loras_of(chain.job, beside.link("motion_lora"))
    if loras is not None:
        inputs["motion_lora"] = loras
    return chain.add(APPLY, inputs, beside, title=chain.job.title(beside), mode=mode)


def _frames(chain: Chain) -> int | None:
    """How long the clip is that a loader's model samples, where the file says so."""
    return clip_length(chain.job, Link(chain.loader.id, 0))


def _finish(chain: Chain, contexts: Contexts) -> None:
    """Context windows behind it all, and what the settings add; then the whole chain in the
    loader's place."""
    job, node = chain.job, chain.loader
    frames, windows = _frames(chain), contexts.windows
    if windows is not None:
        mode = windows.mode if node.mode == ACTIVE else node.mode
        ours = chain.add(WINDOWS, windows.inputs(), windows.node, mode=mode)
        if windows.node is not node:
            job.report.replaced(windows.node, ours)
    for one in additions(job, node, lambda: frames):
        ours = chain.add(one.node_type, one.inputs, one.origin, mode=node.mode)
        job.report.replaced(one.origin, ours)
    if chain.made == []:
        job.report.note(f"{node} did nothing to its model, which goes past it now.")
    outputs = {0: chain.model}
    if latents := node.link("latents"):  # the first loaders gave the latents on as they were
        outputs[1] = latents
    job.replace(node, outputs, *chain.made)
    apply_settings(job, node, chain.model, frames, contexts.noise)
