"""The pictures of the help pages: one for each node, small, and none that no page is for."""

import re
from pathlib import Path

import pytest
from PIL import Image

DOCS = Path(__file__).parents[2] / "web" / "docs"
NODES = sorted(page.stem for page in DOCS.glob("*.md"))
PAGES = sorted(DOCS.rglob("*.md"))
WIDTH = 720  # pixels: the help's column is 260 to 400 wide, on dense screens twice that
TALLEST = 640
GREATEST = 40_000  # bytes
SHOWN = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")


@pytest.mark.parametrize("node", NODES)
def test_every_node_has_a_picture(node):
    """Made by `python -m demo.help`."""
    file = DOCS / "images" / f"{node}.webp"
    assert file.stat().st_size <= GREATEST
    with Image.open(file) as picture:
        assert picture.format == "WEBP"
        assert picture.width == WIDTH and picture.height <= TALLEST
        assert picture.convert("RGBA").getpixel((0, 0))[3] == 0  # round corners on any page


def test_no_picture_is_left_over():
    assert sorted(file.stem for file in (DOCS / "images").iterdir()) == NODES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_a_page_shows_its_nodes_picture(page):
    """The address is relative to web/docs/ for the page, translated pages included."""
    node = page.stem if page.parent == DOCS else page.parent.name
    (shown,) = SHOWN.findall(page.read_text(encoding="utf-8"))
    said, address = shown
    assert address == f"images/{node}.webp"
    assert said.strip()
