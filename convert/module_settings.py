"""Settings that change the weights of a motion module, as nodes of ours behind its loader."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .graph import ACTIVE, BYPASSED, Link, Node
from .options import Job
from .our_nodes import STRETCH, WEIGHTS
from .their_options import (
    MODULE_SETTINGS,
    OLD_SETTINGS,
    OLD_SETTINGS_ADVANCED,
    OLD_SETTINGS_ATTENTION,
    OLD_SETTINGS_SIMPLE,
    PE_FULL,
    PE_MANUAL,
    PE_SWEETSPOT,
    WEIGHT_NODES,
    weight_names,
)

OLD = (OLD_SETTINGS, OLD_SETTINGS_SIMPLE, OLD_SETTINGS_ADVANCED, OLD_SETTINGS_ATTENTION)
PE_NODES = (PE_FULL, PE_SWEETSPOT, PE_MANUAL)
OF_24 = re.compile(r"mm_sd_v1[45]\.|temporaldiff-v1|mm-stabilized", re.IGNORECASE)
OF_32 = re.compile(r"v3_sd15_mm|mm_sd_v15_v2|animatediff_lightning", re.IGNORECASE)
WITHOUT_TABLE = re.compile(r"animatelcm", re.IGNORECASE)
SHORTEST, MOST_POSITIONS = 24, 4096  # of the tables of known modules, and of Stretch Positions
CLASSES = {  # theirs, in the order in which they act
    "all": "all",
    "pe": "positions",
    "attn": "attention",
    "attn_q": "query",
    "attn_k": "key",
    "attn_v": "value",
    "attn_out_weight": "out",
    "attn_out_bias": "out bias",
    "other": "other",
}
MOST_WEIGHT = 10.0  # of Adjust Motion Weights


class Adjustment(NamedTuple):
    """One node behind a motion module's loader, and the node at whose place it goes."""

    node_type: str
    inputs: dict[str, Any]
    origin: Node
    mode: int = ACTIVE


class UnknownTable(Exception):
    """Why a table of positions cannot be adjusted, as a clause."""


def adjusted(job: Job, node: Node, name: Any, module: Link) -> Link:
    """A motion module behind what the settings that are connected to a node change in it. name: of
    its file, which says how many positions it has."""
    socket = "ad_settings" if job.option(node, "ad_settings") else "motion_model_settings"
    settings = job.option(node, socket)
    if settings is None:
        return module
    if settings.problem or settings.type not in (MODULE_SETTINGS, *OLD):
        job.refuse_options(node, socket)
        return module
    for one in [*_positions(job, settings, str(name)), *_weights(job, settings, str(name))]:
        inputs = {"motion_module": module, **one.inputs}
        ours = job.add(one.node_type, inputs, one.origin, mode=one.mode)
        job.report.replaced(one.origin, ours)
        module = Link(ours.id, 0)
    return module


def _positions(job: Job, settings: Node, name: str) -> Iterator[Adjustment]:
    if settings.type == MODULE_SETTINGS:
        found = job.chain(settings, "pe_adjust", "prev_pe_adjust", PE_NODES)[::-1]
    else:
        found = [settings]
        job.refuse_options(settings, "mask_motion_scale")
    table = Table(24 if OF_24.search(name) else 32 if OF_32.search(name) else None)
    for node in found:
        asked, mode = _asked(job, node), ACTIVE
        if any(asked) and WITHOUT_TABLE.search(name):
            mode = BYPASSED  # a file of AnimateLCM has no table of positions
        try:
            steps = table.after(*asked)
        except UnknownTable as problem:
            job.report.leave(node, str(problem))
            continue
        for step in steps:
            yield Adjustment(STRETCH, step._asdict(), node, mode)


def _asked(job: Job, node: Node) -> tuple[int, int, int, int, int]:
    """By how many rows a table is stretched, how many are dropped, how many of the rest are kept,
    to how many these are interpolated, and how many are dropped of those."""
    if node.type == PE_SWEETSPOT:
        kept, wanted = (_count(job, node, name) for name in ("sweetspot", "new_sweetspot"))
        return 0, 0, kept, wanted, 0
    stretch = _count(job, node, "pe_stretch" if node.type == PE_FULL else "motion_pe_stretch")
    names = ("initial_pe_idx_offset", "cap_initial_pe_length", "interpolate_pe_to_length")
    dropped, kept, wanted = (_count(job, node, name) for name in names)
    return stretch, dropped, kept, wanted, _count(job, node, "final_pe_idx_offset")


def _count(job: Job, node: Node, name: str) -> int:
    value = job.known_number(node, name)
    return max(0, int(value)) if isinstance(value, (int, float)) else 0


class Stretch(NamedTuple):
    """What one Stretch Positions does. positions: 0 for as many as rows and added; rows: 0 for
    all."""

    positions: int
    rows: int = 0
    first_row: int = 0
    added: int = 0


@dataclass
class Table:
    """A table of positions while it is adjusted. rows: None where that is not known."""

    rows: int | None
    steps: list[Stretch] = field(default_factory=list)

    def after(
        self, stretch: int, dropped: int, kept: int, wanted: int, dropped_last: int
    ) -> list[Stretch]:
        """What Stretch Positions has to do, one behind the other."""
        before, self.steps = self.rows, []
        try:
            if stretch:
                self._stretch(stretch)
            if dropped or kept or wanted:
                self._take(dropped, self._used(dropped, kept), wanted)
            if dropped_last:
                self._take(dropped_last, self._used(dropped_last, 0), 0)
        except UnknownTable:
            self.rows = before
            raise
        return self.steps

    def _used(self, dropped: int, kept: int) -> int:
        """How many rows are left; 0 for all of them, of a table that nobody needs to know."""
        if self.rows is not None:
            return min(kept, self.rows - dropped) if kept else self.rows - dropped
        if kept and dropped + kept > SHORTEST:
            raise UnknownTable(
                "how many positions the motion module has is not known by its name, so this was "
                "left out"
            )
        return kept

    def _stretch(self, added: int) -> None:
        if self.rows is None:
            self.steps.append(Stretch(0, added=added))
        else:
            self._take(0, self.rows, self.rows + added)

    def _take(self, first: int, used: int, positions: int) -> None:
        """positions: 0 for as many as are used."""
        positions = positions or used
        if self.rows is not None and first >= self.rows:
            raise UnknownTable(f"it leaves none of {self.rows} positions")
        if positions > MOST_POSITIONS:
            raise UnknownTable(f"{positions} positions are more than the {MOST_POSITIONS} possible")
        whole = first == 0 and used in (0, self.rows)
        if not whole or positions != self.rows:
            self.steps.append(Stretch(positions, 0 if whole else used, first))
        self.rows = positions or None


def _weights(job: Job, settings: Node, name: str) -> Iterator[Adjustment]:
    if settings.type == MODULE_SETTINGS:
        found = job.chain(settings, "weight_adjust", "prev_weight_adjust", WEIGHT_NODES)[::-1]
    else:
        found = [settings]
    for node in found:
        for theirs, ours in CLASSES.items():
            add, multiply = _change(job, node, theirs)
            if (add, multiply) == (0.0, 1.0):
                continue
            for part in _parts(ours, name):
                yield Adjustment(WEIGHTS, {"weights": part, "add": add, "multiply": multiply}, node)


def _parts(weights: str, name: str) -> tuple[str, ...]:
    """Of a file without a table of positions, the incumbent adjusts none."""
    if WITHOUT_TABLE.search(name):
        return {"all": ("attention", "other"), "positions": ()}.get(weights, (weights,))
    return (weights,)


def _change(job: Job, node: Node, theirs: str) -> tuple[float, float]:
    """What is added to weights of a class, and what they are multiplied with then."""
    has = weight_names(node.type) if node.type in WEIGHT_NODES else ()
    changes = []
    for name, neutral in ((f"{theirs}_ADD", 0.0), (f"{theirs}_MULT", 1.0)):
        old = f"{theirs}_strength"
        if node.type in OLD and neutral and old in node.inputs:
            name = old
        elif name not in has:
            changes.append(neutral)
            continue
        value = job.known_number(node, name)
        value = float(value) if isinstance(value, (int, float)) else neutral
        if abs(value) > MOST_WEIGHT:
            job.report.leave(node, f"{name} {value:g} is more than the {MOST_WEIGHT:g} possible")
        changes.append(max(-MOST_WEIGHT, min(MOST_WEIGHT, value)))
    return changes[0], changes[1]
