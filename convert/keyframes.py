"""Keyframes of the incumbent's motion, as factors by percent of the sampling."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from .blocks import Blocks, blocks_of
from .graph import Node
from .multivals import Strength, multival
from .options import Job, is_number
from .their_images import CAMERA_KEYFRAME, PIA_KEYFRAME
from .their_options import KEYFRAME
from .value_text import our_steps
from .values_of import Frames

KEYFRAMES = (KEYFRAME, PIA_KEYFRAME, CAMERA_KEYFRAME)
SMALLEST = 1e-9  # a number below which there is no telling what it is a part of
CHANGING = "what changes is not its number alone, which has no equivalent"


class Phase(NamedTuple):
    """What motion is multiplied with from a percent of the sampling on; None: with nothing.
    camera: what the strength of CameraCtrl is multiplied with."""

    node: Node | None
    percent: float
    effect: Strength | None = None
    scale: Strength | None = None
    blocks: Blocks | None = None
    camera: Strength | None = None


def phases(job: Job, node: Node, frames: Frames) -> list[Phase]:
    """The parts of the sampling that keyframes make, in order; the first is from its start."""
    found = [
        (key, percent)
        for key in reversed(job.chain(node, "ad_keyframes", "prev_ad_keyframes", KEYFRAMES))
        if is_number(percent := job.known_number(key, "start_percent"))
    ]
    found.sort(key=lambda one: one[1])
    read = [Phase(None, 0.0)]
    for key, percent in found:
        job.refuse_options(key, "pia_input")
        before = read[-1] if job.known_number(key, "inherit_missing") else Phase(None, 0.0)
        phase = Phase(
            key,
            float(percent),
            multival(job, key, "effect_multival", frames) or before.effect,
            multival(job, key, "scale_multival", frames) or before.scale,
            blocks_of(job, key, "per_block_replace") or before.blocks,
            multival(job, key, "cameractrl_multival", frames) or before.camera,
        )
        read.append(phase)
    return _lasting(job, read)


def _lasting(job: Job, read: Sequence[Phase]) -> list[Phase]:
    """Those that are not over where they begin. Where a keyframe is guaranteed one step, that is
    what it takes to get past it, unless it is at the very start."""
    kept = []
    for phase, following in pairwise([*read, None]):
        if phase is None:
            continue
        steps = job.known_number(phase.node, "guarantee_steps") if phase.node else 0
        over = following is not None and following.percent == phase.percent
        kept_longer = phase.percent > 0 and steps > (0 if over else 1)
        if kept_longer and following is not None and phase[2:] != following[2:] and phase.node:
            job.report.leave(phase.node, f"guarantee_steps {steps} has no equivalent")
        if not over:
            kept.append(phase)
    return kept


def over_time(job: Job, values: Sequence[tuple[Node | None, float, Strength | None]]) -> Strength:
    """One factor of those of all phases: a number by percent, and what it is a number of, which has
    to be the same in all of them."""
    present = [(node, percent, value or Strength()) for node, percent, value in values]
    if all(value == present[0][2] for _, _, value in present):
        return present[0][2]
    shapes = [value.shape() for _, _, value in present if abs(value.number) > SMALLEST]
    if any(not value.plain and abs(value.number) <= SMALLEST for _, _, value in present):
        shapes += [Strength(), Strength(2.0)]  # an area around which alone something moves
    if any(not _alike(shapes[0], shape) for shape in shapes[1:]):
        for node in _nodes(present):
            job.report.leave(node, CHANGING)
        return Strength()
    shape = shapes[0] if shapes else Strength()
    steps = our_steps([(percent, value.number) for _, percent, value in present])
    return replace(shape, steps=steps, origin=next(_nodes(present), None))


def _alike(a: Strength, b: Strength) -> bool:
    same = (a.area, a.frames, a.steps, a.blocks) == (b.area, b.frames, b.steps, b.blocks)
    return same and abs(a.outside - b.outside) < SMALLEST and abs(a.number - b.number) < SMALLEST


def _nodes(present: Sequence[tuple[Node | None, float, Strength]]) -> Iterator[Node]:
    return (node for node, *_ in present if node is not None)


def blocks_over_time(job: Job, node: Node, found: Sequence[Phase]) -> Blocks | None:
    """The strengths of blocks: those of the keyframes stand in for the loader's own, and have to be
    the same in all of them."""
    own = blocks_of(job, node, "per_block")
    each = [phase.blocks or own for phase in found]
    if all(blocks == each[0] for blocks in each):
        return each[0]
    for phase in found:
        if phase.node is not None and phase.blocks is not None:
            job.report.leave(phase.node, "per_block_replace: blocks cannot change while it samples")
    return own
