"""The shipped workflows as the page shows them: they can be read, before a run and after it."""

import copy
import json
from itertools import combinations

import pytest

from tools import arrange, wires, workflow
from tools.node_sizes import box, room

NOTE = "MarkdownNote"
WIDEST, HIGHEST = 1900, 1100  # pixels: in a window of 1600 x 900 the page shows them at 60 %
WINDOW, BARS = (1600, 900), (60, 134)  # the bars at the left and at the top
BESIDE, BELOW = 50, 60  # pixels between nodes
GRAZED = 12  # pixels: so far the bow of a wire may run under a node's edge
SAVERS = {"SaveAnimatedWEBP", "SaveVideo", "SaveImage", "SaveLatent", "ADN_SaveMotionLora"}
SAVES_MORE = {"long_clip_in_parts": {"SaveImage", "SaveLatent"}}  # frames, and what a part needs


@pytest.fixture(params=workflow.TITLES)
def name(request):
    return request.param


@pytest.fixture
def page(name):
    return json.loads(workflow.page_file(name).read_text(encoding="utf-8"))


def nodes_of(page):
    return [node for node in page["nodes"] if node["type"] != NOTE]


def test_nodes_lie_apart(page):
    for a, b in combinations(map(room, page["nodes"]), 2):
        beside = max(a[0], b[0]) - min(a[2], b[2])
        below = max(a[1], b[1]) - min(a[3], b[3])
        assert beside >= BESIDE or below >= BELOW, (a, b)


def test_it_opens_large_enough(page):
    boxes = [box(node) for node in page["nodes"]]
    assert max(x[2] for x in boxes) - min(x[0] for x in boxes) <= WIDEST
    assert max(x[3] for x in boxes) - min(x[1] for x in boxes) <= HIGHEST


def test_it_opens_beside_the_toolbars(page):
    """Of the page of ComfyUI 0.3.75, which takes the view from the file; newer ones fit it."""
    view = page["extra"]["ds"]
    assert view["scale"] >= 0.6
    for node in page["nodes"]:
        left, top, right, bottom = (
            (x + view["offset"][i % 2]) * view["scale"] for i, x in enumerate(box(node))
        )
        assert BARS[0] <= left and right <= WINDOW[0] and BARS[1] <= top and bottom <= WINDOW[1]


def test_data_goes_to_the_right_or_down_a_column(page):
    for link in wires.links_of(page):
        before, after = room(link.origin), room(link.target)
        down = before[0] == after[0] and before[3] + BELOW <= after[1]
        assert before[2] + BESIDE <= after[0] or down, (link.origin["type"], link.target["type"])


def test_wires_run_beside_the_nodes(page):
    places = {one["id"]: one for one in page["extra"].get("reroutes", [])}
    parents = {one["id"]: one["parentId"] for one in page["extra"].get("linkExtensions", [])}
    boxes = [room(node) for node in page["nodes"]]
    for link in wires.links_of(page):
        points, key = [link.end], parents.get(link.number)
        while key is not None:
            points.insert(0, tuple(places[key]["pos"]))
            key = places[key].get("parentId")
        row = wires.drawn([link.start, *points])
        assert not wires.behind(row, boxes, -GRAZED), (link.origin["type"], link.target["type"])


def test_it_saves_one_result(name, page):
    savers = [node["type"] for node in page["nodes"] if node["type"] in SAVERS]
    assert set(savers) == SAVES_MORE.get(name, set(savers))
    assert len(savers) == len(SAVES_MORE.get(name, "1"))


def test_notes_stand_above(page):
    notes = [box(node) for node in page["nodes"] if node["type"] == NOTE]
    nodes = [box(node) for node in nodes_of(page)]
    assert min(x[1] for x in notes) == min(x[1] for x in notes + nodes)
    assert min(x[0] for x in notes) == min(x[0] for x in nodes)
    for left, _, right, bottom in notes:
        under = [x for x in nodes if x[0] < right and left < x[2]]
        assert all(bottom + BELOW <= x[1] for x in under)


def test_there_are_no_groups(page):
    assert page["groups"] == []


def test_it_is_as_the_tool_arranges_it(name, page):
    again = copy.deepcopy(page)
    arrange.arrange(again, name)
    assert again == page
    assert workflow.page_file(name).read_text(encoding="utf-8") == workflow.dumps(page)


def test_a_workflow_without_hints_is_arranged_too(page):
    """As a new one would be, by its links alone."""
    arrange.arrange(page)
    for a, b in combinations(map(room, page["nodes"]), 2):
        assert max(a[0], b[0]) > min(a[2], b[2]) or max(a[1], b[1]) > min(a[3], b[3])
    for link in wires.links_of(page):
        before, after = room(link.origin), room(link.target)
        assert before[2] < after[0] or (before[0] == after[0] and before[3] < after[1])
