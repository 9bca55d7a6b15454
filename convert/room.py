"""Room for new nodes between those that feed them and those that they feed."""

import math

from .boxes import GAP, Box
from .sheets import Sheet

LARGE = 30  # nodes of an arrangement that is left as it is
MOST = 200  # new nodes in front of one that are looked at
Steps = list[tuple[float, float]]  # from which left edge on boxes move, and how far


def make_room(sheet: Sheet) -> Steps:
    """Move what is in the way to the right, and all that is right of it as far. Whatever was beside
    one another still is, since nothing moves less than what is left of it."""
    steps: Steps = []
    if len(sheet.kept) > LARGE:
        return steps
    shift = 0.0
    moved: dict[int, float] = {}
    for box in sorted(sheet.kept, key=lambda box: box.left):
        feeding = [feeder for feeder in sheet.feeders_of(box) if feeder.made]
        needed = max((_reach(sheet, one, box, moved) for one in feeding), default=-math.inf)
        if needed - box.left > shift:
            shift = needed - box.left
            steps.append((box.left, shift))
        moved[id(box)] = shift
    for box in sheet.kept:
        box.left += moved[id(box)]
    for box in sheet.made:
        box.left += shift_at(steps, box.left)
    return steps


def shift_at(steps: Steps, left: float) -> float:
    """How far something at this place moves."""
    return next((shift for start, shift in reversed(steps) if left >= start), 0.0)


def _reach(sheet: Sheet, last: Box, box: Box, moved: dict[int, float]) -> float:
    """Where a box has to begin behind a new one and all in front of that. Only what lay in front of
    the box itself is minded."""
    start: dict[int, float] = {}
    waiting = [last]
    seen = {id(last)}
    while waiting and len(seen) < MOST:
        made = waiting[-1]
        feeders = sheet.feeders_of(made)
        further = next((one for one in feeders if one.made and id(one) not in seen), None)
        if further is not None:
            seen.add(id(further))
            waiting.append(further)
            continue
        edges = [
            start.get(id(feeder), -math.inf) + feeder.width if feeder.made
            else feeder.right + moved[id(feeder)] if feeder.left < box.left else -math.inf
            for feeder in feeders
        ]  # fmt: skip
        start[id(made)] = max(edges, default=-math.inf) + GAP
        waiting.pop()
    return start.get(id(last), -math.inf) + last.width + GAP
