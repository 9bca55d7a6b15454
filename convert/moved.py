"""Places of nodes, groups and bends, written where the page keeps them."""

from typing import Any

from .boxes import GAP, TITLE, Box, pair
from .room import Steps, shift_at
from .sheets import Sheet

BEND = "reroutes"


def write_places(sheet: Sheet, steps: Steps) -> None:
    """Give the nodes of a sheet the places of their boxes, and what goes with them. The records
    of a definition can be those of several instances: what changes is copied."""
    homes = [(box, box.node.pos) for box in sheet.made if box.node is not None]
    record = dict(sheet.scope.record)
    for box in sheet.boxes.values():
        _write(box, steps)
    groups = record.get("groups")
    if isinstance(groups, list):
        record["groups"] = _groups(groups, sheet, steps, homes)
    if steps:
        _move_bends(record, steps)
        for name, box in sheet.borders.items():
            border = record.get(name)
            if isinstance(border, dict) and isinstance(border.get("bounding"), list):
                bounding = [box.left, *border["bounding"][1:]]
                record[name] = {**border, "bounding": bounding}
    sheet.scope.record = record


def _write(box: Box, steps: Steps) -> None:
    node = box.node
    assert node is not None
    if box.made:
        node.pos = (float(round(box.left)), float(round(box.top + TITLE)))
    elif shift := shift_at(steps, node.pos[0]):
        node.pos = (node.pos[0] + shift, node.pos[1])
    else:
        return
    if node.raw is not None:
        node.raw = {**node.raw, "pos": list(node.pos)}


def _move_bends(record: dict[str, Any], steps: Steps) -> None:
    """The page's own reroutes, which newer schemas keep beside the nodes, older ones in extra."""
    for holder in (record, record.get("extra")):
        bends = holder.get(BEND) if isinstance(holder, dict) else None
        if not bends or holder is None:
            continue
        moved = []
        for bend in bends:
            x, y = pair(bend.get("pos"), (0.0, 0.0))
            moved.append({**bend, "pos": [x + shift_at(steps, x), y]})
        if holder is record:
            record[BEND] = moved
        else:
            record["extra"] = {**holder, BEND: moved}


def _groups(groups: list[Any], sheet: Sheet, steps: Steps, homes: list[Any]) -> list[Any]:
    """Moved with what is in them; and around the new nodes that stand for some in them, where that
    takes in nothing else."""
    written = []
    for group in groups:
        bounding = group.get("bounding") if isinstance(group, dict) else None
        place = pair(bounding, (0.0, 0.0))
        size = pair(bounding[2:] if isinstance(bounding, list) else None, (-1.0, -1.0))
        if min(size) < 0:
            written.append(group)
            continue
        old = Box(*place, *size)
        left = old.left + shift_at(steps, old.left)
        box = Box(left, old.top, old.right + shift_at(steps, old.right) - left, old.height)
        mine = [made for made, (x, y) in homes
                if old.left <= x <= old.right and old.top <= y <= old.bottom]  # fmt: skip
        for made in mine:
            box = _around(box, made, sheet)
        written.append({**group, "bounding": [box.left, box.top, box.width, box.height]})
    return written


def _around(group: Box, made: Box, sheet: Sheet) -> Box:
    """A group that holds a new node too, if it can."""
    left, top = min(group.left, made.left - GAP / 3), min(group.top, made.top - GAP)
    right = max(group.right, made.right + GAP / 3)
    bottom = max(group.bottom, made.bottom + GAP / 3)
    grown = Box(left, top, right - left, bottom - top)
    others = (box for box in sheet.kept if grown.overlaps(box) and not group.overlaps(box))
    return group if next(others, None) is not None else grown
