"""Iteration options: FreeInit."""

from typing import Any

from .graph import Node
from .options import Job
from .their_options import FREE_INIT, ITERATIONS

FILTERS = ("butterworth", "gaussian", "ideal")
MOST_ROUNDS, MOST_ORDER = 20, 16
EXACT_ROUNDS = 2  # as many as the incumbent makes of the noise that it began with
INIT_TYPES = ("FreeInit [sampler sigma]", "FreeInit [model sigma]")  # the same, as its code has it


def free_init_inputs(job: Job, settings: Node) -> tuple[Node, dict[str, Any]] | None:
    """The inputs of our node, and the node of theirs at whose place it goes."""
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
    return node, _inputs(job, node, rounds)


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
