"""The incumbent's PIA: a motion module that animates a picture, with a mask of how alike each frame
is to it."""

from typing import Any

from .graph import Link, Node
from .host_nodes import HOST_FLOAT
from .motion_files import Use
from .multivals import Strength, multival
from .options import Job, is_number
from .our_images import PIA_IMAGE
from .our_nodes import FRAME_STRENGTHS
from .their_images import PIA_MULTIVAL, PIA_PRESETS
from .value_text import our_keyframes
from .values_of import Frames

PUBLISHED = 16  # frames for which PIA's authors give loops
# Their names: ours, and the values by distance from the picture's frame, the last held; a loop has
# them up to its middle, and backwards from there
PRESETS: dict[str, tuple[str, tuple[float, ...]]] = {
    "Animation (Small Motion)": ("small motion", (1.0, 0.9, 0.85, 0.85, 0.85, 0.8)),
    "Animation (Medium Motion)": ("medium motion", (1.0, 0.8, 0.8, 0.8, 0.79, 0.78, 0.75)),
    "Animation (Large Motion)": ("large motion", (1.0, 0.8, *(0.7,) * 8, 0.6, 0.5, 0.5)),
    "Loop (Small Motion)": ("loop - small", (1.0, 0.9, 0.85, 0.85, 0.85, 0.8)),
    "Loop (Medium Motion)": ("loop - medium", (1.0, 0.8, 0.8, 0.8, 0.79, 0.78, 0.75)),
    "Loop (Large Motion)": ("loop - large", (1.0, 0.8, *(0.7,) * 4, 0.6, 0.5)),
    "Style Transfer (Small Motion)": ("style - small", (0.5, 0.4, 0.4, 0.4, 0.35, 0.3)),
    "Style Transfer (Medium Motion)": (
        "style - medium",
        (0.5, 0.4, 0.4, 0.4, 0.35, 0.35, 0.3, 0.25, 0.2),
    ),
    "Style Transfer (Large Motion)": ("style - large", (0.5, 0.2)),
}
MIRRORED = ("loop - small", "loop - medium")  # not as the authors have them for 16 frames


def pia_problem(job: Job, apply: Node) -> str:
    """Why its picture or its mask cannot be taken over, as a clause."""
    if apply.link("image") is None or apply.link("vae") is None:
        return f"{apply} has no picture or no VAE connected"
    if (count := job.frames(apply.link("image"))) is not None and count > 1:
        return f"{apply} has {count} pictures, and PIA Image takes one"
    given = job.option(apply, "pia_input")
    if given is None:
        return ""
    if given.type not in (PIA_PRESETS, PIA_MULTIVAL) or given.problem:
        return f"the mask of {apply} comes from {given}, which cannot be converted"
    preset = job.text(given, "preset")
    if given.type == PIA_PRESETS and preset not in PRESETS:
        return f"the preset of {given} is not known"
    return ""


def pia_image(job: Job, use: Use, module: Link, frames: Frames) -> Link:
    """PIA Image behind a motion module. pia_problem found none."""
    inputs: dict[str, Any] = {"motion_module": module}
    inputs |= {name: use.apply.link(name) for name in ("image", "vae")}
    given = job.option(use.apply, "pia_input")
    if given is None:
        inputs["frame_strengths"] = _one(job, use.apply, 1.0)
    elif given.type == PIA_MULTIVAL:
        inputs["frame_strengths"] = _by_multival(job, given, frames)
    else:
        inputs |= _by_preset(job, given, frames)
    ours = job.add(PIA_IMAGE, inputs, use.apply)
    if given is not None:
        job.report.replaced(given, ours)
    return Link(ours.id, 0)


def _one(job: Job, beside: Node, number: float) -> Link:
    """One number for all frames."""
    return Link(job.add(HOST_FLOAT, {"value": number}, beside).id, 0)


def _by_multival(job: Job, node: Node, frames: Frames) -> Link:
    value = multival(job, node, "multival", frames) or Strength()
    if value.area is not None:
        job.report.leave(node, "a mask of PIA by area has no equivalent")
    return value.frames or _one(job, node, value.number)


def _by_preset(job: Job, node: Node, frames: Frames) -> dict[str, Any]:
    motion, along = PRESETS[job.text(node, "preset")]
    count = frames()
    picture = job.number(node, "batch_index")
    factor = _factor(job, node, frames)
    if count is None or not is_number(picture):
        if factor != 1:
            job.report.leave(node, "mult_multival needs the clip's length, which is not known")
        if motion in MIRRORED:
            job.report.note(
                f"{node}: in a clip of {PUBLISHED} frames, three values of {motion!r} are those of "
                "PIA's authors here, which differ by up to 0.05 from the incumbent's."
            )
        return {"motion": motion, "image_frame": picture}
    picture = max(0, min(count - 1, int(picture) + (count if picture < 0 else 0)))
    if factor == 1 and (motion not in MIRRORED or count != PUBLISHED):
        return {"motion": motion, "image_frame": picture}
    values = [value * factor for value in mask(along, motion.startswith("loop"), count, picture)]
    inputs = {"keyframes": our_keyframes(values), "frames": count}
    ours = job.add(FRAME_STRENGTHS, inputs, node, title=job.title(node))
    by_frame = {"frame_strengths": Link(ours.id, 0)}
    return {"motion": motion, "image_frame": picture, **by_frame}


def _factor(job: Job, node: Node, frames: Frames) -> float:
    value = multival(job, node, "mult_multival", frames) or Strength()
    if not value.plain:
        job.report.leave(node, "mult_multival by area or by frame has no equivalent")
        return 1.0
    return value.number


def mask(along: tuple[float, ...], loop: bool, frames: int, picture: int) -> list[float]:
    """What a preset gives each frame of a clip."""

    def at(frame: int) -> float:
        inside = min(frame, frames - 1 - frame) if loop else frame
        return along[min(inside, len(along) - 1)]

    return [at(abs(frame - picture)) for frame in range(frames)]
