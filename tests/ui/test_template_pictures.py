"""The pictures of the template browser, as the page shows them."""

from playwright.sync_api import expect

from tools import workflow
from tools.base_directory import EXTENSION_NAME

BROWSE = "() => { app.extensionManager.command.execute('Comfy.BrowseTemplates'); }"
WIDTH = "picture => picture.complete && picture.naturalWidth"
CLOSE = "button:has(.pi-times), .p-dialog-close-button"  # of newer and of older pages
LOOKS = 12  # at a card, to see whether it moves
APART = 200  # milliseconds


def test_the_pictures_are_shown_and_move(page):
    """The page asks for NAME.jpg; what is in it the browser finds out."""
    page.tab.evaluate(BROWSE)
    page.tab.get_by_role("dialog").get_by_text(EXTENSION_NAME).first.click()
    name = workflow.page_file("text_to_video").stem
    card = page.tab.locator(f"[data-testid='template-workflow-{name}']")
    card.scroll_into_view_if_needed()
    picture = card.locator("img").first
    expect(picture).to_be_visible()
    page.picture("template_browser")
    assert picture.evaluate(WIDTH) > 0
    seen = set()
    for _ in range(LOOKS):
        seen.add(picture.screenshot())
        page.tab.wait_for_timeout(APART)
    assert len(seen) > 2
    page.dialogs.locator(CLOSE).last.click()
    expect(page.dialogs).to_have_count(0)
