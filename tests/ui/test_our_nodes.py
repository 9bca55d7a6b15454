"""How our nodes look: titles, colours, widths; and that looks change nothing that is saved."""

import json

import pytest
from playwright.sync_api import expect

from tools import workflow
from tools.paths import REPO

from .comfy_page import NODES_2

NAMES = {
    node_id: texts["display_name"]
    for node_id, texts in json.loads(
        (REPO / "locales" / "en" / "nodeDefs.json").read_text(encoding="utf-8")
    ).items()
}
OUR_TYPES = ["ADN_MOTION_LORA", "ADN_MOTION_MODULE", "ADN_MOTION_STRENGTH"]
NARROWEST, WIDEST = 340, 400
STARTS_FIXED = {"ADN_TrainMotionLora": True, "ADN_FreeNoise": True, "ADN_FrameNoise": False}

EMPTY = "async () => await app.extensionManager.command.execute('Comfy.NewBlankWorkflow')"
# As the page's search adds one: with the whole name as its title.
ADD = """names => {
    const added = Object.entries(names).map(([type, name], index) => {
        const node = LiteGraph.createNode(type, name);
        node.pos = [(index % 6) * 420, Math.floor(index / 6) * 700];
        app.graph.add(node);
        return node;
    });
    return added.map(node => ({
        type: node.type,
        title: node.title,
        width: node.size[0],
        widgets: node.widgets?.length ?? 0,
        coloured: Boolean(node.color && node.bgcolor),
        control: node.widgets?.find(({ name }) => name === "control_after_generate")?.value,
    }));
}"""
SAVED = "() => app.graph.serialize()"
MODIFIED = "() => app.extensionManager.workflow.activeWorkflow.isModified"
SET = """([type, values]) => {
    const node = app.graph._nodes.find(node => node.type === type);
    Object.assign(node, values);
}"""
GET = """([type, name]) => app.graph._nodes.find(node => node.type === type)[name]"""
LINK_COLOURS = """types => types.map(type => [
    LGraphCanvas.link_type_colors[type],
    app.canvas.default_connection_color_byType[type],
    getComputedStyle(document.documentElement).getPropertyValue(`--color-datatype-${type}`).trim(),
])"""
PALETTE = "async name => await app.extensionManager.setting.set('Comfy.ColorPalette', name)"


def title(name):
    return name.split(" (")[0]


@pytest.fixture
def empty(page):
    before = page.opened_path()
    page.tab.evaluate(EMPTY)
    page.wait_until_opened(before)
    return page


@pytest.fixture
def new_nodes(empty, mode):
    return {node["type"]: node for node in empty.tab.evaluate(ADD, NAMES)}


def test_a_new_node_has_a_short_title_a_colour_and_a_width(page, new_nodes, mode):
    assert {key: node["title"] for key, node in new_nodes.items()} == {
        key: title(name) for key, name in NAMES.items()
    }
    assert [key for key, node in new_nodes.items() if not node["coloured"]] == []
    widths = {key: node["width"] for key, node in new_nodes.items() if node["widgets"]}
    assert all(NARROWEST <= width <= WIDEST for width in widths.values()), widths
    if mode == NODES_2:
        header = page.tab.locator("[data-node-id]").filter(has_text="Load Motion Module").first
        expect(header).to_contain_text("Load Motion Module")
        expect(header).not_to_contain_text("(AnimateDiff)")
    page.tab.evaluate("() => app.canvas.fitViewToSelectionAnimated?.()")
    page.picture(f"new nodes {mode}")


def test_a_second_run_neither_trains_nor_shuffles_again(new_nodes):
    for key, fixed in STARTS_FIXED.items():
        assert (new_nodes[key]["control"] == "fixed") is fixed, key


@pytest.mark.parametrize("name", ["text_to_video", "prompt_travel", "train_motion_lora"])
def test_a_template_is_saved_as_it_was(page, mode, name):
    file = workflow.page_file(name)
    page.drop(file)
    assert page.tab.evaluate(MODIFIED) is False
    written = json.loads(file.read_text(encoding="utf-8"))
    before = {node["id"]: node for node in written["nodes"]}
    for node in page.tab.evaluate(SAVED)["nodes"]:
        for key in ("title", "color", "bgcolor", "widgets_values"):
            if node["type"] in NAMES:
                was = before[int(node["id"])].get(key)
                assert (node.get(key) or None) == (was or None), (node["type"], key)


def test_what_a_user_writes_stays(empty, mode):
    page = empty
    kind = "ADN_LoadMotionModule"
    page.tab.evaluate(ADD, {kind: NAMES[kind]})
    looks = {"title": "My module", "color": "#123", "bgcolor": "#456"}
    page.tab.evaluate(SET, [kind, looks])
    saved = page.tab.evaluate(SAVED)
    before = page.opened_path()
    page.drop_bytes("mine.json", json.dumps(saved).encode(), "application/json")
    page.wait_until_opened(before)
    assert {key: page.tab.evaluate(GET, [kind, key]) for key in looks} == looks


def test_no_colour_stays_too(empty):
    page = empty
    kind = "ADN_LoadMotionModule"
    page.tab.evaluate(ADD, {kind: NAMES[kind]})
    page.tab.evaluate(SET, [kind, {"color": None, "bgcolor": None}])
    saved = page.tab.evaluate(SAVED)
    before = page.opened_path()
    page.drop_bytes("plain.json", json.dumps(saved).encode(), "application/json")
    page.wait_until_opened(before)
    assert not page.tab.evaluate(GET, [kind, "color"])


def test_a_whole_name_in_a_file_becomes_a_title(page):
    name = "text_to_video"
    written = json.loads(workflow.page_file(name).read_text(encoding="utf-8"))
    kind = "ADN_ApplyMotionModule"
    for node in written["nodes"]:
        if node["type"] == kind:
            node["title"] = NAMES[kind]
    before = page.opened_path()
    page.drop_bytes("titled.json", json.dumps(written).encode(), "application/json")
    page.wait_until_opened(before)
    assert page.tab.evaluate(GET, [kind, "title"]) == title(NAMES[kind])


def test_rare_inputs_are_folded_away_and_keep_their_values(empty, mode):
    """Where the page has a fold; all inputs are sent all the same."""
    page = empty
    kind = "ADN_TrainMotionLora"
    page.tab.evaluate(ADD, {kind: NAMES[kind]})
    page.look_at(kind)
    node = page.tab.locator("[data-node-id]").filter(has_text="Train MotionLoRA")
    fold = node.get_by_text("Show advanced inputs")
    if mode == NODES_2:
        expect(node.get_by_text("frame_stride")).to_be_visible()
    if mode != NODES_2 or not fold.count():
        pytest.skip("these nodes have no fold")
    expect(node.get_by_text("hidden_motion")).to_have_count(0)
    page.set_widgets({kind: {"hidden_motion": 0.5}})
    page.picture("folded")
    assert page.exported()[page.node_id(kind)]["inputs"]["hidden_motion"] == 0.5
    fold.click()
    expect(node.get_by_text("hidden_motion")).to_be_visible()
    page.picture("unfolded")
    assert page.exported()[page.node_id(kind)]["inputs"]["hidden_motion"] == 0.5


def test_our_links_have_colours_in_every_theme(page):
    for theme in ("light", "dark"):
        page.tab.evaluate(PALETTE, theme)
        page.tab.wait_for_timeout(500)
        for colours in page.tab.evaluate(LINK_COLOURS, OUR_TYPES):
            assert colours[0] and len(set(colours)) == 1, (theme, colours)
        page.picture(f"links {theme}")
