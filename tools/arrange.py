"""Arranges workflows so that they can be read: `python -m tools.arrange [NAME ...]`.

Columns follow from the links, rows from the sizes of the nodes; data goes to the right, or down to
the next node of a column where a chain is too long for the page. Notes stand above. NAME is one of
`tools.workflow.TITLES`; without names, all of workflows/.
"""

import json
import re
import sys
from typing import Any

from tools import wires, workflow
from tools.node_columns import Column, Graph, columns_of
from tools.node_sizes import NARROWEST, SIZES, TITLE, box, height, room

WIDEST = 1890  # pixels: opens at 63 % in a window of 1600
GAPS = (70, 60, 50)  # between columns: the widest that leaves nodes as wide as they like
ABOVE = 60  # between nodes of a column
UNDER = 84  # between the notes and the nodes
NOTE = "MarkdownNote"
WINDOW = (75, 150, 1580, 880)  # of 1600 x 900, without the bars of ComfyUI 0.3.75's page
LINE, SIGN = 17, 6  # pixels: of a note's text
ADDRESS = re.compile(r"\]\([^)]*\)")


def arrange(page: dict[str, Any], name: str = "") -> None:
    """In place. Reroutes and groups that are there go; the page fits its view to the nodes."""
    graph = Graph([node for node in page["nodes"] if node["type"] != NOTE], page["links"])
    columns = columns_of(graph, name)
    _place(columns)
    _place_notes([node for node in page["nodes"] if node["type"] == NOTE], columns)
    page["groups"] = []
    wires.save(page, _ways(page, columns))
    page["extra"]["ds"] = _view([box(node) for node in page["nodes"]])


def _view(boxes: list[wires.Box]) -> dict[str, Any]:
    """Scale and offset with everything in sight: of older pages, newer ones fit the view."""
    left, top = (min(one[i] for one in boxes) for i in (0, 1))
    right, bottom = (max(one[i] for one in boxes) for i in (2, 3))
    scale = min((WINDOW[2] - WINDOW[0]) / (right - left), (WINDOW[3] - WINDOW[1]) / (bottom - top))
    scale = int(scale * 100) / 100
    offset = [round(WINDOW[i] / scale - first) for i, first in ((0, left), (1, top))]
    return {"scale": scale, "offset": offset}


def _place(columns: list[Column]) -> None:
    """From the left and from the top."""
    wanted = [max(SIZES[node["type"]].width for node in column.nodes) for column in columns]
    gap, widths = _widths(wanted)
    left = 0
    for column, width in zip(columns, widths, strict=True):
        top = 0
        for node in column.nodes:
            tall = height(node["type"], width, column.shares.get(node["id"], 1))
            node["pos"], node["size"] = [left, top], [width, tall]
            top = room(node)[3] + ABOVE + TITLE
        left += width + gap


def _widths(wanted: list[int]) -> tuple[int, list[int]]:
    """The gap between columns, and their widths: none narrower than the page would have it."""
    least = NARROWEST * len(wanted)
    spare = sum(wanted) - least
    gap = room = 0
    for gap in GAPS:
        room = WIDEST - gap * (len(wanted) - 1) - least
        if room > spare / 3 or gap == GAPS[-1]:
            break
    share = min(1, room / spare)
    return gap, [NARROWEST + int((width - NARROWEST) * share) for width in wanted]


def _place_notes(notes: list[dict[str, Any]], columns: list[Column]) -> None:
    """Side by side above the columns that begin under them; the others begin as high as they."""
    under = [column.nodes[0] for column in columns if not column.beside]
    right = max(node["pos"][0] + node["size"][0] for node in under)
    share = (right - ABOVE * (len(notes) - 1)) / max(len(notes), 1)
    tall = max((_note_height(note["widgets_values"][0], share) for note in notes), default=0)
    top = -TITLE - UNDER - tall
    for place, note in enumerate(notes):
        note["pos"] = [round(place * (share + ABOVE)), top]
        note["size"] = [round(share), tall]
    for node in (node for column in columns if column.beside for node in column.nodes):
        node["pos"][1] += top


def _note_height(text: str, width: float) -> int:
    """Of a note as the page writes it."""
    tall = 14.0
    for line in text.splitlines():
        if line:
            signs = len(ADDRESS.sub("]", line))
            tall += 30 if line.startswith("#") else 7 + LINE * (1 + signs * SIGN // (width - 60))
    return round(tall)


def _ways(page: dict[str, Any], columns: list[Column]) -> dict[int, list[wires.Point]]:
    """The reroutes of every link that would run behind a node, by its number."""
    notes = [box(node) for node in page["nodes"] if node["type"] == NOTE]
    ceiling = max((one[3] for one in notes), default=-float("inf"))
    beside = [wires.Column(one.nodes, -float("inf") if one.beside else ceiling) for one in columns]
    place = {node["id"]: i for i, column in enumerate(columns) for node in column.nodes}
    ways, all_boxes = {}, notes + [one for column in beside for one in column.boxes]
    for link in sorted(wires.links_of(page), key=lambda link: place[link.target["id"]]):
        first, last = place[link.origin["id"]], place[link.target["id"]]
        passed = beside[first + 1 : last] if last > first else beside[last : first + 1][::-1]
        boxes = [box for column in passed for box in column.boxes]
        if last <= first or wires.behind(wires.drawn([link.start, link.end]), boxes, wires.MARGIN):
            points = wires.way(link, passed, last > first)
            if wires.behind(wires.drawn([link.start, *points, link.end]), all_boxes, -wires.GRAZED):
                points = wires.flattened(points)
            ways[link.number] = points
    return ways


def main() -> None:
    for name in sys.argv[1:] or workflow.TITLES:
        file = workflow.page_file(name)
        page = json.loads(file.read_text(encoding="utf-8"))
        arrange(page, name)
        file.write_text(workflow.dumps(page), encoding="utf-8")
        print(file.name)


if __name__ == "__main__":
    main()
