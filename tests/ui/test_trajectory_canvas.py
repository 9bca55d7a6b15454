"""Paths are drawn on the node: by mouse and keys, with the nodes of both kinds, zoomed or not; what is
drawn is what is saved, exported and run."""

import json
import math
from itertools import pairwise

import pytest
from PIL import Image
from playwright.sync_api import TimeoutError, expect

from tools.base_directory import EXTENSION_NAME

NODE = "ADN_Trajectory"
STAGE = ".adn-path-stage"
EMPTY = "async () => await app.extensionManager.command.execute('Comfy.NewBlankWorkflow')"
# With what shows its text, so that it can be run.
ADD = """type => {
    const node = LiteGraph.createNode(type), shown = LiteGraph.createNode("PreviewAny");
    node.pos = [100, 100];
    shown.pos = [900, 100];
    for (const each of [node, shown]) app.graph.add(each);
    node.connect(2, shown, 0);
}"""
# Drawn since it was moved, and no longer moving: on a slow machine the page can take a while to begin.
STANDS = """() => {
    if (app.canvas.frame <= window.adnFrame) return false;
    const canvas = document.querySelector(".adn-path-stage canvas");
    if (!canvas?.offsetParent || canvas.width < 2) return false;
    const { x, y, width, height } = canvas.getBoundingClientRect();
    const [before, now] = [window.adnStood, [x, y, width, height].join()];
    window.adnStood = now;
    return before === now;
}"""
ZOOM = """([type, scale]) => {
    const node = app.graph._nodes.find(node => node.type === type);
    const view = app.canvas.ds, box = app.canvas.canvas;
    view.scale = scale;
    view.offset[0] = box.clientWidth / 2 / scale - node.pos[0] - node.size[0] / 2;
    view.offset[1] = box.clientHeight / scale - node.pos[1] - node.size[1] - 90 / scale;
    window.adnStood = null;
    window.adnFrame = app.canvas.frame;
    app.canvas.setDirty(true, true);
}"""
# Where shares of the picture are on the screen: in the middle of the stage, 10 pixels around it.
AT = """([type, x, y]) => {
    const node = app.graph._nodes.find(node => node.type === type);
    const side = name => node.widgets.find(widget => widget.name === name).value;
    const stage = document.querySelector(".adn-path-stage"), seen = stage.getBoundingClientRect();
    const [across, down] = [stage.clientWidth - 20, stage.clientHeight - 20];
    const scale = Math.min(across / side("width"), down / side("height"));
    const left = seen.width / 2 + (x - 0.5) * side("width") * scale * seen.width / stage.clientWidth;
    const top = seen.height / 2 + (y - 0.5) * side("height") * scale * seen.height / stage.clientHeight;
    return [seen.left + left, seen.top + top];
}"""
WIDGET = """([type, name]) => {
    const node = app.graph._nodes.find(node => node.type === type);
    return node.widgets.find(widget => widget.name === name).value;
}"""
SAVED = "() => JSON.stringify(app.graph.serialize())"
MARK = "type => { app.graph._nodes.find(node => node.type === type).adnMark = 'the same'; }"
MARKED = "type => app.graph._nodes.find(node => node.type === type).adnMark"
TEXT_IS = """([type, text]) => {
    const node = app.graph._nodes.find(node => node.type === type);
    return node?.widgets.find(widget => widget.name === "points").value === text;
}"""
LOAD = """([type, file]) => {
    const node = app.graph._nodes.find(node => node.type === type);
    const loader = LiteGraph.createNode("LoadImage");
    loader.pos = [-600, 100];
    app.graph.add(loader);
    loader.widgets.find(({ name }) => name === "image").value = file;
    loader.connect(0, node, node.findInputSlot("image"));
}"""
PINK_BEHIND = """() => {
    const canvas = document.querySelector(".adn-path-stage canvas");
    const place = [canvas.width * 0.1, canvas.height * 0.9].map(Math.round);
    const [red, green, blue] = canvas.getContext("2d").getImageData(...place, 1, 1).data;
    return red > 120 && green < 60 && blue > 60;
}"""
LINK = """type => {
    const node = app.graph._nodes.find(node => node.type === type);
    const text = LiteGraph.createNode("PrimitiveStringMultiline");
    text.pos = [-600, 100];
    app.graph.add(text);
    text.connect(0, node, node.findInputSlot("points"));
}"""
FOLD = "type => app.graph._nodes.find(node => node.type === type).collapse()"
SHARPNESS = "canvas => canvas.width / canvas.getBoundingClientRect().width"
TOLD = """() => {
    const node = app.graph._nodes.find(node => node.type === "PreviewAny");
    return app.nodeOutputs[node.id]?.text?.[0] ?? null;
}"""
REMOVE = "() => [...app.graph._nodes].forEach(node => app.graph.remove(node))"
MODULE = f"/extensions/{EXTENSION_NAME}/trajectory"
WATCHED = f"async () => (await import('{MODULE}/watch.js')).watched()"
PLACES = f"""async ([path, frames, settings, timing]) => {{
    const {{ Curve }} = await import('{MODULE}/curve.js');
    return new Curve(path, settings).places(frames, timing).map(({{ x, y }}) => [x, y]);
}}"""
THIN = f"""async samples => {{
    const {{ pathFrom }} = await import('{MODULE}/freehand.js');
    return pathFrom(samples);
}}"""
KJ = '[{"x": 10, "y": 20}, {"x": 300.5, "y": 400}]'
CLICKS = [(0.1, 0.2), (0.5, 0.3), (0.8, 0.7)]


class Canvas:
    """The one on the page."""

    def __init__(self, page):
        self.page, self.tab = page, page.tab
        self.line = self.tab.locator(".adn-path-line")

    def at(self, x, y):
        return self.tab.evaluate(AT, [NODE, x, y])

    def click(self, x, y, **how):
        self.tab.mouse.click(*self.at(x, y), **how)

    def drag(self, *places, keys=()):
        self.tab.mouse.move(*self.at(*places[0]))
        for key in keys:
            self.tab.keyboard.down(key)
        self.tab.mouse.down()
        for place in places[1:]:
            self.tab.mouse.move(*self.at(*place), steps=4)
        self.tab.mouse.up()
        for key in keys:
            self.tab.keyboard.up(key)

    def alt_click(self, x, y):
        self.tab.keyboard.down("Alt")
        self.click(x, y)
        self.tab.keyboard.up("Alt")

    def press(self, *keys):
        for key in keys:
            self.tab.keyboard.press(key)

    def button(self, name):
        return self.tab.locator(f".adn-path-bar [data-action={name}]")

    @property
    def text(self):
        return self.tab.evaluate(WIDGET, [NODE, "points"])

    @property
    def paths(self):
        return json.loads(self.text)["paths"]

    def set(self, **values):
        self.page.set_widgets({NODE: values})

    def look(self, scale=1.0):
        self.tab.evaluate(ZOOM, [NODE, scale])
        self.tab.wait_for_function(STANDS, polling=150)


def near(found, expected, within=0.012):
    assert len(found) == len(expected), (found, expected)
    for one, other in zip(found, expected, strict=True):
        assert math.dist(one[:2], other[:2]) < within, (found, expected)


@pytest.fixture
def new_node(page):
    before = page.opened_path()
    page.tab.evaluate(EMPTY)
    page.wait_until_opened(before)
    page.tab.evaluate(ADD, NODE)
    canvas = Canvas(page)
    canvas.look()
    return canvas


@pytest.fixture
def by_either_kind(page, mode, new_node):
    """Without the example, with nodes of both kinds; where the page draws somewhat smaller."""
    new_node.look(0.8)
    new_node.button("clear").click()
    assert new_node.paths == []
    return new_node


def test_what_is_drawn_is_saved_exported_and_run(page, mode, by_either_kind):
    canvas = by_either_kind
    canvas.set(width=640, height=384, frames=12)
    canvas.look(0.8)
    for place in CLICKS:
        canvas.click(*place)
    canvas.drag((0.2, 0.9), (0.5, 0.6), (0.9, 0.9))
    drawn = canvas.text
    near(canvas.paths[0], CLICKS)
    assert {len(point) for point in canvas.paths[1]} == {3}
    page.picture(f"trajectory {mode}")

    saved = page.tab.evaluate(SAVED)
    before = page.opened_path()
    page.drop_bytes("drawn.json", saved.encode(), "application/json")
    page.wait_until_opened(before)
    canvas.look()
    assert canvas.text == drawn
    assert page.exported()[page.node_id(NODE)]["inputs"]["points"] == drawn
    page.run()
    page.tab.wait_for_function(TOLD)
    arrived = json.loads(page.tab.evaluate(TOLD))

    settings = {"width": 640, "height": 384, "interpolation": "smooth"}
    for path, places in zip(canvas.paths, arrived, strict=True):
        points = [dict(zip("xyt", point, strict=False)) for point in path]
        shown = page.tab.evaluate(PLACES, [points, 12, settings, "as drawn"])
        near([(place["x"], place["y"]) for place in places], shown, within=0.5)  # pixels


def test_mouse_keys_and_undo(page, by_either_kind):
    canvas = by_either_kind
    page.tab.evaluate(MARK, NODE)
    for place in CLICKS:
        canvas.click(*place)
    near(canvas.paths[0], CLICKS)
    canvas.drag(CLICKS[1], (0.4, 0.4), (0.3, 0.6))
    near(canvas.paths[0], [CLICKS[0], (0.3, 0.6), CLICKS[2]])
    canvas.click(0.3, 0.6, button="right")
    near(canvas.paths[0], [CLICKS[0], CLICKS[2]])
    canvas.click(0.45, 0.45)  # on the line
    near(canvas.paths[0], [CLICKS[0], (0.45, 0.45), CLICKS[2]])
    canvas.drag((0.45, 0.45), (1.2, 0.45))  # past the edge of the canvas, and back from there
    assert canvas.paths[0][1][0] > 1.1
    canvas.drag((1.02, 0.45), (0.5, -3.0))
    near(canvas.paths[0], [CLICKS[0], (0.5, -0.5), CLICKS[2]])

    canvas.press("]", "ArrowLeft", "Shift+ArrowDown")
    near(canvas.paths[0], [CLICKS[0], (0.5, -0.5), (0.79, 0.75)])
    canvas.press("Control+z")
    near(canvas.paths[0], [CLICKS[0], (0.5, -0.5), (0.79, 0.7)])
    canvas.press("Control+z", "Control+z", "Control+z", "Control+z")
    near(canvas.paths[0], [CLICKS[0], CLICKS[2]])
    canvas.press("Control+y", "Control+Shift+z")
    assert canvas.paths[0][1][0] > 1.1
    canvas.press("[", "Delete")
    assert len(canvas.paths[0]) == 2
    canvas.press("n", "Enter", "Enter")
    near(canvas.paths[1], [(0.5, 0.5), (0.6, 0.5)])
    page.tab.wait_for_timeout(100)
    assert page.tab.evaluate(MARKED, NODE) == "the same"  # the page undid nothing by itself


def test_several_paths(new_node):
    canvas = new_node
    canvas.alt_click(0.2, 0.8)
    canvas.click(0.4, 0.9)
    canvas.button("add").click()
    canvas.press("Delete")  # not the node, which is selected
    canvas.click(0.9, 0.1)
    near(canvas.paths[1], [(0.2, 0.8), (0.4, 0.9)])
    near(canvas.paths[2], [(0.9, 0.1)])
    expect(canvas.line).to_have_text("Path 3 of 3, point 1 of 1: 0.90, 0.10")
    canvas.click(0.3, 0.85)  # another path's line: it is at hand then
    expect(canvas.line).to_have_text("Path 2 of 3, 2 points")
    canvas.press("Space")
    expect(canvas.button("play")).to_have_attribute("aria-pressed", "true")
    canvas.button("play").click()
    expect(canvas.button("play")).to_have_attribute("aria-pressed", "false")
    canvas.button("remove").click()
    assert len(canvas.paths) == 2
    near(canvas.paths[1], [(0.9, 0.1)])
    canvas.button("clear").click()
    assert canvas.paths == []


def undo_to(page, text):
    """While the page still puts the state before in place, it takes no further undo."""
    for _ in range(5):
        page.tab.wait_for_timeout(500)
        page.tab.keyboard.press("Control+z")
        try:
            page.tab.wait_for_function(TEXT_IS, arg=[NODE, text], timeout=5000)
        except TimeoutError:
            continue
        return
    raise AssertionError(f"the page's undo does not lead to {text}")


def test_the_pages_undo_has_the_text_too(page, new_node):
    canvas = new_node
    texts = []
    canvas.click(*CLICKS[1])
    texts.append(canvas.text)
    canvas.press("Shift+ArrowDown")
    texts.append(canvas.text)
    canvas.press("n", "Enter")
    assert len({*texts, canvas.text}) == 3
    page.tab.mouse.click(300, 600)  # on the graph: the keys are the page's again
    for text in reversed(texts):
        undo_to(page, text)
    canvas.look()
    canvas.click(0.3, 0.9)
    assert len(canvas.paths[0]) == 4


def test_by_hand_with_its_times(page, new_node):
    """In place of the example, and thin: where the hand was, and when."""
    canvas = new_node
    canvas.drag((0.2, 0.2), (0.8, 0.2), (0.8, 0.8))
    (path,) = canvas.paths
    near([path[0], path[-1]], [(0.2, 0.2), (0.8, 0.8)])
    times = [point[2] for point in path]
    assert times[0] == 0 and times[-1] == 1
    assert all(one <= other for one, other in pairwise(times))
    canvas.drag((0.2, 0.2), (0.3, 0.9), keys=["Shift"])  # also on a point
    assert len(canvas.paths) == 2

    circles = [
        {"x": 0.5 + 0.4 * math.cos(step / 50), "y": 0.5 + 0.4 * math.sin(step / 31), "time": step}
        for step in range(5000)
    ]
    assert 100 < len(page.tab.evaluate(THIN, circles)) <= 200
    waits = [{"x": min(step, 100) / 200, "y": 0.5, "time": step} for step in range(200)]
    thin = page.tab.evaluate(THIN, waits)
    assert len(thin) == 3 and math.isclose(thin[1]["t"], 100 / 199, abs_tol=0.04)


def test_another_form_of_text_is_left_alone(page, new_node):
    canvas = new_node
    canvas.button("text").click()
    page.tab.locator(".adn-path-text").fill(KJ)
    canvas.button("text").click()
    notice = page.tab.locator(".adn-path-notice")
    expect(notice).to_contain_text("Text of another form")
    canvas.click(0.2, 0.2)
    canvas.press("n", "ArrowLeft", "Delete")
    assert canvas.text == KJ
    assert page.exported()[page.node_id(NODE)]["inputs"]["points"] == KJ
    notice.get_by_role("button", name="Draw anew").click()
    expect(notice).to_be_hidden()
    canvas.click(0.2, 0.2)
    near(canvas.paths[0], [(0.2, 0.2)])
    canvas.press("Control+z", "Control+z")
    assert canvas.text == KJ
    page.tab.evaluate(LINK, NODE)
    expect(notice).to_contain_text("come from another node")
    canvas.press("Control+z", "Space")
    assert canvas.text == KJ


def test_it_follows_the_node(page, server, by_either_kind):
    """Its size, the picture that comes in, a sharper screen, and folding the node."""
    canvas = by_either_kind
    canvas.click(*CLICKS[0])
    stage = page.tab.locator(STAGE)
    square = stage.bounding_box()["height"]
    canvas.set(width=1024, height=512)
    page.tab.wait_for_function(f"document.querySelector('{STAGE}').offsetHeight < 230")
    canvas.set(width=512, height=512)
    page.tab.wait_for_function(f"document.querySelector('{STAGE}').offsetHeight > 300")
    canvas.look(0.8)
    assert math.isclose(stage.bounding_box()["height"], square, abs_tol=3)

    Image.new("RGB", (64, 64), (200, 40, 120)).save(server.base.path / "input" / "pink.png")
    page.tab.evaluate(LOAD, [NODE, "pink.png"])
    page.tab.wait_for_function(PINK_BEHIND)

    session = page.tab.context.new_cdp_session(page.tab)
    screen = {"width": 1600, "height": 900, "deviceScaleFactor": 2, "mobile": False}
    session.send("Emulation.setDeviceMetricsOverride", screen)
    page.tab.wait_for_function(f"({SHARPNESS})(document.querySelector('{STAGE} canvas')) > 1.95")
    canvas.click(*CLICKS[1])
    session.send("Emulation.clearDeviceMetricsOverride")
    page.tab.evaluate(FOLD, NODE)
    expect(stage).to_be_hidden()
    page.tab.evaluate(FOLD, NODE)
    canvas.look()
    near(canvas.paths[0], CLICKS[:2])


def test_a_node_that_goes_leaves_nothing(page, by_either_kind):
    canvas = by_either_kind
    canvas.click(0.5, 0.8)
    canvas.press("Space")
    assert page.tab.evaluate(WATCHED) == 1
    page.tab.evaluate(REMOVE)
    expect(page.tab.locator(STAGE)).to_have_count(0)
    assert page.tab.evaluate(WATCHED) == 0
    assert listeners_of(page, "/trajectory") == []


def listeners_of(page, folder):
    """On the page as a whole, of the scripts in this folder of ours."""
    session = page.tab.context.new_cdp_session(page.tab)
    scripts = {}
    session.on("Debugger.scriptParsed", lambda told: scripts.update({told["scriptId"]: told["url"]}))
    session.send("Debugger.enable")
    found = []
    for target in ("window", "document", "document.body"):
        asked = session.send("Runtime.evaluate", {"expression": target})["result"]["objectId"]
        told = session.send("DOMDebugger.getEventListeners", {"objectId": asked})["listeners"]
        found += [(target, one["type"]) for one in told if folder in scripts[one["scriptId"]]]
    session.detach()
    assert any(folder in url for url in scripts.values())
    return found
