"""The shipped workflows in the page: they open, and are what the API format says."""

import json
import sys
import time

import pytest
from playwright.sync_api import expect

from tools import workflow
from tools.base_directory import EXTENSION_NAME

from .small_clip import make_small

FIRST = workflow.page_file("text_to_video")
HOST_TEMPLATES = "**/templates/*"
CARD = "template-workflow-"
REPEATED = 2  # clicks on the pack's name, which older pages lose
FOUND = """cards => {
    const shown = [...document.querySelectorAll("[data-testid^=template-workflow-]")];
    const names = shown.map(card => card.dataset.testid);
    return cards.every(card => names.includes(card));
}"""
PICTURE = """card => [...document.querySelectorAll("[data-testid^=template-workflow-]")].some(
    shown => shown.dataset.testid === card && shown.querySelector("img")?.naturalWidth > 0
)"""
COUNT_CLICKS = """() => {
    window.clicks = 0;
    addEventListener("click", event => { window.clicks += event.isTrusted; }, true);
}"""
SAVED = """() => app.graph._nodes.some(
    node => node.type === "SaveAnimatedWEBP" && app.nodeOutputs[node.id]
)"""


def without_pictures(route):
    """The host's are large and move: they would take the processor from the test."""
    if route.request.resource_type in ("image", "media"):
        route.abort()
    else:
        route.continue_()


@pytest.fixture(scope="module")
def declared(server):
    """The inputs that the server knows, by node type."""
    info = server.client.object_info()
    return {
        name: {key for section in node["input"].values() for key in section}
        for name, node in info.items()
    }


def graph(prompt, declared):
    """What a run depends on.

    Left out: _meta, the titles that the page shows; and inputs that no node of the server has, which
    the page sends for widgets that it adds itself, such as the text in PreviewAny.
    """
    return {
        key: {
            "class_type": (kind := node["class_type"]),
            "inputs": {name: v for name, v in node["inputs"].items() if name in declared[kind]},
        }
        for key, node in prompt.items()
    }


def show_card(page, card):
    """Older pages make a template's card when its place comes into view, and go back to all
    templates when their own list comes in late."""
    tab = page.tab
    for _ in range(3):
        page.dialogs.get_by_text(EXTENSION_NAME).click()
        tab.mouse.move(tab.viewport_size["width"] / 2, tab.viewport_size["height"] / 2)
        for _ in range(30):
            if card.count():
                card.scroll_into_view_if_needed()
                return
            tab.mouse.wheel(0, 400)
            tab.wait_for_timeout(500)
    card.scroll_into_view_if_needed()


def browse_templates(page):
    page.tab.route(HOST_TEMPLATES, without_pictures)
    page.tab.locator(".templates-tab-button").click()


def open_by_clicks(page, name):
    """From the template browser, as a new user does: Templates, the pack's name, the card."""
    before = page.opened_path()
    browse_templates(page)
    card = page.tab.get_by_test_id(f"{CARD}{workflow.page_file(name).stem}")
    show_card(page, card)
    card.click()
    page.wait_until_opened(before)
    page.tab.unroute(HOST_TEMPLATES)


def test_the_template_browser_finds_and_shows_them(page):
    """Their order there is that of the server's file system, unless it is sorted by name."""
    browse_templates(page)
    page.dialogs.get_by_placeholder("Search").first.fill("animatediff")
    titles = {workflow.page_file(name).stem for name in workflow.TITLES}
    page.tab.wait_for_function(FOUND, arg=[f"{CARD}{title}" for title in titles])
    card = page.tab.get_by_test_id(f"{CARD}{FIRST.stem}")
    show_card(page, card)
    page.tab.wait_for_function(PICTURE, arg=f"{CARD}{FIRST.stem}")
    page.picture("template_browser")
    card.click()  # the browser closes
    expect(page.dialogs).to_have_count(0)
    page.tab.unroute(HOST_TEMPLATES)


def test_a_new_user_comes_to_a_clip(page, standins):
    """From Browse Templates to Run, with the files at hand: every click is counted."""
    page.visit()
    page.tab.evaluate(COUNT_CLICKS)
    start = time.monotonic()
    open_by_clicks(page, "text_to_video")
    opened = time.monotonic()
    shipped = json.loads(FIRST.read_text(encoding="utf-8"))
    assert sorted(node["id"] for node in page.nodes()) == sorted(
        str(node["id"]) for node in shipped["nodes"]
    )
    assert page.missing() == []
    make_small(page, standins)
    page.run()
    clicks = page.tab.evaluate("window.clicks")
    assert 4 <= clicks <= 4 + REPEATED
    page.tab.wait_for_function(SAVED)
    ended = time.monotonic()
    sys.stdout.write(
        f"\n{clicks} clicks; {opened - start:.1f} s until the template is open, "
        f"{ended - start:.1f} s until there is a clip of stand-in models\n"
    )


@pytest.mark.parametrize("name", workflow.TITLES)
def test_a_workflow_opens_and_equals_its_api_twin(page, declared, name):
    page.drop(workflow.page_file(name))
    assert page.missing() == []
    assert page.dialogs.count() == 0
    exported = page.exported()
    assert graph(exported, declared) == graph(workflow.load(name), declared)
