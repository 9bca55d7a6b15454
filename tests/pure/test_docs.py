"""README, CONTRIBUTING and docs say what there is: every node, template and file, links that lead
somewhere, and no message that does not exist."""

import re
from pathlib import Path

import pytest

from tools import workflow

ROOT = Path(__file__).parents[2]
CODE = ("conditions", "lora", "motion", "nodes", "samplers", "training", "trajectories")
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
LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]*)?\)")
ABROAD = re.compile(r"[a-z]+:")
HERE = "https://github.com/animatediff-native/animatediff-native/blob/main/"  # for help pages
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "headless/*.md", "web/docs/**/*.md")
    for path in ROOT.glob(pattern)
)
LONGEST_README = 1500  # words, as `wc -w` counts them


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def readme():
    return read("README.md")


def test_the_readme_is_read_in_minutes(readme):
    assert len(readme.split()) <= LONGEST_README


def test_the_readme_begins_with_a_moving_picture(readme):
    """Before its first heading, and one that is there and moves."""
    (name,) = re.findall(r"^!\[.+\]\((.+)\)$", readme.split("\n## ")[0], re.MULTILINE)
    assert b"ANMF" in (ROOT / name).read_bytes()


def test_the_readme_lists_its_sections(readme):
    begin, *sections = readme.split("\n## ")
    headings = [section.splitlines()[0] for section in sections]
    listed = re.findall(r"\]\(#(.+?)\)", begin)
    assert listed == [slug(heading) for heading in headings if not heading.startswith("Licence")]


@pytest.mark.parametrize("name", workflow.TITLES.values())
def test_readme_and_docs_list_the_template(readme, name):
    assert f"*{name}*" in part(readme, "Templates")
    assert f" | *{name}* | " in read("docs/templates.md")


def test_templates_are_listed_in_their_order(readme):
    for page in (part(readme, "Templates"), read("docs/templates.md").split("|---|\n")[1]):
        listed = re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", page)
        named = [name for name in listed if name in workflow.TITLES.values()]
        assert named == list(workflow.TITLES.values())


@pytest.mark.parametrize("page", sorted(ROOT.glob("web/docs/*.md")), ids=lambda page: page.stem)
def test_readme_lists_the_node(readme, page):
    """With what it does, and what it was called in the pack that most come from."""
    title = page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert re.search(
        rf"^\| \*\*{re.escape(title)}\*\* \| [^|]+ \| [^|]+ \|$",
        part(readme, "Nodes"),
        re.MULTILINE,
    )


def part(page: str, heading: str) -> str:
    return re.split(r"^## ", page.split(f"\n## {heading}\n")[1], flags=re.MULTILINE)[0]


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
        if ABROAD.match(target) and not target.startswith(HERE):
            continue
        if target.startswith(HERE):
            file = ROOT / target.removeprefix(HERE)
        elif page.startswith("web/docs/"):
            # the page puts an address before them that is the same for all translations
            file = ROOT / "web" / "docs" / target
        else:
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
    '"a ControlNet has 60 images, and the clip has 64 frames"': (
        "a ControlNet has {counted(count, 'image')}, and the clip has"
    ),
    '"the positive prompt is for 48 frames, and the clip has 24 frames"': (
        "prompt{part} is for {counted(count, 'frame')}, and the clip has"
    ),
    '"the model is of the kind SDXL"': "the model is of the kind {kind}",
}


@pytest.mark.parametrize(("quoted", "said"), MESSAGES.items())
def test_quoted_messages_exist(quoted, said):
    assert quoted in read("docs/questions.md")
    code = "".join(
        path.read_text(encoding="utf-8") for f in CODE for path in (ROOT / f).glob("*.py")
    )
    assert said in code
