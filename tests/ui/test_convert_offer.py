"""A workflow of AnimateDiff-Evolved dropped on the page: the offer to convert it."""

import pytest
from playwright.sync_api import expect

from tools.paths import REPO

from .small_clip import FRAMES, make_small

FOLDER = REPO / "tests" / "data" / "ade"
MISSING_NODES = "#global-missing-nodes, #global-load-workflow-warning"  # newer and older pages


@pytest.fixture
def offered(page):
    """Drops a workflow; the question is on top of the page's own dialog about missing nodes."""

    def drop(name):
        page.drop(FOLDER / f"{name}.json")
        question = page.dialogs.filter(has_text="Convert to AnimateDiff Native?")
        question.wait_for()
        assert page.tab.locator(MISSING_NODES).count() == 1
        return question

    return drop


def test_what_is_converted_runs(page, standins, offered):
    question = offered("gen2_simple_ui")
    expect(question.get_by_role("listitem")).to_have_count(5)
    page.picture("offer")
    before = page.opened_path()
    question.get_by_role("button", name="Confirm").click()
    page.wait_until_opened(before)
    expect(page.toasts).to_contain_text("Converted")
    expect(page.dialogs).to_have_count(0)
    assert page.missing() == []
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


def test_a_refused_offer_changes_nothing(page, offered):
    question = offered("gen1_ui")
    before = page.opened_path()
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_have_count(0)
    expect(page.dialogs).to_contain_text("ADE_AnimateDiffLoaderGen1")  # the page's own remains
    assert page.opened_path() == before
    assert page.missing() == ["ADE_AnimateDiffLoaderGen1"]


def test_what_cannot_be_converted_is_told(page, offered):
    question = offered("cameractrl_ui")
    before = page.opened_path()
    question.get_by_role("button", name="Confirm").click()
    expect(page.toasts).to_contain_text("Nothing could be converted")
    expect(page.toasts).to_contain_text("ADE_CameraPoseBasic")
    assert page.opened_path() == before


def test_what_is_left_is_asked_about_once(page, offered):
    """One loader is inside a subgraph and stays; the converted workflow is not offered again."""
    question = offered("subgraph_ui")
    before = page.opened_path()
    question.get_by_role("button", name="Confirm").click()
    page.wait_until_opened(before)
    told = page.toasts.filter(has_text="no equivalent")
    expect(told).to_contain_text("ADE_AnimateDiffLoaderGen1")
    expect(page.dialogs).to_have_count(1)
    expect(page.dialogs.locator(MISSING_NODES)).to_have_count(1)
