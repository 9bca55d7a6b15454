"""The page's scripts use what the page offers to extensions."""

import re
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parents[2] / "web").rglob("*.js"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_touches_nothing_that_the_page_draws(script):
    """Elements, ids and class names are the page's own, and change with its versions; what
    is added is elements of our own."""
    code = re.sub(r"//.*", "", script.read_text(encoding="utf-8"))
    assert not re.search(r"\bdocument\b(?!\.(createElement|(head|body)\.append)\b)|querySelector|\.p-|closest\(", code)
