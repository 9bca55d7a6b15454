"""The incumbent's custom CFG, as CFG by Frame and Step."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from .graph import Link, Node
from .keyframes import over_time
from .multivals import Strength, multival
from .options import Job, is_number
from .their_options import (
    CFG,
    CFG_INTERPOLATION,
    CFG_KEYFRAME,
    CFG_KEYFRAME_SIMPLE,
    CFG_LIST,
    CFG_SIMPLE,
)
from .values_of import FLOAT_OUTPUTS, Frames, numbers_from

KNOWN = (CFG, CFG_SIMPLE, CFG_KEYFRAME, CFG_KEYFRAME_SIMPLE, CFG_INTERPOLATION, CFG_LIST)
MOST_CFG, MOST_INTERVALS = 100.0, 100
CURVES = {
    "linear": lambda part: part,
    "ease_in": lambda part: part**2,
    "ease_out": lambda part: 1 - (1 - part) ** 2,
    "ease_in_out": lambda part: (1 - math.cos(math.pi * part)) / 2,
}


class Guidance(NamedTuple):
    """A cfg from a percent of the sampling on, and for how many steps it is guaranteed."""

    node: Node
    percent: float
    cfg: Strength
    steps: int


def guidance_inputs(job: Job, settings: Node, frames: Frames) -> tuple[Node, dict[str, Any]] | None:
    """The inputs of our node for the custom CFG of sample settings, and the node of theirs at whose
    place it goes; None where there is none."""
    found = job.chain(settings, "custom_cfg", "prev_custom_cfg", KNOWN)[::-1]
    for node in found:
        job.refuse_options(node, "cfg_extras")
    if len(found) == 1 and found[0].type == CFG_SIMPLE:
        cfg = job.number(found[0], "cfg")
        return found[0], {"cfg": cfg if isinstance(cfg, Link) else _possible(job, found[0], cfg)}
    parts = sorted((one for node in found for one in _read(job, node, frames)), key=_percent)
    lasting = _lasting(job, parts)
    if not lasting:
        return None
    cfg = over_time(job, [(one.node, one.percent, one.cfg) for one in lasting])
    node = lasting[0].node
    if cfg == Strength():  # what was reported, unless it is a CFG of 1
        return (node, {"cfg": 1.0}) if all(one.cfg.plain for one in lasting) else None
    if cfg.area is not None:
        job.report.leave(node, "a CFG by area has no equivalent")
        return None
    inputs: dict[str, Any] = {"cfg": _possible(job, node, cfg.number), "step_keyframes": cfg.steps}
    return node, inputs | ({"frame_strengths": cfg.frames} if cfg.frames else {})


def _percent(one: Guidance) -> float:
    return one.percent


def _possible(job: Job, node: Node, cfg: float) -> float:
    if not 0 <= cfg <= MOST_CFG:
        job.report.leave(node, f"cfg {cfg:g} is not from 0 to {MOST_CFG:g}")
    return max(0.0, min(MOST_CFG, float(cfg)))


def _lasting(job: Job, parts: Sequence[Guidance]) -> list[Guidance]:
    """Those that are not over where they begin."""
    kept = []
    for one, following in pairwise([*parts, None]):
        if one is None:
            continue
        over = following is not None and following.percent == one.percent
        if following is not None and one.steps > (0 if over else 1) and one.cfg != following.cfg:
            job.report.leave(one.node, f"guarantee_steps {one.steps} has no equivalent")
        if not over:
            kept.append(one)
    return kept


def _read(job: Job, node: Node, frames: Frames) -> Iterator[Guidance]:
    if node.type in (CFG_INTERPOLATION, CFG_LIST):
        yield from _along(job, node)
        return
    if node.type in (CFG, CFG_KEYFRAME):
        cfg = multival(job, node, "cfg_multival", frames)
    else:
        number = job.known_number(node, "cfg")
        cfg = Strength(float(number)) if is_number(number) else None
    keyed = node.type in (CFG_KEYFRAME, CFG_KEYFRAME_SIMPLE)
    percent, steps = (
        (job.known_number(node, name) for name in ("start_percent", "guarantee_steps"))
        if keyed
        else (0.0, 1)
    )
    if cfg is not None:
        yield Guidance(node, float(percent), cfg, int(steps))


def _along(job: Job, node: Node) -> Iterator[Guidance]:
    """Keyframes between two percents; of these the first alone is guaranteed a step."""
    cfgs = _interpolated(job, node) if node.type == CFG_INTERPOLATION else _listed(job, node)
    start, end = (float(job.known_number(node, f"{edge}_percent")) for edge in ("start", "end"))
    for index, cfg in enumerate(cfgs):
        part = index / max(1, len(cfgs) - 1)
        percent = start * (1 - part) + end * part
        yield Guidance(node, percent, Strength(cfg), 0 if index else 1)


def _interpolated(job: Job, node: Node) -> list[float]:
    start, end = (float(job.known_number(node, f"cfg_{edge}")) for edge in ("start", "end"))
    count = max(2, min(MOST_INTERVALS, int(job.known_number(node, "intervals"))))
    method = job.constant(node, "interpolation")
    if method not in CURVES:
        job.report.leave(node, f"interpolation {method!r} is not known; linear is used")
    curve = CURVES.get(method, CURVES["linear"])
    return [start + (end - start) * curve(index / (count - 1)) for index in range(count)]


def _listed(job: Job, node: Node) -> list[float]:
    link = job.arrives(node, "cfgs_float")
    held = job.number(node, "cfgs_float")
    if is_number(held):
        return [float(held)]
    numbers = None if link is None else numbers_from(job, link, FLOAT_OUTPUTS)
    if numbers is None:
        job.report.leave(node, "its list of CFGs is not in the file")
    return numbers or []
