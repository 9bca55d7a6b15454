"""Multivals, the incumbent's numbers with an area and a list of frames, as factors of ours."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from .graph import Link, Node
from .options import Job, is_number
from .their_options import MULTIVAL, MULTIVAL_FLOATS, MULTIVAL_INPUT, MULTIVAL_SCALED
from .values_of import FLOAT_OUTPUTS, Frames, frame_strengths, numbers_from

PARTS = ("area", "stretch", "frames", "steps", "blocks")
BY_INPUT = {MULTIVAL: "float_val", MULTIVAL_INPUT: "float_val", MULTIVAL_FLOATS: "floats"}


@dataclass(frozen=True)
class Strength:
    """A factor, as one Motion Strength says it: (outside + area (number - outside)) times the
    numbers of frames, steps and blocks. origin: the node at whose place it goes."""

    number: float = 1.0
    outside: float = 0.0  # where the area is black
    area: Link | None = None
    frames: Link | None = None
    steps: str = ""
    blocks: str = ""
    stretch: bool = False  # the area, from black to white
    origin: Node | None = field(default=None, compare=False)

    @property
    def plain(self) -> bool:
        """Whether it is nothing but a number."""
        return self.area is self.frames is None and not self.steps and not self.blocks

    def times(self, factor: float) -> "Strength":
        return replace(self, number=self.number * factor, outside=self.outside * factor)

    def shape(self) -> "Strength":
        """What is left of it without its size."""
        return self.times(1 / self.number) if self.number else self


def multival(job: Job, node: Node, name: str, frames: Frames) -> Strength | None:
    """The multival that is connected to an input; None where none arrives, or where it was
    reported that it cannot be read."""
    origin = job.option(node, name)
    if origin is None:
        return None
    if not origin.problem and origin.type in BY_INPUT:
        return _dynamic(job, origin, frames)
    if not origin.problem and origin.type == MULTIVAL_SCALED:
        return _scaled(job, origin)
    job.refuse_options(node, name)
    return None


def _dynamic(job: Job, node: Node, frames: Frames) -> Strength | None:
    area = job.arrives(node, "mask_optional")
    number, list_of_them = factor(job, node, BY_INPUT[node.type], frames)
    if number is None:
        job.report.drop(node, "its numbers are given in a way that is not known")
        return None
    return Strength(number, 0.0, area, list_of_them, origin=node)


def factor(job: Job, node: Node, name: str, frames: Frames) -> tuple[float | None, Link | None]:
    """A number, and a link to further factors by frame, that an input of numbers has. The number
    is None where it is neither."""
    value = job.number(node, name)
    if is_number(value):
        return float(value), None
    if not isinstance(value, Link):
        return None, None
    known = numbers_from(job, value, FLOAT_OUTPUTS)
    if known is None:
        return (1.0, value) if _is_foreign(job, value) else (None, None)
    if len(set(known)) == 1:
        return known[0], None
    return 1.0, frame_strengths(job, value, known, frames)


def _is_foreign(job: Job, link: Link) -> bool:
    origin = job.graph.origin(link)
    return origin is not None and not origin.type.startswith("ADE_")


def _scaled(job: Job, node: Node) -> Strength | None:
    """Where the mask is black the one number, where it is white the other."""
    area = job.arrives(node, "mask")
    low, high = (job.known_number(node, f"{end}_float_val") for end in ("min", "max"))
    if area is None or not is_number(low) or not is_number(high):
        job.report.drop(node, "it has no mask")
        return None
    if low == high:
        return Strength(float(high), origin=node)
    stretch = job.constant(node, "scaling") == "relative"
    return Strength(float(high), float(low), area, stretch=stretch, origin=node)


def product(factors: Iterable[Strength]) -> list[Strength]:
    """As few factors as say the same."""
    merged: list[Strength] = []
    for one in factors:
        if one == Strength():
            continue
        for index, other in enumerate(merged):
            if (both := _joined(other, one)) is not None:
                merged[index] = both
                break
        else:
            merged.append(one)
    return [one for one in merged if one != Strength()]


def _joined(a: Strength, b: Strength) -> Strength | None:
    """Both as one, where each has what the other has not."""
    mine = {name: getattr(a, name) or getattr(b, name) for name in PARTS}
    if any(getattr(a, name) and getattr(b, name) for name in PARTS):
        return None
    if a.number != 1 and b.number != 1:
        return None  # so that people find their numbers again
    outside = a.outside * b.number if a.area else b.outside * a.number if b.area else 0.0
    parts: dict[str, Any] = {**mine, "origin": a.origin or b.origin}
    return Strength(a.number * b.number, outside, **parts)
