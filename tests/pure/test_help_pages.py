"""The help pages fit the panel that shows them, which is about 340 pixels wide."""

import re
from pathlib import Path

import pytest

PAGES = sorted(Path(__file__).parents[2].glob("web/docs/*.md"))
COLUMNS = 36  # of a block of code; what is wider is cut


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_nothing_is_wider_than_the_panel(page):
    """Tables are: names of inputs leave nothing of it for what they do. Lists fit."""
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"^\|", text, re.MULTILINE)
    blocks = re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert [line for block in blocks for line in block.splitlines() if len(line) > COLUMNS] == []
