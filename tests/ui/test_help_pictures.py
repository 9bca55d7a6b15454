"""The picture of a help page, as the page shows it."""

from playwright.sync_api import expect

from tools import workflow

from .test_help import BUTTON, CONTENT, NODE

WIDTH = "picture => picture.complete ? picture.naturalWidth : 0"


def test_a_help_page_shows_its_picture(page):
    page.drop(workflow.page_file("text_to_video"))
    page.select(NODE)
    page.tab.locator(BUTTON).click()
    shown = page.tab.locator(CONTENT)
    picture = shown.locator(f"img[src$='/images/{NODE}.webp']")
    expect(picture).to_be_visible()
    page.tab.wait_for_function(f"picture => ({WIDTH})(picture) > 0", arg=picture.element_handle())
    # nothing is wider than the panel, which would cut it
    assert shown.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    page.picture("help_picture")
