"""The incumbent's nodes of camera poses, as Camera Paths, or as the text of Camera Poses."""

from collections.abc import Iterator
from typing import Any

from .camera_poses import MOST_FRAMES, MOVES, Lens, Move, Poses, joined, moved
from .graph import ACTIVE, MUTED, Link, Node
from .options import Job, is_number
from .our_images import CAMERA_PATH, CAMERA_POSES
from .their_images import (
    MOVES as MOST_AT_ONCE,
)
from .their_images import (
    POSES_ADVANCED,
    POSES_APPEND,
    POSES_BASIC,
    POSES_COMBO,
    POSES_FILE,
    POSES_LENS,
    POSES_PATH,
    POSES_SIZE,
)

MADE = (POSES_BASIC, POSES_COMBO, POSES_ADVANCED)
FILES = {POSES_FILE: "pose_filename", POSES_PATH: "file_path"}
KNOWN = (*MADE, *FILES, POSES_APPEND, POSES_LENS, POSES_SIZE)
BEFORE = ("prev_poses", "poses_first", "poses", "poses_last")  # inputs that take poses, in order
MOST_NODES = 200  # of one chain
TOGETHER, AFTERWARDS = "at the same time", "afterwards"


class NoPoses(Exception):
    """Why poses cannot be read, as a clause."""


class Chain:
    """Nodes of poses that lead to one link, and what they give; NoPoses where they cannot be read.

    nodes: all of them. file: the node at their end that reads a file, whose poses are not in the
    workflow, and nothing but a size comes behind it.
    """

    def __init__(self, job: Job, link: Link | None):
        self.job = job
        self.nodes: dict[str, Node] = {}
        self.end = self._node(link)
        self.file: Node | None = None
        self.poses: Poses | None = None
        if (file := self._file()) is not None:
            self.file = file
        else:
            self.poses = self._read()

    def _node(self, link: Link | None) -> Node:
        """The active node behind a link; one that is bypassed gives on what it takes."""
        node = self.job.graph.origin(link)
        while node is not None and node.type in KNOWN and node.mode not in (ACTIVE, MUTED):
            node = self.job.graph.origin(next((given for _, given in _before(node)), None))
        if node is None or node.mode == MUTED:
            raise NoPoses("its camera poses come from nowhere")
        if node.type not in KNOWN or node.problem:
            raise NoPoses(f"its camera poses come from {node}, which cannot be converted")
        self.nodes[node.id] = node
        if len(self.nodes) > MOST_NODES:
            raise NoPoses(f"its camera poses come through more than {MOST_NODES} nodes")
        return node

    def _file(self) -> Node | None:
        node = self.end
        while node.type == POSES_SIZE:
            node = self._node(node.link("poses"))
        return node if node.type in FILES else None

    def _read(self) -> Poses:
        """Goes from node to node without calling itself, so that no chain is too long."""
        known: dict[str, Poses] = {}
        waiting = [self.end]
        while waiting:
            node = waiting[-1]
            given = [self._node(link) for _, link in _before(node)]
            missing = [one for one in given if one.id not in known]
            if missing:
                waiting += missing
                continue
            if node.id not in known:
                known[node.id] = self._given(node, [known[one.id] for one in given])
                if len(known[node.id].poses) > MOST_FRAMES:
                    raise NoPoses(f"its camera poses are more than {MOST_FRAMES}")
            waiting.pop()
        return known[self.end.id]

    def _given(self, node: Node, before: list[Poses]) -> Poses:
        if node.type in FILES:
            raise NoPoses(f"its camera poses come from the file of {node}, with others")
        if node.type in MADE:
            own = self._made(node)
            return joined(before[0], own) if before else own
        if len(before) != (2 if node.type == POSES_APPEND else 1):
            raise NoPoses(f"{node} lacks camera poses")
        if node.type == POSES_APPEND:
            return joined(*before)
        if node.type == POSES_LENS:
            return before[0].with_lens(Lens(*(self._number(node, name) for name in Lens._fields)))
        return before[0].with_size(*size_of(self.job, node))

    def _made(self, node: Node) -> Poses:
        frames = int(self._number(node, "frame_length"))
        if not 0 < frames <= MOST_FRAMES:
            raise NoPoses(f"frame_length of {node} is {frames}")
        return moved([*self._parts(node)], self._number(node, "speed"), frames)

    def _parts(self, node: Node) -> Iterator[tuple[str, float]]:
        numbers = [""] if node.type == POSES_BASIC else range(1, MOST_AT_ONCE + 1)
        for number in numbers:
            kind = self.job.text(node, f"motion_type{number}")
            if kind not in MOVES:
                raise NoPoses(f"motion_type{number} of {node} is not known")
            advanced = node.type == POSES_ADVANCED
            yield kind, self._number(node, f"strength{number}") if advanced else 1.0

    def _number(self, node: Node, name: str) -> float:
        value = self.job.number(node, name)
        if not is_number(value):
            raise NoPoses(f"{name} of {node} is not in the file")
        return float(value)


def size_of(job: Job, node: Node) -> tuple[float, float]:
    """What a node says of the size of the poses' pictures."""
    sizes = [job.number(node, f"orig_pose_{side}") for side in ("width", "height")]
    if not all(is_number(size) and size > 0 for size in sizes):
        raise NoPoses(f"the size of {node} is not in the file")
    return float(sizes[0]), float(sizes[1])


def _before(node: Node) -> list[tuple[str, Link]]:
    """The inputs of a node that take poses."""
    return [(name, link) for name in BEFORE if (link := node.link(name)) is not None]


def path_of(job: Job, chain: Chain, frames: int | None) -> Link:
    """Our nodes for a chain, made once; every node of it is listed as one of them."""
    key = f"{chain.end.id} camera path"
    if key not in job.made:
        if chain.poses is None:
            made = [_from_file(job, chain, frames)]
        elif chain.poses.moves and chain.poses.one_lens:
            made = _moves(job, chain.end, chain.poses.moves, chain.poses.one_lens)
        else:
            count = len(chain.poses.poses) if frames is None else frames
            inputs = {"text": chain.poses.text, "frames": count}
            made = [job.add(CAMERA_POSES, inputs, chain.end, title=job.title(chain.end))]
        for node in chain.nodes.values():
            job.report.replaced(node, *made)
        job.made[key] = made[-1]
    return Link(job.made[key].id, 0)


def _moves(job: Job, beside: Node, moves: tuple[Move, ...], lens: Lens) -> list[Node]:
    made: list[Node] = []
    own = {} if lens == Lens() else {"focal_x": lens.fx, "focal_y": lens.fy}
    for move in moves:
        inputs: dict[str, Any] = {"move": move.name, "speed": move.speed, "frames": move.frames}
        if made:
            inputs["previous"] = Link(made[-1].id, 0)
            inputs["join"] = AFTERWARDS if move.after else TOGETHER
        made.append(job.add(CAMERA_PATH, {**inputs, **own}, beside, title=job.title(beside)))
    return made


def _from_file(job: Job, chain: Chain, frames: int | None) -> Node:
    node = chain.file or chain.end
    name = job.value(node, FILES[node.type])
    inputs = {} if frames is None else {"frames": frames}
    ours = job.add(CAMERA_POSES, inputs, node, title=job.title(node))
    job.report.leave(
        node,
        f"its poses are in the file {name!r}, not in the workflow: paste what is in that file into "
        f"text of Camera Poses ({ours.id})",
    )
    return ours
