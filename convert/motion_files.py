"""Files of motion modules and MotionLoRAs, as our loaders of them."""

import re
from typing import Any, NamedTuple

from .graph import ACTIVE, Link, Node
from .host_nodes import HOST_FLOAT
from .module_settings import adjusted
from .options import STRONGEST, Job
from .our_nodes import (
    LINEAR,
    LOAD,
    LORA,
    NORMS_OF_V1,
    NORMS_OVER_ALL,
    SCALED_LINEAR,
    SDXL_LINEAR,
)
from .their_images import APPLY_I2V, APPLY_PIA
from .their_nodes import APPLY as THEIR_APPLY
from .their_nodes import (
    APPLY_SIMPLE,
    FIRST_LOADER,
    LEGACY_LOADER,
    SECOND_LOADER,
    V1_ADVANCED,
    V1_LOADER,
)
from .their_nodes import LORA as THEIR_LORA

ALWAYS_AS_V1 = (V1_LOADER, V1_ADVANCED, FIRST_LOADER, SECOND_LOADER)
NORMS_ASKED = (LEGACY_LOADER, THEIR_APPLY, APPLY_SIMPLE)
WITH_PICTURE = (APPLY_PIA, APPLY_I2V)
HOTSHOT = re.compile(r"hotshot|hsxl", re.IGNORECASE)  # by their names
SDXL_BETA = re.compile(r"sdxl|_xl_", re.IGNORECASE)
OTHER_KINDS = (
    (re.compile(r"i2v|(^|[/\\_])pia", re.IGNORECASE), "image to video"),
    (re.compile(r"cameractrl|motionctrl|fancy|hellomeme", re.IGNORECASE), "another method"),
)


class Use(NamedTuple):
    """A node that applies a motion module, what loads it, and the mode of what takes its place."""

    apply: Node
    load: Node
    mode: int


def kind_problem(job: Job, load: Node, apply: Node | None = None) -> str:
    """What kind of motion module a file is that is refused when it is loaded, by its name. apply:
    the node that may give it the picture that it needs."""
    name = str(job.value(load, "model_name"))
    pictured = apply is not None and apply.type in WITH_PICTURE
    for pattern, kind in OTHER_KINDS if load.type != LOAD and load.mode == ACTIVE else ():
        if pattern.search(name) and not (pictured and kind == "image to video"):
            return f"'{name}' is a motion module of a kind that is not run here ({kind})"
    return ""


def schedule_of(file: Any) -> str:
    """What auto is for a motion module's file, by its name."""
    name = str(file)
    if HOTSHOT.search(name):
        return SCALED_LINEAR
    return SDXL_LINEAR if SDXL_BETA.search(name) else LINEAR


def norms_of(job: Job, node: Node, file: Any) -> dict[str, Any]:
    """Of v2 as v1's, where a loader ran them so; of SDXL beta in any case."""
    if isinstance(file, str) and SDXL_BETA.search(file) and not HOTSHOT.search(file):
        return {"norms": NORMS_OVER_ALL}
    if node.type in ALWAYS_AS_V1:
        return {"norms": NORMS_OF_V1}
    name = "apply_v2_models_properly" if node.type == LEGACY_LOADER else "apply_v2_properly"
    proper = job.known_number(node, name) if node.type in NORMS_ASKED else True
    if node.type == LEGACY_LOADER and name not in node.inputs and "class_type" in (node.raw or {}):
        proper = False  # without a page, what its function does by itself
    return {} if proper else {"norms": NORMS_OF_V1}


def module_of(job: Job, use: Use) -> Link:
    """Our loader of a motion module, and what its settings change in it; one for all that apply
    it with the same norms."""
    load = use.load
    if load.type == LOAD:
        return Link(load.id, 0)
    name = job.value(load, "model_name")
    norms = norms_of(job, use.apply, name)
    key = f"{load.id} {norms}"
    if key not in job.made:
        inputs = {"motion_module": name, **norms}
        ours = job.graph.add(LOAD, inputs, load, title=job.title(load), mode=load.mode)
        job.report.replaced(load, ours)
        module = adjusted(job, load, name, Link(ours.id, 0))
        job.made[key] = job.graph.nodes[module.node]
    return Link(job.made[key].id, 0)


def loras_of(job: Job, link: Link | None) -> Link | None:
    """The same chain of MotionLoRAs made of our loaders; each is made once."""
    theirs = []
    node = job.graph.origin(link)
    while node is not None and node.type == THEIR_LORA and not node.problem:
        if node.id in job.made:
            node = job.made[node.id]
            break
        if node.mode == ACTIVE or _lora_file(job, node) is not None:
            theirs.append(node)  # one that is off and has no file only gives on what it takes
        node = job.graph.origin(node.link("prev_motion_lora"))
    if node is not None and node.type != LORA:
        job.report.drop(node, node.problem or "it gives a MotionLoRA in a way that is not known")
        node = None
    for lora in reversed(theirs):
        node = job.made[lora.id] = _lora(job, lora, node)
    return None if node is None else Link(node.id, 0)


def _lora_file(job: Job, node: Node) -> Any:
    return node.inputs.get("lora_name", job.value(node, "name"))


def _lora(job: Job, node: Node, previous: Node | None) -> Node:
    name = _lora_file(job, node)
    strength = job.value(node, "strength")
    made = []
    if not isinstance(strength, Link) and abs(strength) > STRONGEST:  # of what is typed in, alone
        made.append(job.add(HOST_FLOAT, {"value": float(strength)}, node))
        strength = Link(made[0].id, 0)
    inputs = {"motion_lora": name, "strength": strength}
    if previous is not None:
        inputs["previous"] = Link(previous.id, 0)
    made.append(job.add(LORA, inputs, node, title=job.title(node), mode=node.mode))
    job.report.replaced(node, *made)
    return made[-1]
