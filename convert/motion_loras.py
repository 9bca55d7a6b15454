"""Chains of MotionLoRA loaders."""

from .graph import Link, Node
from .options import Job
from .our_nodes import LORA
from .their_nodes import LORA as THEIR_LORA


def converted_loras(job: Job, link: Link | None) -> Link | None:
    """The same chain made of our loaders, as a source of `motion_lora`; each is made once."""
    node = job.graph.origin(link)
    if node is None or link is None:
        return None
    if node.type == LORA:
        return Link(node.id, 0)
    if node.type != THEIR_LORA or node.problem:
        job.report.drop(node, node.problem or "it gives a MotionLoRA in a way that is not known")
        return None
    if node.id not in job.made:
        job.made[node.id] = _converted(job, node)
    return Link(job.made[node.id].id, 0)


def _converted(job: Job, node: Node) -> Node:
    previous = converted_loras(job, node.link("prev_motion_lora"))
    name = node.inputs.get("lora_name", job.value(node, "name"))
    strength = job.value(node, "strength")
    if not isinstance(strength, Link):
        strength = job.at_most(node, "strength", float(strength))
    inputs = {"motion_lora": name, "strength": strength}
    if previous is not None:
        inputs["previous"] = previous
    ours = job.graph.add(LORA, inputs, node, title=job.title(node), mode=node.mode)
    job.report.replaced(node, ours)
    return ours
