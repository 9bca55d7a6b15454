"""How strongly a motion module acts: all that the incumbent has for it, as Motion Strength."""

from dataclasses import replace
from typing import Any

from .graph import Link, Node
from .keyframes import Phase, blocks_over_time, over_time, phases
from .multivals import Strength, multival, product
from .options import STRONGEST, Job, is_number
from .our_nodes import MOTION_STRENGTH
from .value_text import shown
from .values_of import Frames

MOST = 10.0  # of Motion Strength
FACTOR = 1000.0  # as much as anybody can mean
LEFT = 390  # pixels from a node to one before it


def strength_inputs(job: Job, node: Node, frames: Frames, scale: Any = 1.0) -> dict[str, Any]:
    """The inputs of Apply Motion Module that say how strongly it acts. scale: of the legacy loader.

    Their effect is our strength, x + strength (T(x) - x); their scale is our strength of attention.
    """
    found = phases(job, node, frames)
    blocks = blocks_over_time(job, node, found)
    output = [multival(job, node, "effect_multival", frames), _over_time(job, found, "effect")]
    attention = [_legacy(job, node, scale), multival(job, node, "scale_multival", frames)]
    attention.append(_over_time(job, found, "scale"))
    if blocks is not None:
        output.append(blocks.strength("effect"))
        attention.append(blocks.strength("scale"))
    moved = product(one for one in output if one is not None)
    strength = 1.0
    if len(moved) == 1 and moved[0].plain and 0 <= moved[0].number <= STRONGEST:
        strength = moved.pop().number
    if strength == 0:
        job.report.note(
            f"{node}: with an effect of 0, Apply Motion Module leaves the model as it is, its "
            "noise schedule too."
        )
    link = _chain(job, node, moved, product(one for one in attention if one is not None))
    return {"strength": strength} | ({"motion_strength": link} if link else {})


def _over_time(job: Job, found: list[Phase], kind: str) -> Strength:
    return over_time(job, [(one.node, one.percent, getattr(one, kind)) for one in found])


def _legacy(job: Job, node: Node, scale: Any) -> Strength | None:
    if is_number(scale):
        return Strength(float(scale), origin=node)
    return Strength(frames=scale, origin=node) if isinstance(scale, Link) else None


def _chain(job: Job, node: Node, output: list[Strength], attention: list[Strength]) -> Link | None:
    """Motion Strengths of both kinds, one behind the other."""
    link: Link | None = None
    for kind, factors in (("output", output), ("attention", attention)):
        for factor in factors:
            link = Link(_made(job, node, kind, factor, link).id, 0)
    return link


def _made(job: Job, node: Node, kind: str, factor: Strength, previous: Link | None) -> Node:
    place = factor.origin or node
    inputs: dict[str, Any] = {"kind": kind, **_numbers(job, place, factor)}
    links = {"area": factor.area, "frame_strengths": factor.frames, "previous": previous}
    inputs |= {name: link for name, link in links.items() if link is not None}
    inputs |= {"step_keyframes": factor.steps, "blocks": factor.blocks}
    inputs |= {"stretch_area": True} if factor.stretch else {}
    settings: dict[str, Any] = {"title": job.title(place)}
    if place is node:
        settings = {"pos": (node.pos[0] - LEFT, node.pos[1])}
    return job.add(MOTION_STRENGTH, inputs, place, **settings)


def _numbers(job: Job, node: Node, factor: Strength) -> dict[str, Any]:
    """A number beyond what Motion Strength has room for is a factor of all frames."""
    largest = max(abs(factor.number), abs(factor.outside))
    if not largest <= FACTOR:
        job.report.leave(node, f"a strength of {largest:g} is more than the {FACTOR:g} possible")
        return {"strength": MOST}
    if min(factor.number, factor.outside) >= 0 and largest <= MOST:
        return {"strength": factor.number, "outside": factor.outside}
    size = factor.number if not factor.area else -largest if factor.number < 0 else largest
    part = replace(factor, number=factor.number / size, outside=factor.outside / size)
    if min(part.number, part.outside) < 0:
        job.report.leave(node, "an area whose strengths have two signs has no equivalent")
    return {
        "strength": part.number,
        "outside": max(0.0, part.outside),
        "keyframes": f"0: {shown(size)}",
    }
