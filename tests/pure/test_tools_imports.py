"""Tools know nothing of the demo, which is built on them, nor of the tests and benchmarks."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT_ON_THEM = {"demo", "tests", "adn_testing", "benchmarks"}


def imported(path: Path) -> set[str]:
    """The first part of the name of every module that a file imports, at its top or later."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "tools").glob("*.py")), ids=lambda path: path.name)
def test_tools_stand_on_their_own(path):
    assert not imported(path) & BUILT_ON_THEM
