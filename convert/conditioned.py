"""What the incumbent's nodes give a motion module beside prompts: a picture, or a camera's path."""

from typing import Any

from .camera_control import camera_control, camera_problem
from .graph import ACTIVE, Link, Node
from .i2v import i2v_image, i2v_problem
from .motion_files import Use
from .options import Job
from .our_nodes import LOAD
from .pia import pia_image, pia_problem
from .their_images import APPLY_CAMERA, APPLY_I2V, APPLY_PIA, LOAD_CAMERA, LOAD_I2V
from .their_nodes import LOAD as THEIR_LOAD
from .values_of import Frames

PROBLEMS = {APPLY_PIA: pia_problem, APPLY_I2V: i2v_problem, APPLY_CAMERA: camera_problem}
LOADS = (THEIR_LOAD, LOAD_I2V, LOAD_CAMERA, LOAD)


def condition_problem(job: Job, apply: Node, load: Node) -> str:
    """Why what a node gives cannot be taken over, as a clause; nothing for one that is off."""
    return _problem(job, apply, load) if apply.mode == ACTIVE else ""


def _problem(job: Job, apply: Node, load: Node) -> str:
    if (apply.type == APPLY_CAMERA) != (load.type == LOAD_CAMERA):
        return f"the motion module of {apply} comes from {load}, which does not fit"
    find = PROBLEMS.get(apply.type)
    return "" if find is None else find(job, apply)


def conditioned(job: Job, use: Use, module: Link, frames: Frames, strength: dict[str, Any]) -> Link:
    """A motion module behind nodes of ours that give it the same. strength: inputs of Apply Motion
    Module."""
    kind = use.apply.type
    if kind not in PROBLEMS or _problem(job, use.apply, use.load):
        return module
    if kind == APPLY_PIA:
        return pia_image(job, use, module, frames)
    if kind == APPLY_I2V:
        return i2v_image(job, use, module, strength)
    return camera_control(job, use, module, frames)
