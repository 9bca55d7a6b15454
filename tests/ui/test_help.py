"""The help page of a node, from the button that the page shows beside a selected one."""

import re

from playwright.sync_api import expect

from tools import workflow
from tools.paths import REPO

from .comfy_page import OURS

NODE = "ADN_ApplyMotionModule"
# Of newer and of older pages.
BUTTON = "[data-testid=info-button], .help-button"
CONTENT = ".node-help-content .comfy-markdown-content, .node-help-content .markdown-content"


def headings(markdown: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", markdown, re.MULTILINE)


def test_a_selected_node_has_our_help_page(page):
    page.drop(workflow.page_file("text_to_video"))
    page.select(NODE)
    page.tab.locator(BUTTON).click()
    shown = page.tab.locator(CONTENT)
    written = (REPO / "web" / "docs" / f"{NODE}.md").read_text(encoding="utf-8")
    expect(shown.locator("h1, h2, h3")).to_have_text(headings(written))
    expect(shown.locator("ul").first.locator("li").first).to_contain_text("model")
    # the picture came from our address, and all its words with it
    (said, name) = re.findall(r"^!\[(.+)\]\((.+)\)$", written, re.MULTILINE)[0]
    drawn = shown.get_by_alt_text(said, exact=True)
    expect(drawn).to_have_attribute("src", re.compile(rf"{OURS}docs/{name}$"))
    drawn.evaluate("picture => picture.decode()")  # throws where it is none
    # nothing is wider than the panel, which would cut it
    assert shown.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    page.picture("help")
    page.tidy()
    expect(shown).to_have_count(0)
