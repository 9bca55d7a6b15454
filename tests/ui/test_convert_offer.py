"""A workflow of AnimateDiff-Evolved dropped on the page: the offer to convert it."""

import json
import re

import pytest
from adn_testing.ade import SHAPES
from adn_testing.containers import mp4, png
from playwright.sync_api import expect

from tools.paths import REPO

from .small_clip import FRAMES, SIZE, STEPS, make_small

FOLDER = REPO / "tests" / "data" / "ade"
IN_A_DIALOG = "typeof app.extensionManager.dialog.showLoadWorkflowWarning === 'function'"
TAKE_AWAY = """() => {
    const { dialog } = app.extensionManager;
    window.usual = dialog.confirm;
    dialog.confirm = undefined;
}"""
GIVE_BACK = "() => { app.extensionManager.dialog.confirm = window.usual; }"
QUESTION = "Convert to AnimateDiff Native?"
STAYS = "ADE_AnimateDiffUniformContextOptions"
MISSING_NODES = "#global-missing-nodes, #global-load-workflow-warning"


def unknown(page):
    """Node types that are not installed. Newer pages draw others red too: those whose file of
    weights the server does not have."""
    return sorted({node["type"] for node in page.nodes() if not node["known"]})


@pytest.fixture
def offered(page):
    """Drops a workflow; there is the question, and no other dialog."""

    def drop(name):
        page.drop(FOLDER / f"{name}.json")
        question = page.dialogs.filter(has_text=QUESTION)
        question.wait_for()
        expect(page.dialogs).to_have_count(1)
        return question

    return drop


@pytest.fixture
def listed(page):
    """Whether the page's own list of missing nodes is there, with these types in it. Newer pages
    have it beside the canvas, which is no business of ours."""

    def look(*types):
        if page.tab.evaluate(IN_A_DIALOG):
            expect(page.dialogs).to_have_count(1)
            expect(page.dialogs.locator(MISSING_NODES)).to_have_count(1)
            for node_type in types:
                expect(page.dialogs).to_contain_text(node_type)

    return look


def test_what_is_converted_runs(page, standins, offered):
    question = offered("gen2_simple_ui")
    expect(question.get_by_role("listitem")).to_have_count(5)
    page.picture("offer")
    before = page.opened_path()
    question.get_by_role("button", name="Confirm").click()
    page.wait_until_opened(before)
    expect(page.toasts).to_contain_text("Converted")
    expect(page.dialogs).to_have_count(0)
    assert unknown(page) == []
    page.picture("converted")
    make_small(page, standins)
    run_to_a_clip(page)


def run_to_a_clip(page):
    page.look_at("SaveAnimatedWEBP")
    page.run()
    animation = page.tab.locator(".dom-widget img")
    expect(animation).to_be_visible()
    frames = animation.evaluate(
        """async shown => {
            const { body } = await fetch(shown.src);
            const decoder = new ImageDecoder({ data: body, type: "image/webp" });
            await decoder.completed;
            return decoder.tracks.selectedTrack.frameCount;
        }"""
    )
    assert frames == FRAMES


def accept(page, said=False):
    """said: the page may say something of this file itself, under the question: older ones list
    missing nodes of API format, newer ones cannot open a workflow inside other JSON."""
    question = page.dialogs.filter(has_text=QUESTION)
    question.wait_for()
    question.get_by_role("button", name="Confirm").click()
    expect(page.toasts.filter(has_text="Converted")).to_have_count(1)
    expect(question).to_have_count(0)
    while said and (count := page.dialogs.count()):
        page.tab.keyboard.press("Escape")
        expect(page.dialogs).to_have_count(count - 1)
    expect(page.dialogs).to_have_count(0)
    page.tab.wait_for_function("() => !app.extensionManager.spinner")
    assert unknown(page) == []


def small(name, standins, folder=FOLDER):
    """An example with files that are there, and a size that a CPU samples in seconds."""
    text = (folder / f"{name}.json").read_text(encoding="utf-8")
    given = json.loads(re.sub(r'"[^"]*\.ckpt"', json.dumps(standins.motion_module.name), text))
    for node in given["nodes"]:
        kind, values = node["type"], node.get("widgets_values")
        if kind == "CheckpointLoaderSimple":
            values[0] = standins.checkpoint.name
        elif kind == "EmptyLatentImage":
            values[:] = [SIZE, SIZE, FRAMES]
        elif kind == "KSampler":
            values[2] = STEPS
    return given


def test_a_picture_of_that_time_becomes_a_clip(page, standins):
    """A PNG whose tEXt chunk has the workflow, as ComfyUI wrote it in 2023 and does now."""
    given = small("gen2_simple_ui", standins)
    page.drop_bytes("old.png", png(workflow=given, prompt={}), "image/png")
    accept(page)
    page.picture("converted_picture")
    run_to_a_clip(page)


@pytest.mark.parametrize(("make", "kind"), [(png, "image/png"), (mp4, "video/mp4")])
def test_api_format_in_a_file_is_offered_too(page, make, kind):
    given = json.loads((FOLDER / "gen1_api.json").read_text(encoding="utf-8"))
    page.drop_bytes(f"old.{kind[-3:]}", make(prompt=given), kind)
    accept(page, said=make is png)
    assert "ADN_ApplyMotionModule" in {node["type"] for node in page.nodes()}


def test_api_format_is_offered_too(page):
    page.drop_bytes("api.json", (FOLDER / "gen1_api.json").read_bytes(), "application/json")
    accept(page, said=True)
    assert page.exported() and "ADN_ApplyMotionModule" in {n["type"] for n in page.nodes()}


def test_a_workflow_in_other_json_is_offered_too(page):
    given = json.loads((FOLDER / "gen1_ui.json").read_text(encoding="utf-8"))
    wrapped = json.dumps({"workflow": given, "output": {}}).encode()
    page.drop_bytes("wrapped.json", wrapped, "application/json")
    accept(page, said=True)


def test_a_picture_without_their_nodes_is_none_of_our_business(page):
    page.drop_bytes("plain.png", png(parameters="a red barn"), "image/png")
    page.tab.wait_for_timeout(1500)
    expect(page.dialogs.filter(has_text=QUESTION)).to_have_count(0)


def test_a_converted_subgraph_runs(page, standins, tmp_path):
    """The page reads the borders that the conversion wrote."""
    file = tmp_path / "subgraph.json"
    file.write_text(json.dumps(small("subgraph", standins, SHAPES)), encoding="utf-8")
    page.drop(file)
    accept(page)
    sent = page.exported()
    types = [node["class_type"] for node in sent.values()]
    assert "ADN_ApplyMotionModule" in types
    page.picture("converted_subgraph")
    run_to_a_clip(page)


def test_a_refused_offer_changes_nothing(page, offered, listed):
    question = offered("gen1_ui")
    before = page.opened_path()
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_have_count(0)
    listed("ADE_AnimateDiffLoaderGen1")
    assert page.opened_path() == before
    assert unknown(page) == ["ADE_AnimateDiffLoaderGen1"]


def test_a_question_that_is_closed_is_refused(page, offered, listed):
    question = offered("gen1_ui")
    page.tab.keyboard.press("Escape")
    expect(question).to_have_count(0)
    listed("ADE_AnimateDiffLoaderGen1")


def test_what_cannot_be_converted_is_told(page, offered, listed):
    question = offered("cameractrl_ui")
    before = page.opened_path()
    question.get_by_role("button", name="Confirm").click()
    expect(page.toasts).to_contain_text("Nothing could be converted")
    expect(page.toasts).to_contain_text("ADE_CameraPoseBasic")
    listed("ADE_CameraPoseBasic")
    assert page.opened_path() == before


def test_what_is_left_is_asked_about_once(page, tmp_path, listed):
    """Options that serve a node of another pack stay; the converted workflow is not offered again."""
    given = json.loads((FOLDER / "gen1_ui.json").read_text(encoding="utf-8"))
    empty = {
        "pos": [0, 0],
        "size": [200, 100],
        "flags": {},
        "order": 0,
        "mode": 0,
        "properties": {},
    }
    given["nodes"] += [
        {**empty, "id": 90, "type": STAYS, "inputs": [], "outputs": [
            {"name": "CONTEXT_OPTS", "type": "CONTEXT_OPTIONS", "links": [90]}], "widgets_values": []},
        {**empty, "id": 91, "type": "AnimateDiff Script", "outputs": [], "widgets_values": [],
         "inputs": [{"name": "context_options", "type": "CONTEXT_OPTIONS", "link": 90}]},
    ]  # fmt: skip
    given["links"].append([90, 90, 0, 91, 0, "CONTEXT_OPTIONS"])
    file = tmp_path / "left.json"
    file.write_text(json.dumps({**given, "last_node_id": 91, "last_link_id": 90}), encoding="utf-8")
    page.drop(file)
    question = page.dialogs.filter(has_text=QUESTION)
    question.wait_for()
    before = page.opened_path()
    question.get_by_role("button", name="Confirm").click()
    page.wait_until_opened(before)
    expect(page.toasts.filter(has_text="no equivalent")).to_contain_text(STAYS)
    expect(question).to_have_count(0)
    listed()


def test_a_page_without_that_dialog_opens_the_workflow_all_the_same(page, listed):
    """Nothing of ours is left on the console: the fixture looks."""
    page.tab.evaluate(TAKE_AWAY)
    try:
        page.drop(FOLDER / "gen1_ui.json")
        listed("ADE_AnimateDiffLoaderGen1")
        assert unknown(page) == ["ADE_AnimateDiffLoaderGen1"]
        expect(page.dialogs.filter(has_text="Convert to")).to_have_count(0)
    finally:
        page.tab.evaluate(GIVE_BACK)


def test_a_server_that_cannot_convert_is_told(page, offered, listed):
    question = offered("gen1_ui")
    refusal = json.dumps({"error": "too large"})
    page.tab.route("**/animatediff_native/convert", lambda route: route.fulfill(
        status=413, content_type="application/json", body=refusal))  # fmt: skip
    try:
        question.get_by_role("button", name="Confirm").click()
        expect(page.toasts).to_contain_text("too large")
        listed("ADE_AnimateDiffLoaderGen1")
    finally:
        page.tab.unroute("**/animatediff_native/convert")
