"""Iteration options: FreeInit."""

from typing import Any

from .graph import Link, Node
from .noise import CONSTANT, EMPTY, PLAIN, REPEATED, drawn_as_ever
from .options import Job
from .our_nodes import FREE_INIT as OUR_FREE_INIT
from .their_options import FREE_INIT, ITERATIONS

FILTERS = ("butterworth", "gaussian", "ideal")
MOST_ROUNDS, MOST_ORDER = 20, 16
EXACT_ROUNDS = 2  # as many as the incumbent makes of the noise that it began with
INIT_TYPES = ("FreeInit [sampler sigma]", "FreeInit [model sigma]")  # the same, as its code has it


def free_init(job: Job, settings: Node, samplers: list[Node]) -> tuple[Node, dict[str, Any]] | None:
    """The inputs of our node, and the node of theirs at whose place it goes, for a model that
    leads to these samplers; where not all begin from noise, it is put before those that do."""
    node = job.option(settings, "iteration_opts")
    if node is None:
        return None
    if node.problem or node.type not in (ITERATIONS, FREE_INIT):
        job.refuse_options(settings, "iteration_opts")
        return None
    rounds = int(job.known_number(node, "iterations"))
    if node.type == ITERATIONS:
        if rounds > 1:
            job.report.leave(
                node, f"iterations {rounds}: sampling the result again has no equivalent"
            )
        return None
    if rounds <= 1 and not job.constant(node, "apply_to_1st_iter"):
        return None
    if not _has_noise(job, settings):
        job.report.leave(node, "FreeInit of a clip that begins without noise has no equivalent")
        return None
    inputs = _inputs(job, node, rounds)
    partial = [sampler for sampler in samplers if not _whole(sampler)]
    for sampler in partial:
        job.report.leave(node, f"FreeInit of {sampler}, which does not sample all of the noise")
    if not partial:
        return node, inputs
    _put_before(job, node, inputs, [one for one in samplers if one not in partial])
    return None


def _put_before(job: Job, node: Node, inputs: dict[str, Any], samplers: list[Node]) -> None:
    for sampler in samplers:
        if (model := sampler.link("model")) is None:
            job.report.leave(node, f"FreeInit of {sampler}, as its model is not known")
            continue
        ours = job.add(OUR_FREE_INIT, {"model": model, **inputs}, node)
        job.graph.set_input(sampler, "model", Link(ours.id, 0))
        job.report.replaced(node, ours)


def _whole(sampler: Node) -> bool:
    """Whether a sampler begins with pure noise and leaves none, as far as it is known."""
    values = sampler.inputs
    last, steps = (values.get(name) for name in ("end_at_step", "steps"))
    if isinstance(last, int) and isinstance(steps, int) and last < steps:
        return False
    return (
        values.get("denoise", 1.0) == 1.0
        and values.get("start_at_step", 0) == 0
        and values.get("add_noise", "enable") not in ("disable", False)
        and values.get("return_with_leftover_noise", "disable") != "enable"
    )


def _has_noise(job: Job, settings: Node) -> bool:
    """Also says where the noise of later rounds is another than theirs."""
    kind = job.value(settings, "noise_type")
    layered = settings.link("noise_layers") is not None
    if kind == EMPTY and not layered:
        return False
    if layered or kind not in (PLAIN, CONSTANT, REPEATED) or not drawn_as_ever(job, settings):
        job.report.leave(settings, "the noise of later rounds of FreeInit: here it is plain noise")
    return True


def _inputs(job: Job, node: Node, rounds: int) -> dict[str, Any]:
    job.refuse_values(node, "sigma_step", "apply_to_1st_iter", "iter_batch_offset")
    if (kind := job.constant(node, "init_type")) not in INIT_TYPES:
        job.report.leave(node, f"init_type {kind!r} has no equivalent; FreeInit is used")
    if rounds > EXACT_ROUNDS:
        job.report.leave(
            node,
            f"iterations {rounds}: from the third round on, the incumbent goes on with the noise "
            "of the round before; here it is that of the first, as in the paper",
        )
    if rounds > MOST_ROUNDS:
        job.report.leave(node, f"iterations {rounds} is more than the {MOST_ROUNDS} possible")
    form = job.constant(node, "filter")
    if form not in FILTERS:
        job.report.leave(node, f"filter {form!r} has no equivalent; {FILTERS[0]} is used")
        form = FILTERS[0]
    return {
        "iterations": max(1, min(MOST_ROUNDS, rounds)),
        "filter": form,
        "spatial_cutoff": job.number(node, "d_s"),
        "temporal_cutoff": job.number(node, "d_t"),
        "order": _order(job, node, form),
        "seed_offset": job.number(node, "iter_seed_offset"),
    }


def _order(job: Job, node: Node, form: str) -> Any:
    """Of the butterworth filter alone."""
    order = job.number(node, "n_butterworth")
    if form != FILTERS[0] or not isinstance(order, (int, float)):
        return 4 if form != FILTERS[0] else order
    if order > MOST_ORDER:
        job.report.leave(node, f"n_butterworth {order:g} is more than the {MOST_ORDER} possible")
    return max(1, min(MOST_ORDER, int(order)))
