"""Context options and view options, as settings of Context Windows and of Views."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .graph import ACTIVE, BYPASSED, MUTED, Link, Node
from .options import Job
from .their_nodes import (
    BATCHED,
    CONTEXT_EXTRAS,
    LEGACY_UNIFORM,
    LOOPED,
    STATIC,
    UNIFORM,
    V1_ADVANCED,
    VIEWS_ONLY,
)
from .their_options import VIEWS_LOOPED, VIEWS_STATIC, VIEWS_UNIFORM
from .values_of import Frames

UNIFORM_THERE, OPEN = "uniform (Evolved)", "looped open"
SCHEDULES = {
    STATIC: "static",
    UNIFORM: UNIFORM_THERE,
    LOOPED: "looped",
    BATCHED: "batched",
    LEGACY_UNIFORM: "looped",
    V1_ADVANCED: "looped",
}
VIEW_SCHEDULES = {VIEWS_STATIC: "static", VIEWS_UNIFORM: UNIFORM_THERE, VIEWS_LOOPED: "looped"}
STRIDED = (UNIFORM_THERE, "looped", OPEN)
LOOPING_NAMES = ("uniform", "looped_uniform")  # what context_schedule of old nodes was called
FUSES = ("pyramid", "flat", "overlap-linear", "relative")
MOST_STRIDE, SHORTEST = 12, 2  # of Context Windows


@dataclass(frozen=True)
class Windows:
    """Settings of Context Windows, and the node that they come from. Numbers can be links."""

    node: Node
    length: Any
    overlap: Any
    stride: Any
    schedule: str
    fuse: str
    mode: int = ACTIVE

    def inputs(self) -> dict[str, Any]:
        return {
            "context_length": self.length,
            "context_overlap": self.overlap,
            "context_stride": self.stride,
            "schedule": self.schedule,
            "fuse": self.fuse,
        }


@dataclass(frozen=True)
class Contexts:
    """What context options ask for: windows, and views inside the attention."""

    windows: Windows | None = None
    views: Windows | None = None

    @property
    def noise(self) -> Windows | None:
        """Those that noise is shuffled or repeated by."""
        return self.views or self.windows


def contexts_of(job: Job, link: Link | None, frames: Frames) -> Contexts:
    """What context options ask for, of those that we know.

    Several contexts along the sampling become the first of them, which samples longest alone.
    """
    chain = _chain(job, link)
    if not chain:
        return Contexts()
    chosen = min(reversed(chain), key=lambda node: _start(job, node))
    for node in chain:
        if node is not chosen:
            reason = "only one context can take part in a run; this one was for a later part of it"
            job.report.drop(node, reason)
    job.refuse_values(chosen, "start_percent", "guarantee_steps")
    if chosen.type == VIEWS_ONLY:
        return Contexts(views=views_of(job, chosen, "view_opts_req", frames))
    windows = read_windows(job, chosen, frames)
    length = frames if windows is None else lambda: _shorter(windows.length, frames())
    views = views_of(job, chosen, "view_opts", length)
    if views is not None and windows is not None and views.length == windows.length:
        views = replace(views, mode=BYPASSED)  # one view, which is the window
    return Contexts(windows, views)


def _shorter(length: Any, frames: int | None) -> int | None:
    """How many frames a window has."""
    if not isinstance(length, int):
        return None
    return length if frames is None else min(length, frames)


def _chain(job: Job, link: Link | None) -> list[Node]:
    """The context options that are connected, the last added first."""
    node = job.graph.origin(link)
    chain: list[Node] = []
    seen: set[str] = set()
    while node is not None and node.id not in seen:
        seen.add(node.id)
        behind = "context_opts" if node.type == CONTEXT_EXTRAS else "prev_context"
        if node.type == CONTEXT_EXTRAS:
            if node.mode == ACTIVE:
                job.refuse_options(node, "context_extras")
        elif node.type not in (*SCHEDULES, VIEWS_ONLY) or node.problem:
            job.report.drop(node, node.problem or "windows of this kind have no equivalent")
        elif node.mode == ACTIVE or _all_there_is(node, chain, behind):
            chain.append(node)
        node = None if node.mode == MUTED else job.graph.origin(node.link(behind))
    return chain


def _all_there_is(node: Node, chain: list[Node], behind: str) -> bool:
    """Whether options that are off have none beside them: they become windows that are off."""
    return not chain and (node.mode == MUTED or node.link(behind) is None)


def _start(job: Job, node: Node) -> float:
    start = job.value(node, "start_percent")
    return start if isinstance(start, (int, float)) else 0.0


def read_windows(job: Job, node: Node, frames: Frames) -> Windows | None:
    """The settings of one node of context options."""
    given, length = (read(node, "context_length") for read in (job.value, job.number))
    if isinstance(length, int) and length < SHORTEST:
        if length:  # 0 turned windows off
            job.report.leave(node, f"windows of {length} frame are too short for Context Windows")
        return None
    schedule = _schedule(job, node, lambda: frames() == length)
    windows = Windows(
        node,
        given,
        _overlap(job, node, length),
        _stride(job, node, length, frames) if schedule in STRIDED else 1,
        schedule,
        _fuse(job, node, schedule),
    )
    return replace(windows, mode=ACTIVE if node.mode == ACTIVE else BYPASSED)


def _schedule(job: Job, node: Node, one_window: Callable[[], bool]) -> str:
    """one_window: whether the clip is known to be as long as a window."""
    schedule = SCHEDULES[node.type]
    named = node.inputs.get("context_schedule", LOOPING_NAMES[0])
    if named not in LOOPING_NAMES:
        job.report.leave(node, f"context_schedule {named!r} has no equivalent; uniform is used")
    return _looped(job, node, one_window) if schedule == "looped" else schedule


def _looped(job: Job, node: Node, one_window: Callable[[], bool]) -> str:
    """The schedule that windows which go on at the beginning of the clip have."""
    closed = job.known_number(node, "closed_loop")
    in_one_window = job.known_number(node, "use_on_equal_length")
    if in_one_window and one_window():
        # theirs sees the clip twice at a step then, from two frames on, and ours once
        if closed:
            job.report.note(f"{node}: use_on_equal_length differs: one window turns at each step.")
        return "looped"
    # ours loops a clip of one window too, theirs only where that is asked for
    return "looped" if closed and not one_window() else OPEN


def _overlap(job: Job, node: Node, length: Any) -> Any:
    overlap = job.number(node, "context_overlap")
    if isinstance(length, int) and isinstance(overlap, int) and overlap >= length:
        job.report.leave(node, f"context_overlap {overlap} is not less than context_length")
        return length // 4
    return job.value(node, "context_overlap")


def _stride(job: Job, node: Node, length: Any, clip: Frames) -> Any:
    """Theirs is capped when it runs, and so is ours; here too where the clip is known."""
    stride = job.number(node, "context_stride")
    if not isinstance(stride, int) or not isinstance(length, int):
        return stride
    most, frames = MOST_STRIDE, clip() if stride > 1 else None
    if frames is not None and frames > length:
        most = min(most, math.ceil(math.log2(frames / length)) + 1)
    return most if stride > most else job.value(node, "context_stride")


def _fuse(job: Job, node: Node, schedule: str) -> str:
    fuse = job.constant(node, "fuse_method") or "flat"
    if fuse in FUSES:
        own = fuse == "overlap-linear" and schedule in ("static", "looped")
        if own or (fuse == "relative" and schedule == "looped"):
            job.report.note(
                f"{node}: fuse {fuse} differs a little: no frame of an overlap is without weight, "
                "and a loop's join is like any other."
            )
        return fuse
    job.report.leave(node, f"fuse_method {fuse!r} has no equivalent; pyramid is used")
    return "pyramid"


def views_of(job: Job, node: Node, name: str, frames: Frames) -> Windows | None:
    """View options that are connected to context options. frames: of what they are views of."""
    origin = job.option(node, name)
    if origin is None:
        return None
    if origin.problem or origin.type not in VIEW_SCHEDULES:
        job.refuse_options(node, name)
        return None
    length, overlap = (job.number(origin, f"view_{part}") for part in ("length", "overlap"))
    if isinstance(length, int) and length < SHORTEST:
        job.report.leave(origin, f"views of {length} frame are too short for Views")
        return None
    if isinstance(length, int) and isinstance(overlap, int) and overlap >= length:
        job.report.leave(origin, f"view_overlap {overlap} is not less than view_length")
        overlap = length // 4
    schedule = VIEW_SCHEDULES[origin.type]
    if schedule == "looped":
        schedule = _looped(job, origin, lambda: frames() == length)
    if schedule in STRIDED and job.number(origin, "view_stride") != 1:
        job.report.leave(origin, "view_stride has no equivalent: views are of neighbouring frames")
    return Windows(origin, length, overlap, 1, schedule, _fuse(job, origin, schedule))
