"""Schedules of numbers, the incumbent's and FizzNodes': what is in them, and Frame Strengths in
their place."""

from collections.abc import Callable, Collection
from typing import Any

from .fizz_nodes import BATCH_VALUES_LATENTS, VALUE
from .fizz_nodes import VALUES as FIZZ_VALUES
from .fizz_options import value
from .fizz_values import fizz_values
from .graph import Link, Node
from .host_nodes import HOST_FLOAT
from .options import Job, is_number
from .our_nodes import FRAME_STRENGTHS
from .prompt_text import Unreadable
from .their_options import TO_FLOATS, VALUES, VALUES_LATENTS
from .value_text import fitted, our_keyframes, their_values

FLOAT_OUTPUTS, INT_OUTPUTS = (0, 1), (2, 3)  # FLOAT, FLOATS, INT, INTS
LATENTS = {VALUES_LATENTS: "latent", BATCH_VALUES_LATENTS: "num_latents"}
SCHEDULES = (VALUES, VALUES_LATENTS, *FIZZ_VALUES)
Frames = Callable[[], int | None]  # the clip's length, where the file says so


def numbers_from(job: Job, link: Link, outputs: Collection[int]) -> list[float] | None:
    """The numbers that a link to a schedule gives; None where it comes from something else, or
    they cannot be read. outputs: those of the incumbent's node that the link may come from."""
    found = _schedule(job, link)
    if found is None or _kind(*found) not in outputs:
        return None
    try:
        numbers = _numbers(job, found[0])
    except Unreadable:
        return None
    whole = found[0].type in FIZZ_VALUES and _kind(*found) in INT_OUTPUTS
    return [float(int(number)) for number in numbers] if whole else numbers


def _kind(node: Node, link: Link) -> int:
    """An output by the number that it has in the incumbent's node."""
    if node.type not in FIZZ_VALUES:
        return link.output
    return {0: FLOAT_OUTPUTS[0], 1: INT_OUTPUTS[0]}.get(link.output, -1)


def _schedule(job: Job, link: Link | None) -> tuple[Node, Link] | None:
    """The schedule that a link comes from, and by which of its outputs."""
    while link is not None:
        node, link = job.graph.origin(link), job.graph.source(link)
        if node is None or node.problem:
            return None
        if node.type in SCHEDULES:
            return node, link
        if node.type != TO_FLOATS:
            return None
        link = node.link("FLOAT")
    return None


def _numbers(job: Job, node: Node) -> list[float]:
    if node.id not in job.numbers:
        job.numbers[node.id] = _read(job, node)
    return job.numbers[node.id]


def _read(job: Job, node: Node) -> list[float]:
    text = value(job, node, "text" if node.type in FIZZ_VALUES else "values")
    if not isinstance(text, str):
        raise Unreadable("its values are not in the file")
    length = _length(job, node)
    if node.type == VALUE:
        return [_one_of(fizz_values(text, length), value(job, node, "current_frame"))]
    if node.type in FIZZ_VALUES:
        return fizz_values(text, length)
    numbers = their_values(text, length or 0)
    return numbers[:1] if length is None and len(set(numbers)) == 1 else numbers


def _length(job: Job, node: Node) -> int | None:
    """For how many frames it is; None where only its latent knows."""
    if node.type in LATENTS:
        return job.frames(node.link(LATENTS[node.type]))
    name = "max_length" if node.type == VALUES else "max_frames"
    length: Any = value(job, node, name, 0)
    if not is_number(length) or length < 0:
        raise Unreadable(f"its {name} is not in the file")
    return int(length)


def _one_of(numbers: list[float], frame: Any) -> float:
    if not is_number(frame):
        if len(set(numbers)) > 1:
            raise Unreadable("its current_frame is not in the file")
        frame = 0
    return numbers[int(frame) % len(numbers)]


def frame_strengths(job: Job, link: Link, numbers: list[float], frames: Frames) -> Link:
    """Frame Strengths for a clip in a schedule's place; one for all that take it."""
    found = _schedule(job, link)
    length = frames()
    node = found[0] if found else next(iter(job.graph.nodes.values()))
    if length is None and _latent(job, node) is None:
        job.report.note(f"{node}: set frames of Frame Strengths to the length of the clip.")
    return _made(job, node, fitted(numbers, length or len(numbers)))


def _latent(job: Job, node: Node) -> Link | None:
    """The latent that alone knows a schedule's length."""
    link = node.link(LATENTS.get(node.type, ""))
    return link if link is not None and job.frames(link) is None else None


def _made(job: Job, node: Node, numbers: list[float]) -> Link:
    key = f"{node.id} for {len(numbers)} frames"
    if key not in job.made:
        if node.type == VALUE:
            inputs: dict[str, Any] = {"value": numbers[0]}
            job.made[key] = job.add(HOST_FLOAT, inputs, node, title=job.title(node))
        else:
            inputs = {"keyframes": our_keyframes(numbers), "frames": len(numbers)}
            latent = _latent(job, node)
            inputs |= {"latent": latent} if latent else {}
            job.made[key] = job.add(FRAME_STRENGTHS, inputs, node, title=job.title(node))
        job.report.replaced(node, job.made[key])
    return Link(job.made[key].id, 0)


def convert_values(job: Job) -> None:
    """What still takes the FLOAT of a schedule, of whatever pack it is, takes it from ours."""
    for node in list(job.graph.nodes.values()):
        if node.type not in SCHEDULES or node.problem:
            continue
        if node.type == BATCH_VALUES_LATENTS and (latent := node.link("num_latents")):
            job.graph.relink(Link(node.id, 2), latent)
        theirs = Link(node.id, 0)
        if any(True for _ in job.graph.consumers(theirs)):
            try:
                job.graph.relink(theirs, _made(job, node, _numbers(job, node)))
            except Unreadable as problem:
                job.report.leave(node, f"{problem}; the node stays as it is")
                continue
        if node.type in FIZZ_VALUES:
            _finish(job, node)


def _finish(job: Job, node: Node) -> None:
    """FizzNodes' schedule is gone where nothing takes its whole numbers."""
    users = [str(user) for user, _ in job.graph.consumers(Link(node.id, 1))]
    if users:
        why = f"whole numbers by frame have no equivalent, and {', '.join(users)} takes them"
        job.report.leave(node, f"{why}; the node stays as it is")
    elif not job.graph.is_used(node):
        if not job.report.was_replaced(node):
            job.report.became(node, "in the nodes that it served")
        job.graph.remove(node)
