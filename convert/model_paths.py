"""The nodes that a model comes through: a loader behind a loader, and a model without motion."""

import re
from copy import deepcopy
from functools import partial
from typing import Any

from .beta_schedules import AUTOSELECT, EXISTING
from .graph import ACTIVE, Graph, Link, Node, number
from .host_nodes import MODEL_SAMPLING
from .idle import takers
from .motion_files import schedule_of
from .options import Job
from .our_nodes import (
    APPLY,
    AUTO,
    FRAME_GUIDANCE,
    FREE_INIT,
    KEEP,
    LOAD,
    NOISE_SCHEDULE,
    USE_NOISE,
    WINDOWS,
)
from .their_nodes import EVOLVED, LOADERS, is_theirs

ADD_MOTION = (APPLY, WINDOWS, FRAME_GUIDANCE, FREE_INIT, USE_NOISE)
MAY_CARRY = re.compile(r"pipe|context|ctx|any|guider", re.IGNORECASE)  # a model, by another name
SAMPLINGS = ("ModelSamplingDiscrete", "ModelSamplingContinuousEDM", "ModelSamplingContinuousV")


def supersede(job: Job) -> None:
    """A loader takes the place of any before it, all of its settings included: it gets the model
    that the first one had, through copies of the nodes between where others use these too."""
    active = [node for node in job.graph.nodes.values() if _is_loader(node) and not node.problem]
    found = ((node, _loader_before(job, node)) for node in active)
    before = {node.id: first for node, first in found if first is not None}
    done: set[str] = set()
    for node in active:  # the one nearest to the checkpoint first
        row = []
        while node.id in before and node.id not in done:
            done.add(node.id)
            row.append(node)
            node = before[node.id]
        for second in reversed(row):
            _take_its_place(job, before[second.id], second)


def _loader_before(job: Job, node: Node) -> Node | None:
    link = node.link("model")
    if link is None:
        return None
    before = job.graph.origin(job.graph.follow(link, partial(_to_loader, job.graph), job.loaders))
    found = before is not None and before is not node and _is_loader(before)
    return before if found and before is not None and before.link("model") else None


def _is_loader(node: Node) -> bool:
    return node.type in LOADERS and node.mode == ACTIVE


def _to_loader(graph: Graph, link: Link) -> Link | None:
    node = graph.origin(link)
    return None if node is None or _is_loader(node) else node.link("model")


def _take_its_place(job: Job, first: Node, second: Node) -> None:
    graph = job.graph
    link, model = second.link("model"), first.link("model")
    between: list[Node] = []
    while (node := graph.origin(link)) is not None and node is not first:
        between.append(node)
        link = node.link("model")
    _hand_on_schedule(job, first, second)
    ways = zip([*between, first], [second, *between], strict=True)
    if model is not None and all(takers(graph, node) == {user.id} for node, user in ways):
        job.report.became(first, f"{second}, which takes its place there too")
        graph.relink(Link(first.id, 0), model)
        graph.remove(first)
        return
    for node in reversed(between):
        model = Link(_copied(job, node, model, f"before {first.id}").id, 0)
    graph.set_input(second, "model", model)


def _hand_on_schedule(job: Job, first: Node, second: Node) -> None:
    kept = job.value(second, "beta_schedule")
    without = second.type == EVOLVED and second.link("m_models") is None
    if kept == EXISTING or (kept == AUTOSELECT and without):
        job.graph.set_input(second, "beta_schedule", job.value(first, "beta_schedule"))


def _copied(job: Job, node: Node, model: Link | None, why: str) -> Node:
    """The same node once more, for another model; made once for one reason."""
    key = f"{node.id} {why}"
    if key in job.made:
        return job.made[key]
    raw: dict[str, Any] = deepcopy(node.raw or {})
    for socket in raw.get("inputs") or [] if isinstance(raw.get("inputs"), list) else []:
        socket["link"] = None
    for output in raw.get("outputs") or []:
        output["links"] = []
    copy = job.add(
        node.type,
        {**node.inputs, "model": model},
        node,
        title=node.title,
        mode=node.mode,
        raw=raw if node.raw is not None else None,
        sockets=[*node.sockets],
        controls=dict(node.controls),
    )
    if node.raw is not None and "id" in raw:
        raw["id"] = number(copy.id)
        raw["pos"] = list(copy.pos)
    job.made[key] = copy
    return copy


def without_motion(job: Job, link: Link) -> Link | None:
    """A model as it is without what our nodes added to it; None where a node of theirs is still
    in its way. What others patched stays, and so does the noise schedule, as theirs leave it."""
    graph = job.graph
    path: list[Node] = []
    node, seen = graph.origin(link), set()
    while node is not None and node.id not in seen and node.link("model"):
        if is_theirs(node.type):
            return None
        seen.add(node.id)
        path.append(node)
        node = graph.origin(node.link("model"))
    others = [] if node is None else [name for name, _ in node.links()]
    if node is not None and (node.type in LOADERS or any(map(MAY_CARRY.search, others))):
        return None
    adders = [index for index, node in enumerate(path) if _adds(node)]
    if not adders:
        return link
    model = path[adders[-1]].link("model")
    for node in reversed(path[: adders[-1] + 1]):
        if node.type == APPLY and node.inputs.get("beta_schedule") != KEEP and node.mode == ACTIVE:
            model = _scheduled(job, node, model)
        elif not _adds(node) or node.type == MODEL_SAMPLING:
            model = Link(_copied(job, node, model, "without motion").id, 0)
    return model


def _adds(node: Node) -> bool:
    return node.type in ADD_MOTION or (node.type == MODEL_SAMPLING and node.raw is None)


def _scheduled(job: Job, apply: Node, model: Link | None) -> Link:
    key = f"{apply.id} schedule"
    if key not in job.made:
        beta = apply.inputs.get("beta_schedule")
        if beta == AUTO:
            beta = schedule_of(_file_of(job.graph, apply))
        inputs = {"model": model, "beta_schedule": beta}
        job.made[key] = job.add(NOISE_SCHEDULE, inputs, apply)
    return Link(job.made[key].id, 0)


def _file_of(graph: Graph, apply: Node) -> Any:
    """Of the motion module that a node of ours applies."""
    node: Node | None = apply
    while node is not None and node.type != LOAD:
        node = graph.origin(node.link("motion_module"))
    return None if node is None else node.inputs.get("motion_module")


def sampling_before(job: Job, link: Link) -> Node | None:
    """The active node of the host that set how a model is sampled, the nearest one."""
    end = job.graph.follow(link, partial(_to_sampling, job.graph), job.samplings)
    node = job.graph.origin(end)
    return node if node is not None and _is_sampling(node) else None


def leaves_as_loaded(node: Node) -> bool:
    """Whether such a node sets what an SD1.5 checkpoint has by itself."""
    saved = (node.raw or {}).get("widgets_values")
    values = saved if isinstance(saved, list) else [*node.inputs.values()]
    return node.type == MODEL_SAMPLING and "eps" in values and True not in values


def _is_sampling(node: Node) -> bool:
    return node.type in SAMPLINGS and node.mode == ACTIVE


def _to_sampling(graph: Graph, link: Link) -> Link | None:
    node = graph.origin(link)
    stop = node is None or _is_sampling(node) or node.type == APPLY
    return None if stop or node is None else node.link("model")
