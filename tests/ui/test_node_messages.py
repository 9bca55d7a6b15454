"""What a run says of itself stands on the node that samples, with the nodes of both kinds."""

import os

import pytest
from playwright.sync_api import expect

from tools import workflow

from .comfy_page import NODES_2
from .small_clip import FRAMES, make_small

# How many values the saved node has, and whether a prompt has the text.
SAVED = """async id => {
    const saved = app.graph.serialize().nodes.find(node => String(node.id) === id);
    const { output } = await app.graphToPrompt();
    return [saved.widgets_values.length, JSON.stringify(output[id]).includes("motion in")];
}"""
KSAMPLER_WIDGETS = 7  # seed and what the page does to it, steps, cfg, sampler, scheduler, denoise


def run_with(page, frames: int):
    page.set_widgets({"EmptyLatentImage": {"batch_size": frames}})
    page.look_at("KSampler")
    page.run()


def test_a_run_and_its_warnings_stand_on_the_sampler(page, standins, mode):
    if mode == NODES_2 and os.environ.get("FRONTEND") != "newest":
        pytest.skip("older pages show no widget that a node of the new kind gets while it is open")
    page.drop(workflow.page_file("text_to_video"))
    make_small(page, standins)
    run_with(page, 1)
    warning = page.tab.get_by_text("This clip has 1 frame; motion needs at least 8")
    expect(warning).to_be_visible()
    expect(page.tab.get_by_text("1 frame, ")).to_be_visible()
    run_with(page, FRAMES)
    expect(page.tab.get_by_text(f"{FRAMES} frames, ")).to_be_visible()
    expect(warning).to_have_count(0)
    assert page.tab.evaluate(SAVED, page.node_id("KSampler")) == [KSAMPLER_WIDGETS, False]
    page.picture(f"a run on its node, {mode}")
