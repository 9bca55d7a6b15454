"""The incumbent's schedules of numbers: what is in them, and Frame Strengths in their place."""

from collections.abc import Callable, Collection

from .graph import Link, Node
from .options import Job
from .our_nodes import FRAME_STRENGTHS
from .prompt_text import Unreadable
from .their_options import TO_FLOATS, VALUES, VALUES_LATENTS
from .value_text import fitted, our_keyframes, their_values

FLOAT_OUTPUTS, INT_OUTPUTS = (0, 1), (2, 3)  # FLOAT, FLOATS, INT, INTS
Frames = Callable[[], int | None]  # the clip's length, where the file says so


def numbers_from(job: Job, link: Link, outputs: Collection[int]) -> list[float] | None:
    """The numbers that a link to a schedule gives; None where it comes from something else, or
    they cannot be read. outputs: those that the link may come from."""
    found = _schedule(job, link)
    if found is None or found[1].output not in outputs:
        return None
    try:
        return _numbers(job, found[0])
    except Unreadable:
        return None


def _schedule(job: Job, link: Link | None) -> tuple[Node, Link] | None:
    """The schedule that a link comes from, and by which of its outputs."""
    while link is not None:
        node, link = job.graph.origin(link), job.graph.source(link)
        if node is None or node.problem:
            return None
        if node.type in (VALUES, VALUES_LATENTS):
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
    text = job.value(node, "values")
    if not isinstance(text, str):
        raise Unreadable("its values are not in the file")
    if node.type == VALUES_LATENTS:
        length = job.frames(node.link("latent"))
        if length is None:
            raise Unreadable("the length of its latent is not in the file")
    else:
        length = job.number(node, "max_length")
        if not isinstance(length, int) or length < 0:
            raise Unreadable("its max_length is not in the file")
    return their_values(text, length)


def frame_strengths(job: Job, link: Link, numbers: list[float], frames: Frames) -> Link:
    """Frame Strengths for a clip in a schedule's place; one for all that take it."""
    found = _schedule(job, link)
    length = frames()
    node = found[0] if found else next(iter(job.graph.nodes.values()))
    if length is None:
        job.report.note(f"{node}: set frames of Frame Strengths to the length of the clip.")
    return _made(job, node, fitted(numbers, length or len(numbers)))


def _made(job: Job, node: Node, numbers: list[float]) -> Link:
    key = f"{node.id} for {len(numbers)} frames"
    if key not in job.made:
        inputs = {"keyframes": our_keyframes(numbers), "frames": len(numbers)}
        job.made[key] = job.add(FRAME_STRENGTHS, inputs, node, title=job.title(node))
        job.report.replaced(node, job.made[key])
    return Link(job.made[key].id, 0)


def convert_values(job: Job) -> None:
    """What still takes the FLOAT of a schedule, of whatever pack it is, takes it from ours."""
    for node in list(job.graph.nodes.values()):
        if node.type not in (VALUES, VALUES_LATENTS) or node.problem:
            continue
        theirs = Link(node.id, 0)
        if not any(True for _ in job.graph.consumers(theirs)):
            continue
        try:
            numbers = _numbers(job, node)
        except Unreadable as problem:
            job.report.leave(node, f"{problem}; the node stays as it is")
            continue
        job.graph.relink(theirs, _made(job, node, numbers))
