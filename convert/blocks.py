"""Strengths of single blocks of a motion module."""

from dataclasses import dataclass, field

from .graph import Node
from .multivals import Strength, multival
from .options import Job
from .their_options import BLOCK, BLOCK_INDIV, BLOCKS_FLOATS, BLOCKS_HIGH, BLOCKS_LOW, BLOCKS_MID
from .value_text import fitted, shown
from .values_of import FLOAT_OUTPUTS, numbers_from

HIGH = ("down", "mid", "up")
MID = (*(f"down_{i}" for i in range(4)), "mid", *(f"up_{i}" for i in range(4)))
LOW = (
    *(f"down_{i}__{j}" for i in range(4) for j in range(2)),
    "mid",
    *(f"up_{i}__{j}" for i in range(4) for j in range(3)),
)
SOCKETS = {BLOCKS_HIGH: HIGH, BLOCKS_MID: MID, BLOCKS_LOW: LOW}
FLOATS = {"effect": "effect_21_floats", "scale": "scale_21_floats"}


@dataclass(frozen=True)
class Blocks:
    """Factors by block, of those that are named: what a module adds, and its attention's K."""

    origin: Node = field(compare=False)
    effect: dict[str, float] = field(default_factory=dict)
    scale: dict[str, float] = field(default_factory=dict)

    def strength(self, kind: str) -> Strength:
        """One of the two as a factor."""
        named = {name: number for name, number in getattr(self, kind).items() if number != 1.0}
        text = ", ".join(f"{name}: {shown(number)}" for name, number in named.items())
        return Strength(blocks=text, origin=self.origin)


def blocks_of(job: Job, node: Node, name: str) -> Blocks | None:
    """What is connected to an input; None where nothing is, or nothing that can be read."""
    origin = job.option(node, name)
    if origin is None:
        return None
    if origin.problem or origin.type not in (*SOCKETS, BLOCKS_FLOATS):
        job.refuse_options(node, name)
        return None
    blocks = Blocks(origin)
    if origin.type == BLOCKS_FLOATS:
        for kind, socket in FLOATS.items():
            getattr(blocks, kind).update(_listed(job, origin, socket))
    for socket in SOCKETS.get(origin.type, ()):
        _read_block(job, origin, socket, blocks)
    return blocks


def _listed(job: Job, node: Node, socket: str) -> dict[str, float]:
    """The numbers of all 21 blocks."""
    link = job.arrives(node, socket)
    if link is None:
        return {}
    numbers = numbers_from(job, link, FLOAT_OUTPUTS)
    if numbers is None:
        job.report.leave(node, f"{socket}: its numbers are not in the file")
        return {}
    return dict(zip(map(_ours, LOW), fitted(numbers, len(LOW)), strict=True))


def _read_block(job: Job, node: Node, socket: str, blocks: Blocks) -> None:
    block = job.option(node, socket)
    if block is None:
        return
    if block.problem or block.type not in (BLOCK, BLOCK_INDIV):
        job.refuse_options(node, socket)
        return
    effect = _number(job, block, "effect")
    if effect is not None:
        blocks.effect[_ours(socket)] = effect
    scale = _scale(job, block)
    if scale is not None:
        blocks.scale[_ours(socket)] = scale


def _scale(job: Job, block: Node) -> float | None:
    if block.type == BLOCK:
        return _number(job, block, "scale")
    first, second = (_number(job, block, f"scale_{index}") for index in range(2))
    if (first is None or first == 1.0) and (second is None or second == 1.0):
        return None
    if first != second:
        job.report.leave(
            block,
            f"scale_0 {1.0 if first is None else first:g} and scale_1 "
            f"{1.0 if second is None else second:g}: the two attentions of a block have one here",
        )
        return None
    return first


def _number(job: Job, block: Node, name: str) -> float | None:
    value = multival(job, block, name, lambda: None)
    if value is None or value.plain:
        return value and value.number
    job.report.leave(block, f"{name} of a block with an area or a list has no equivalent")
    return None


def _ours(socket: str) -> str:
    return socket.replace("__", ".").replace("_", ".")
