"""The help pages fit the panel that shows them, which is about 340 pixels wide, and are all built
alike: what a node is for, what goes in and out, an example, and where to read on."""

import re
from pathlib import Path

import pytest

from tools import workflow

ROOT = Path(__file__).parents[2]
PAGES = sorted(ROOT.glob("web/docs/*.md"))
COLUMNS = 36  # of a block of code; what is wider is cut
LONGEST, LONGEST_OF_ALL = 350, {"ADN_TrainMotionLora": 600}  # words, as `wc -w` counts them
ABROAD = ("https://", "http://")


@pytest.fixture(params=PAGES, ids=lambda page: page.stem)
def page(request) -> Path:
    return request.param


def parts(page: Path) -> dict[str, str]:
    """What stands under each heading."""
    return dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", read(page), re.MULTILINE | re.DOTALL))


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_nothing_is_wider_than_the_panel(page):
    """Tables are: names of inputs leave nothing of it for what they do. Lists fit."""
    text = read(page)
    assert not re.search(r"^\|", text, re.MULTILINE)
    blocks = re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert [line for block in blocks for line in block.splitlines() if len(line) > COLUMNS] == []


def test_it_is_short(page):
    assert len(read(page).split()) <= LONGEST_OF_ALL.get(page.stem, LONGEST)


def test_it_says_first_what_the_node_is_for(page):
    title, purpose = read(page).split("\n\n")[:2]
    assert title.startswith("# ")
    assert purpose[0].isalpha() and len(purpose.split()) <= 60


def test_it_has_the_parts_of_every_page(page):
    first, second, third, *_, last = parts(page)
    assert (first.rstrip("s"), second.rstrip("s"), third, last) == (
        "Input",
        "Output",
        "Example",
        "See also",
    )


def test_it_leads_to_templates_that_there_are(page):
    (more,) = re.findall(r"^- (?:Templates?|Node): (.+)$", parts(page)["See also"], re.MULTILINE)
    named = re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", more)
    assert named or "**" in more
    assert set(named) <= set(workflow.TITLES.values())


def test_its_links_work_from_everywhere(page):
    """Older pages take a relative link as one of their own; only pictures are found by name."""
    links = re.findall(r"(?<!!)\[[^\]]*\]\((.+?)\)", read(page))
    links = [link for link in links if not link.startswith("images/")]
    assert all(link.startswith(ABROAD) for link in links), links


def test_it_has_a_picture_behind_the_first_paragraph(page):
    """Named by the node, with words for those who do not see it."""
    pictures = re.findall(r"^!\[(.*)\]\((.+)\)$", read(page), re.MULTILINE)
    ((said, address),) = pictures
    assert read(page).split("\n\n")[2] == f"![{said}]({address})"
    assert address == f"images/{page.stem}.webp" and (page.parent / address).is_file()
    assert len(said.split()) >= 5 and '"' not in said
