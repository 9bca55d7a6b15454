"""The clip moves on the sampler's node until its result is there, and not for longer."""

import time

import pytest
from playwright.sync_api import FloatRect

from tools import workflow

from .comfy_page import CLASSIC
from .small_clip import make_small

SLOW = """() => {
    const [decode] = app.graph._nodes.filter(node => node.type === "VAEDecode");
    const [sampler] = app.graph._nodes.filter(node => node.type === "KSampler");
    const slow = LiteGraph.createNode("SlowLatent");
    slow.pos = [sampler.pos[0], sampler.pos[1] - 300];
    app.graph.add(slow);
    sampler.connect(0, slow, 0);
    slow.connect(0, decode, 0);
    window.runs = { slow: false, over: false };
    const { api } = window.comfyAPI.api;
    api.addEventListener("executing", ({ detail }) => {
        window.runs.slow = String(detail) === String(slow.id);
        if (!detail) window.runs.over = true;
    });
}"""
BOX = """() => {
    const [node] = app.graph._nodes.filter(node => node.type === "KSampler");
    const view = app.canvas.ds, box = app.canvas.canvas.getBoundingClientRect();
    const place = side => (node.pos[side] + view.offset[side]) * view.scale;
    const size = side => node.size[side] * view.scale;
    return { x: box.left + place(0), y: box.top + place(1), width: size(0), height: size(1) };
}"""
MOVES_WITHIN, STILL_FOR = 5.0, 2.0  # seconds


@pytest.fixture
def opened(page, standins, mode):
    page.drop(workflow.page_file("text_to_video"))
    make_small(page, standins)
    seed = 11 if mode == CLASSIC else 12  # another one, or the host would have it all at hand
    page.set_widgets({"KSampler": {"seed": seed}})
    page.tab.evaluate(SLOW)
    return page


def sampler(page) -> bytes:
    """What a user sees of it."""
    box: FloatRect = page.tab.evaluate(BOX)
    return page.tab.screenshot(clip=box)


def test_the_preview_moves_until_the_result_is_there(opened, mode):
    page = opened
    page.look_at("KSampler")
    page.run()
    page.tab.wait_for_function("runs.slow")
    time.sleep(1)  # the node has taken its size by then
    page.look_at("KSampler")
    first, end = sampler(page), time.monotonic() + MOVES_WITHIN
    while sampler(page) == first:
        assert time.monotonic() < end, "the preview stands still"
    assert page.tab.evaluate("runs.slow"), "the node behind the sampler was too fast for this test"
    page.picture(f"the preview behind the sampling, {mode}")
    page.tab.wait_for_function("runs.over")
    time.sleep(0.5)
    last = sampler(page)
    time.sleep(STILL_FOR)
    assert sampler(page) == last
