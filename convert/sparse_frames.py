"""Which frames of a clip Advanced-ControlNet's SparseCtrl has pictures for, as Sparse Frames."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from .graph import Link, Node
from .options import Job
from .our_nodes import WINDOWS
from .prompt_clips import Clip, clip_of, past_schedules
from .their_images import SPARSE_INDEXES, SPARSE_SPREAD

SPREADS = {"uniform": "spread", "starting": "starts", "ending": "ends", "center": "centre"}
STEERABLE = "BatchCreativeInterpolation"  # its frames are a text since May 2024
POSITIONS = 4  # its output with them
METHOD = "SPARSE_METHOD"


class NoFrames(Exception):
    """Why frames cannot be taken over, as a clause."""


class Where(NamedTuple):
    """at: of Sparse Frames; listed: its numbers, where it has such. retyped: an output that files
    of older packs have with another type."""

    at: str | Link
    listed: tuple[int, ...] | None = None
    retyped: Link | None = None


def where_of(job: Job, loader: Node) -> Where:
    """What a loader's sparse_method says; NoFrames where it is not known."""
    link = job.arrives(loader, "sparse_method")
    node = job.graph.origin(link)
    if link is None or node is None:
        return Where("spread")
    if node.problem:
        raise NoFrames(node.problem)
    if node.type == SPARSE_SPREAD:
        spread = job.text(node, "spread")
        if spread not in SPREADS:
            raise NoFrames(f"spread of {node} is not known")
        return Where(SPREADS[spread])
    if node.type == SPARSE_INDEXES:
        text, given = job.text(node, "indexes"), job.value(node, "indexes")
        return Where(text) if isinstance(text, Link) else _listed(node, text, given)
    source = job.graph.source(link)
    kind = node.outputs[source.output][1] if source.output < len(node.outputs) else ""
    if kind == "STRING" or (node.type == STEERABLE and source.output == POSITIONS):
        return Where(source, retyped=source if kind == METHOD else None)
    raise NoFrames(f"its frames come from {node}, and are not in the file")


def _listed(node: Node, text: Any, given: Any) -> Where:
    """given: the text, or a link to what holds it."""
    try:
        frames = tuple(int(part) for part in str(text).split(","))
    except ValueError:
        raise NoFrames(f"indexes of {node} are no numbers") from None
    if len(set(frames)) != len(frames):
        raise NoFrames(f"indexes of {node} name a frame twice")
    linked = isinstance(given, Link) and "+" not in text  # which counts from the one before
    return Where(given if linked else _written(frames), frames)


def _written(frames: Sequence[int]) -> str:
    return ", ".join(map(str, frames))


def frames_inputs(job: Job, apply: Node, where: Where, images: Link, sized: Link | None) -> dict:
    """Inputs of Sparse Frames; NoFrames where it would not take them. sized: the latent that the
    pictures are brought to the size of."""
    clip = clip_of(job, apply)
    length = clip.length
    at = _at(where, job.frames(images), length)
    inputs: dict[str, Any] = {"images": images, "at": at}
    latent = _counting(job, clip, sized)
    if latent is not None:
        inputs["latent"] = latent
    if length is not None:
        inputs["frames"] = length
    elif latent is None:
        job.report.note(f"{apply}: set frames of Sparse Frames to the length of the clip.")
    return inputs


def _counting(job: Job, clip: Clip, sized: Link | None) -> Link | None:
    """The latent that tells how many frames there are. The one that pictures are sized by is it
    where it is the clip's or has as many; and where nothing is known of the clip."""
    if sized is None:
        return clip.latent if clip.length is None else None
    sized = past_schedules(job, sized)
    counted = job.frames(sized)
    if clip.length is not None:
        return sized if counted == clip.length else None
    if clip.latent is None:
        return sized if counted != 1 else None
    same = job.graph.source(sized) == job.graph.source(clip.latent)
    return sized if same else clip.latent


def _at(where: Where, images: int | None, frames: int | None) -> str | Link:
    """As many frames as there are pictures: of more, theirs takes the first."""
    if images is not None and frames is not None and images > frames:
        raise NoFrames(f"it has {images} pictures for {frames} frames")
    if where.listed is None:
        return where.at
    listed = where.listed if images is None else where.listed[:images]
    if images is not None and len(listed) < images:
        raise NoFrames(f"it has {images} pictures and names {len(listed)} frames")
    if frames is not None and not all(-frames <= frame < frames for frame in listed):
        raise NoFrames(f"it names frames that a clip of {frames} does not have")
    return where.at if len(listed) == len(where.listed) else _written(listed)


def windows_lack(job: Job, where: Where, frames: Any) -> bool:
    """Whether a context window may have no picture in it. frames: of the clip, or None."""
    windows = [node for node in job.graph.nodes.values() if node.type == WINDOWS and not node.mode]
    return any(_lacks(node, where, frames) for node in windows)


def _lacks(windows: Node, where: Where, frames: Any) -> bool:
    length = windows.inputs.get("context_length")
    if not isinstance(length, int) or not isinstance(frames, int):
        return True
    if frames <= length:
        return False
    strided = windows.inputs.get("context_stride", 1) != 1
    if where.listed is None or strided or windows.inputs.get("schedule") == "looped":
        return True
    at = sorted(frame + (frames if frame < 0 else 0) for frame in where.listed)
    edges = zip((-1, *at), (*at, frames), strict=True)
    return any(after - before > length for before, after in edges)
