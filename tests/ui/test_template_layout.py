"""The shipped workflows as the page draws them: whole, large enough, and no node on another."""

import json
from itertools import combinations

import pytest

from tools import workflow
from tools.node_sizes import TITLE, room

from .comfy_page import NODES_2
from .small_clip import make_small
from .test_opened_templates import open_by_clicks

WINDOW = [1600, 900]
SMALLEST = 0.6  # of full size
LEFT, TOP = 60, 80  # pixels that the page's bars take of the canvas
LOAD = (
    """([graph, name]) => app.loadGraphData(graph, true, true, name, { openSource: "template" })"""
)
SETTLED = """() => {
    const view = [...app.canvas.ds.offset, app.canvas.ds.scale].join();
    const still = window.seenView === view;
    window.seenView = view;
    return still && !app.extensionManager.spinner;
}"""
SAVED = """() => app.graph._nodes.some(
    (node) => node.type === "SaveAnimatedWEBP" && app.nodeOutputs[node.id]
)"""
# Where nodes are, in the graph's pixels: those of DOM as the browser has laid them out.
BOXES = """() => {
    const { ds, canvas } = app.canvas;
    const whole = canvas.getBoundingClientRect();
    const placed = app.graph._nodes.map((node) => {
        const drawn = document.querySelector(`[data-node-id="${node.id}"]`)?.getBoundingClientRect();
        const [x, y, width, height] = node.boundingRect ?? node.getBounding();
        const box = drawn
            ? [
                (drawn.left - whole.left) / ds.scale - ds.offset[0],
                (drawn.top - whole.top) / ds.scale - ds.offset[1],
                drawn.width / ds.scale,
                drawn.height / ds.scale,
            ]
            : [x, y, width, height];
        return { id: String(node.id), type: node.type, by_dom: Boolean(drawn), box };
    });
    return { scale: ds.scale, offset: [...ds.offset], view: [whole.width, whole.height], placed };
}"""


def settle(page):
    page.tab.wait_for_function(SETTLED, polling=300)
    return page.tab.evaluate(BOXES)


def load(page, name):
    """As the template browser does, without its clicks."""
    graph = json.loads(workflow.page_file(name).read_text(encoding="utf-8"))
    page.tab.evaluate(LOAD, [graph, f"{name} {page.opened_path()[-24:]}"])
    return settle(page)


def assert_it_can_be_read(name, seen, mode, whole=True):
    """Whole in the window, as large as agreed, no node on another, none taller than it may be.

    whole: whether it has to be in the window to its lower edge, as when it has just been opened.
    """
    saved = json.loads(workflow.page_file(name).read_text(encoding="utf-8"))
    rooms = {str(node["id"]): room(node) for node in saved["nodes"]}
    first = seen["placed"][0]
    # Older pages enlarge a workflow for nodes of DOM.
    grown = round(first["box"][2] / (rooms[first["id"]][2] - rooms[first["id"]][0]), 1)
    # The oldest pages do not fit a workflow into the view, which their bars make smaller.
    whole = whole and seen["view"] == WINDOW
    boxes = {}
    for node in seen["placed"]:
        assert node["by_dom"] == (mode == NODES_2)
        left, top, width, height = node["box"]
        boxes[node["type"], node["id"]] = box = (left, top, left + width, top + height)
        if grown == 1:
            planned = rooms[node["id"]]
            assert width <= planned[2] - planned[0] + 3, (node["type"], width)
            assert height <= planned[3] - planned[1] + 3, (node["type"], height)
            places = [(x + seen["offset"][i % 2]) * seen["scale"] for i, x in enumerate(box)]
            assert places[0] >= LEFT, (node["type"], places)
            assert not whole or places[2] <= seen["view"][0], (node["type"], places)
            assert places[1] >= TOP, (node["type"], places)
            assert not whole or places[3] <= seen["view"][1], (node["type"], places)
    for (a, one), (b, other) in combinations(boxes.items(), 2):
        apart = [max(one[i], other[i]) - min(one[i + 2], other[i + 2]) for i in (0, 1)]
        assert max(apart) >= (TITLE if grown == 1 else 0), (a, b, apart)
    assert seen["scale"] >= SMALLEST


@pytest.mark.parametrize("name", workflow.TITLES)
def test_a_template_can_be_read(page, mode, name):
    seen = load(page, name)
    page.picture(f"{name} {mode}")
    assert_it_can_be_read(name, seen, mode)


@pytest.mark.parametrize("name", ["text_to_video", "two_controlnets"])
def test_a_template_can_be_read_when_it_was_clicked(page, mode, name):
    load(page, "ping_pong")
    open_by_clicks(page, name)
    seen = settle(page)
    page.picture(f"{name} {mode} clicked")
    assert_it_can_be_read(name, seen, mode)


@pytest.mark.parametrize("name", ["prompt_travel"])
def test_what_nodes_come_to_show_has_its_room(page, standins, mode, name):
    """Pictures of schedules and windows, the preview, the clip."""
    load(page, name)
    make_small(page, standins)
    text = f"0: spring {mode}\n7: winter"  # another one, or the host would have it at hand
    page.set_widgets({"ADN_PromptSchedule": {"text": text}})
    page.run()
    page.tab.wait_for_function(SAVED)
    seen = settle(page)
    page.picture(f"{name} {mode} after a run")
    assert_it_can_be_read(name, seen, mode, whole=False)
