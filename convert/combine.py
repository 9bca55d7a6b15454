"""The incumbent's AnimateDiff Combine, as the host's own nodes that save a clip."""

from typing import Any

from .graph import Link, Node
from .host_nodes import CREATE_VIDEO, SAVE_VIDEO, SAVE_WEBP
from .options import Job
from .our_nodes import PING_PONG
from .their_nodes import COMBINE, OLD_COMBINE

PICTURES = ("image/gif", "image/webp")
H264 = "video/h264-mp4"


def convert_combine(job: Job) -> None:
    for node in list(job.graph.nodes.values()):
        if node.type not in (COMBINE, OLD_COMBINE) or node.problem:
            continue
        if node.link("images"):
            _convert(job, node)
        elif node.type == COMBINE:
            job.report.became(node, "nothing: no pictures were connected to it")
            job.graph.remove(node)


def _convert(job: Job, node: Node) -> None:
    kind = job.constant(node, "format")
    _say(job, node, kind)
    made, images = [], node.link("images")
    if job.constant(node, "pingpong") in (True, "true"):
        made.append(job.add(PING_PONG, {"images": images}, node, mode=node.mode))
        images = Link(made[0].id, 0)
    shared = {"title": job.title(node), "mode": node.mode}
    inputs: dict[str, Any] = {"filename_prefix": job.value(node, "filename_prefix")}
    frames = {"images": images, "fps": job.number(node, "frame_rate")}
    if str(kind).startswith("video/"):
        made.append(job.add(CREATE_VIDEO, frames, node, mode=node.mode))
        inputs |= {"video": Link(made[-1].id, 0), "format": "mp4", "codec": "h264"}
        made.append(job.add(SAVE_VIDEO, inputs, node, **shared))
    else:
        inputs |= {**frames, "lossless": False, "quality": 90}
        made.append(job.add(SAVE_WEBP, inputs, node, **shared))
    job.replace(node, {}, *made)


def _say(job: Job, node: Node, kind: Any) -> None:
    """What the host's nodes do otherwise."""
    if job.constant(node, "loop_count") and kind in PICTURES:
        job.report.leave(node, "loop_count: an animated picture goes on for ever here")
    if kind not in (*PICTURES, H264):
        job.report.leave(node, f"format {kind!r} has no equivalent; the video is saved as H.264")
    if job.graph.is_used(node):
        job.report.leave(node, "its output was connected, and saving gives none here")
