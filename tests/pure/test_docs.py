"""README and CONTRIBUTING say what there is: every node, workflow and file, and no message that
does not exist."""

import re
from pathlib import Path

import pytest

from tools import workflow

ROOT = Path(__file__).parents[2]
CODE = ("lora", "motion", "nodes", "samplers", "training")
WHOLE = (
    "benchmarks",
    "convert",
    "demo",
    "headless",
    "locales",
    "tests",
    "tools",
    "web",
    "workflows",
)
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)")
PAGES = ("README.md", "CONTRIBUTING.md", "headless/README.md", "docs/miniature.md")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def readme():
    return read("README.md")


@pytest.mark.parametrize("name", workflow.TITLES.values())
def test_readme_lists_the_workflow(readme, name):
    assert f"\n| *{name}* | " in readme


@pytest.mark.parametrize("page", sorted(ROOT.glob("web/docs/*.md")), ids=lambda page: page.stem)
def test_readme_lists_the_node(readme, page):
    title = page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert f"\n| **{title}** | " in readme


def test_the_map_names_every_file():
    """A file by its path, or, in the row of its folder, by its name alone."""
    rows = [row for row in read("CONTRIBUTING.md").splitlines() if row.startswith("| `")]
    files = [path for folder in CODE for path in (ROOT / folder).glob("*.py")]
    missing = [
        f"{path.parent.name}/{path.name}"
        for path in files
        if path.stem != "__init__" and not any(names(row, path) for row in rows)
    ]
    assert missing == []


def names(row: str, path: Path) -> bool:
    folder = path.parent.name
    return f"`{folder}/{path.name}`" in row or (f"`{folder}/" in row and f"`{path.stem}`" in row)


@pytest.mark.parametrize("folder", WHOLE)
def test_the_map_names_every_other_folder(folder):
    assert f"`{folder}/" in read("CONTRIBUTING.md")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target, anchor in LINK.findall(read(page)):
        file = (ROOT / page).parent / target if target else ROOT / page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor[1:] in map(slug, headings), anchor


def slug(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


MESSAGES = {  # what the questions quote, and a part of the line of code that says it
    '"a context window has 40 frames, and ... can see 32 at once"': "can see {limit} at once",
    '"a ControlNet has 60 hints, and the clip has 64 frames"': "hints, and the clip has",
    "\"'c_crossattn' of the positive conditioning has 48 entries, and the clip has 24 frames\"": (
        "conditioning has {tensor.shape[0]} entries"
    ),
    '"the model is of the kind SDXL"': "the model is of the kind {kind}",
}


@pytest.mark.parametrize(("quoted", "said"), MESSAGES.items())
def test_quoted_messages_exist(readme, quoted, said):
    assert quoted in readme
    code = "".join(
        path.read_text(encoding="utf-8") for f in CODE for path in (ROOT / f).glob("*.py")
    )
    assert said in code
