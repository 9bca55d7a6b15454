"""The clip that a schedule of prompts is for: which frames of the schedule it has."""

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from .everywhere import PACK
from .fizz_nodes import BATCH_LATENTS, BATCH_VALUES_LATENTS
from .graph import ACTIVE, Link, Node
from .options import Job
from .prompt_text import Unreadable
from .their_nodes import PROMPTS_LATENTS
from .wires import GET, REROUTE, SET

LATENT_INPUTS = {  # of nodes that hand on the latent that they count
    BATCH_LATENTS: "num_latents",
    BATCH_VALUES_LATENTS: "num_latents",
    PROMPTS_LATENTS: "latent",
}
CONDITIONING = ("pos", "neg", "cond", "guider", "base_pos", "base_neg")


class Part(NamedTuple):
    """What of a schedule a clip has. count: how many frames its node gave out, if that is known, or
    a link to their number. start, total: the first of them in a schedule of so many; latents: the
    latent whose length the node went by; least: frames that its keys need."""

    count: int | Link | None
    least: int
    start: int = 0
    total: int = 0
    latents: Link | None = None


class Clip(NamedTuple):
    """length: of the clip that is sampled, where the file says so; latent: what the sampler is
    given, where that does not depend on the schedule itself."""

    length: int | None = None
    latent: Link | None = None


def frame_inputs(job: Job, node: Node, part: Part, constant: bool) -> dict[str, Any]:
    """Which frames Prompt Schedule has, as its inputs. constant: all frames have one prompt."""
    inputs: dict[str, Any] = {}
    if part.latents is not None:
        frames: int | Link = job.frames(past_schedules(job, part.latents)) or part.least
        inputs["latent"] = part.latents
    else:
        clip = clip_of(job, node)
        frames = part.count if part.count is not None else part.least
        if clip.length is not None:
            if isinstance(frames, int) and clip.length > frames and not constant:
                _list_missing(job, node, frames, clip.length)
            frames = clip.length
        elif clip.latent is not None:
            inputs["latent"] = clip.latent
    inputs["frames"] = max(1, frames) if isinstance(frames, int) else frames
    if part.start:
        known = "latent" not in inputs or (part.latents and job.frames(part.latents))
        behind = part.start + frames if known and isinstance(frames, int) else 0
        total = max(part.total, behind) if known else 0
        inputs |= {"first_frame": part.start, "total_frames": total}
    return inputs


def _list_missing(job: Job, node: Node, frames: int, length: int) -> None:
    reason = f"it is for {frames} frames, and the clip has {length}: ComfyUI began it anew behind "
    job.report.leave(node, f"{reason}them, and here its last prompt goes on")


def is_known(job: Job, node: Node, part: Part) -> bool:
    """Whether the number of frames can be taken from anywhere."""
    clip = clip_of(job, node)
    return part.latents is not None or clip.length is not None or clip.latent is not None


def clip_of(job: Job, node: Node) -> Clip:
    """The clip of the samplers that a schedule's prompts lead to."""
    samplers = list(_sampled(job, node))
    links = [past_schedules(job, link) for link in samplers]
    known = {job.frames(link) for link in links} - {None} or {*job.clip_lengths()}
    if len(known) == 1:
        return Clip(known.pop())
    free = (link for link in links if not _depends(job, link, node))
    return Clip(latent=None if known else next(free, None))


def text_encoder(job: Job, node: Node) -> Link:
    """What encodes a schedule's prompts: what is connected, or what the one Anything Everywhere
    gives that gives such a thing; the page keeps nowhere to whom it does."""
    link = node.link("clip")
    if link is not None:
        return link
    givers = [n for n in job.graph.nodes.values() if n.type.startswith(PACK) and n.mode == ACTIVE]
    found = {link for giver in givers for _, link in giver.links() if _is_clip(job, link)}
    if len(found) != 1:
        raise Unreadable("its clip is not in the file")
    return found.pop()


def _is_clip(job: Job, link: Link) -> bool:
    source = job.graph.source(link)
    outputs = job.graph.nodes[source.node].outputs if source.node in job.graph.nodes else []
    return 0 <= source.output < len(outputs) and outputs[source.output][1] == "CLIP"


def past_schedules(job: Job, link: Link) -> Link:
    """A latent as it was before nodes that only count it."""
    seen = set()
    while link not in seen:
        seen.add(link)
        origin = job.graph.origin(link)
        before = origin and origin.link(LATENT_INPUTS.get(origin.type, ""))
        if before is None:
            break
        link = before
    return link


def _sampled(job: Job, node: Node) -> Iterator[Link]:
    """The latents of the samplers that a schedule's prompts lead to."""
    seen: set[str] = {node.id}
    links = deque(link for link in job.graph.taken(node) if link.output < 2)
    while links:
        for user, name in job.graph.consumers(links.popleft()):
            if user.id in seen or not (name == REROUTE or user.type == SET or _takes(name)):
                continue
            seen.add(user.id)
            if (latent := user.link("latent_image")) is not None:
                yield latent
                continue
            ends = job.graph.named(GET, user) if user.type == SET else ()
            links += [link for end in (user, *ends) for link in job.graph.taken(end)]


def _takes(name: str) -> bool:
    """Whether an input by its name is one of prompts, or of whatever there is."""
    return not name or name.lower().startswith(CONDITIONING) or name.lower() in ("any", "value")


def _depends(job: Job, link: Link, on: Node) -> bool:
    """Whether an output comes, over whatever, from a node."""
    todo, seen = [link.node], set()
    while todo:
        key = todo.pop()
        if key == on.id:
            return True
        node = job.graph.nodes.get(key)
        if node is not None and key not in seen:
            seen.add(key)
            todo += [source.id for source in job.graph.sources(node)]
    return False
