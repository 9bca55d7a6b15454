"""The shipped workflows in the page: they open, and are what the API format says."""

import json

import pytest

from tools import workflow
from tools.base_directory import EXTENSION_NAME

FIRST = workflow.page_file("text_to_video")
HOST_TEMPLATES = "**/templates/*"


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


def open_by_clicks(page, name, picture=""):
    """From the template browser, as a new user does: Templates, the pack's name, the card."""
    before = page.opened_path()
    page.tab.route(HOST_TEMPLATES, without_pictures)
    page.tab.locator(".templates-tab-button").click()
    card = page.tab.get_by_test_id(f"template-workflow-{workflow.page_file(name).stem}")
    show_card(page, card)
    if picture:
        page.picture(picture)
    card.click()
    page.wait_until_opened(before)
    page.tab.unroute(HOST_TEMPLATES)


def test_a_template_opens_from_the_template_browser(page):
    open_by_clicks(page, "text_to_video", "template_browser")
    shipped = json.loads(FIRST.read_text(encoding="utf-8"))
    assert sorted(node["id"] for node in page.nodes()) == sorted(
        str(node["id"]) for node in shipped["nodes"]
    )
    assert page.missing() == []


@pytest.mark.parametrize("name", workflow.TITLES)
def test_a_workflow_opens_and_equals_its_api_twin(page, declared, name):
    page.drop(workflow.page_file(name))
    assert page.missing() == []
    assert page.dialogs.count() == 0
    exported = page.exported()
    assert graph(exported, declared) == graph(workflow.load(name), declared)
