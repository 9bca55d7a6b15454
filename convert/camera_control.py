"""The incumbent's CameraCtrl: a motion module that follows poses of a camera."""

from typing import Any

from .camera_paths import Chain, NoPoses, path_of, size_of
from .graph import Link, Node
from .host_nodes import HOST_FLOAT
from .keyframes import over_time, phases
from .motion_files import Use
from .multivals import Strength, multival, product
from .options import STRONGEST, Job
from .our_images import CAMERA_CONTROL
from .their_images import POSES_SIZE
from .values_of import Frames

USUAL = (1280, 720)  # the size of poses' pictures where nothing says otherwise


def camera_problem(job: Job, apply: Node) -> str:
    """Why its poses cannot be taken over, as a clause."""
    try:
        Chain(job, apply.link("cameractrl_poses"))
    except NoPoses as problem:
        return str(problem)
    return ""


def camera_control(job: Job, use: Use, module: Link, frames: Frames) -> Link:
    """Camera Control behind a motion module. camera_problem found none."""
    chain = Chain(job, use.apply.link("cameractrl_poses"))
    inputs: dict[str, Any] = {
        "motion_module": module,
        "camera_control": job.value(use.load, "camera_ctrl"),
        "camera_path": path_of(job, chain, frames()),
        **_strength(job, use.apply, frames),
        **_size(job, chain),
    }
    ours = job.add(CAMERA_CONTROL, inputs, use.apply)
    return Link(ours.id, 0)


def _size(job: Job, chain: Chain) -> dict[str, int]:
    if chain.poses is None:
        found = {USUAL}
        if chain.end.type == POSES_SIZE:
            found = {size_of(job, chain.end)}
    else:
        found = {pose.size for pose in chain.poses.poses}
    if len(found) > 1:
        job.report.leave(chain.end, "poses of several sizes have no equivalent: those of the last")
    last = chain.poses.poses[-1].size if chain.poses else found.pop()
    return {} if last == USUAL else {"width": int(last[0]), "height": int(last[1])}


def _strength(job: Job, apply: Node, frames: Frames) -> dict[str, Any]:
    """Of the camera: one number, and one by frame."""
    keyed = [(one.node, one.percent, one.camera) for one in phases(job, apply, frames)]
    asked = (multival(job, apply, "cameractrl_multival", frames), over_time(job, keyed))
    factors = product(one for one in asked if one is not None)
    number, by_frame = 1.0, None
    for factor in factors:
        problem = _problem(factor, by_frame)
        if problem:
            job.report.leave(factor.origin or apply, f"cameractrl_multival {problem}")
            continue
        number *= factor.number
        by_frame = factor.frames or by_frame
    if by_frame is None and not 0 <= number <= STRONGEST:
        place = next((one.origin for one in factors if one.origin), apply)
        return {"frame_strengths": Link(job.add(HOST_FLOAT, {"value": number}, place).id, 0)}
    inputs: dict[str, Any] = {} if number == 1 else {"strength": number}
    return inputs | ({"frame_strengths": by_frame} if by_frame else {})


def _problem(factor: Strength, by_frame: Link | None) -> str:
    if factor.area is not None:
        return "by area has no equivalent"
    if factor.steps or factor.blocks:
        return "that changes while it samples has no equivalent"
    if factor.frames is not None and (by_frame or not 0 <= factor.number <= STRONGEST):
        return "of two lists has no equivalent"
    return ""
