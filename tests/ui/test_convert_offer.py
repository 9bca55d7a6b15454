"""A workflow of AnimateDiff-Evolved dropped on the page: the offer to convert it."""

import json

import pytest
from playwright.sync_api import expect

from tools.paths import REPO

from .small_clip import FRAMES, make_small

FOLDER = REPO / "tests" / "data" / "ade"
IN_A_DIALOG = "typeof app.extensionManager.dialog.showLoadWorkflowWarning === 'function'"
TAKE_AWAY = """() => {
    const { dialog } = app.extensionManager;
    window.usual = dialog.confirm;
    dialog.confirm = undefined;
}"""
GIVE_BACK = "() => { app.extensionManager.dialog.confirm = window.usual; }"
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
        question = page.dialogs.filter(has_text="Convert to AnimateDiff Native?")
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


def test_what_is_left_is_asked_about_once(page, offered, listed):
    """One loader is inside a subgraph and stays; the converted workflow is not offered again."""
    question = offered("subgraph_ui")
    before = page.opened_path()
    question.get_by_role("button", name="Confirm").click()
    page.wait_until_opened(before)
    told = page.toasts.filter(has_text="no equivalent")
    expect(told).to_contain_text("ADE_AnimateDiffLoaderGen1")
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
