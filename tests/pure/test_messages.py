"""The words of messages: those of the page, and no `1 frames`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("motion", "conditions", "lora", "samplers", "training", "trajectories", "nodes")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).glob("*.py"))
ERRORS = {"AnimateDiffError", "NoFrame", "NoEntry", "Trouble", "broken", "_broken", "_refused"}
WORDS = r"frame|image|mask|value|tensor|clip|prompt|entrie|latent|number|key|weight|seed|video"
# The host's and Python's names for what has one on the page, or for nothing that a user knows.
INNER = re.compile(
    r"\bhints?\b|c_crossattn|\bconditionings?\b|\bentries\b|\bNone\b|\btuple\b|\bdict\b|\bwrapper"
    r"|\bpatcher\b|\bstate dict\b|\bkeyword\b|\bargument|\bembeddings in\b|put it back"
)
# file and words: where they are the page's own
ALLOWED = {
    ("motion/load.py", "put it back"),  # of a file that was there a moment ago
    ("motion/report.py", "wrapper"),
}


def messages(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every message, with {} for what is put in."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and _tells(node.func):
            for part in ast.walk(node):
                if isinstance(part, ast.JoinedStr):
                    yield part.lineno, "".join(map(_text, part.values))
                elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.lineno, part.value


def _tells(called: ast.expr) -> bool:
    if isinstance(called, ast.Attribute):
        return called.attr == "warning"
    return isinstance(called, ast.Name) and called.id in ERRORS


def _text(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    assert isinstance(part, ast.FormattedValue)
    source = ast.unparse(part.value)
    return "{counted}" if source.startswith("counted(") else f"{{{source}}}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_words_of_the_page(path):
    name = f"{path.parent.name}/{path.name}"
    found = [
        (line, text)
        for line, text in messages(path)
        for word in INNER.findall(re.sub(r"\{.*?\}", "", text))
        if (name, word) not in ALLOWED
    ]
    assert found == []


# What is never 1: limits of a file, the most and least that an input can be.
NEVER_ONE = {"rows", "limit", "frames_per_clip", "len(images)", "context.shape[2]"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_numbers_agree_with_their_words(path):
    found = [
        (line, text)
        for line, text in messages(path)
        for number in re.findall(rf"\{{([^{{}}]*)\}} (?:{WORDS})s\b", text)
        if number not in NEVER_ONE
    ]
    assert found == []
