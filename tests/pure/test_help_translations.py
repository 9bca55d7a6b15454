"""The help pages in other languages say what the English ones say: nothing is added, left out or
named otherwise, and marks that a translation moves still come out as they should."""

import json
import re
import unicodedata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {page.stem: page for page in sorted(ROOT.glob("web/docs/*.md"))}
KANA, HAN = r"[\u3041-\u30ff]", r"[\u4e00-\u9fff]"
OWN_LETTERS = {"ja": f"{KANA}|{HAN}", "zh": HAN}
LEAST_OWN = 0.6  # of the letters outside names, code and addresses
MADE_UP = {"frame: prompt", "frame: value", "percent: factor"}  # words that stand for others
CODE = r"`([^`\n]+)`"
BLOCK = r"^```\n(.*?)^```$"
LINK = r"(!?)\[([^\]]*)\]\(([^)\s]+)\)"
NAME = r"(?<!\*)\*(?!\*)([^*\n]+)\*(?!\*)"  # a node of ComfyUI, a template
BOLD = r"\*\*([^*\n]+)\*\*"
NUMBER = r"(?<![\d.])\d+(?:\.\d+)?"


@pytest.fixture(params=OWN_LETTERS)
def language(request) -> str:
    return request.param


@pytest.fixture(params=PAGES)
def node(request) -> str:
    return request.param


@pytest.fixture
def english(node) -> str:
    return PAGES[node].read_text(encoding="utf-8")


@pytest.fixture
def translated(node, language) -> str:
    return read(node, language)


def read(node: str, language: str) -> str:
    return (ROOT / "web/docs" / node / f"{language}.md").read_text(encoding="utf-8")


def titles(language: str) -> dict[str, str]:
    """Of every node, without the words in brackets by which it is found."""
    nodes = json.loads((ROOT / f"locales/{language}/nodeDefs.json").read_text(encoding="utf-8"))
    return {name: re.sub(r" \([^()]*\)$", "", it["display_name"]) for name, it in nodes.items()}


def without_blocks(text: str) -> str:
    return re.sub(BLOCK, "", text, flags=re.MULTILINE | re.DOTALL)


def shape(text: str) -> list[str]:
    """What each line is: a heading of which level, an item, a paragraph. Pictures are left out."""
    lines = [line for line in without_blocks(text).splitlines() if line and line[0] != "!"]
    return [re.sub(r"^(#+ |(?:  )*- |).*", r"\1", line) for line in lines]


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", without_blocks(text), re.MULTILINE)


def items(text: str) -> list[list[str]]:
    """The names of inputs and outputs that each item begins with."""
    heads = re.findall(rf"^- \*\*((?:{CODE}[^*]*)+)\*\*", text, re.MULTILINE)
    return [re.findall(CODE, head) for head, _ in heads]


def code(text: str) -> set[str]:
    return set(re.findall(CODE, without_blocks(text))) - MADE_UP


def plain(text: str) -> str:
    """What is left to translate: no code, no address, no name of a node or template."""
    text = re.sub(CODE, "`", without_blocks(text))
    return re.sub(NAME, "*", re.sub(LINK, r"\2", text))


def is_mark(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "PS"


def test_every_page_has_its_translation_and_there_are_no_others(language):
    found = {page.parent.name for page in ROOT.glob(f"web/docs/*/{language}.md")}
    assert found == set(PAGES)


def test_it_has_the_title_that_the_node_has(node, language, translated):
    assert headings(translated)[0] == titles(language)[node]


def test_it_is_built_alike(english, translated):
    assert shape(translated) == shape(english)


def test_inputs_and_outputs_are_named_in_order(english, translated):
    assert items(translated) == items(english)


def test_code_and_numbers_are_the_same(english, translated):
    assert code(translated) - code(english) <= {it for it in code(translated) if not it.isascii()}
    assert code(english) <= code(translated)
    assert re.findall(BLOCK, translated, re.MULTILINE | re.DOTALL) == re.findall(
        BLOCK, english, re.MULTILINE | re.DOTALL
    )
    numbers = [set(re.findall(NUMBER, plain(text))) for text in (english, translated)]
    assert numbers[0] <= numbers[1]


def test_links_are_the_same(english, translated):
    of_each = [
        [address for picture, _, address in re.findall(LINK, text) if not picture]
        for text in (english, translated)
    ]
    assert of_each[0] == of_each[1]


def test_the_picture_comes_behind_the_first_paragraph(node, language, english, translated):
    """The one of the English page."""
    picture, alt, address = re.findall(LINK, translated.split("\n\n")[2])[0]
    assert (picture, address) == ("!", f"images/{node}.webp")
    assert f"]({address})" in english.split("\n\n")[2]
    assert re.search(OWN_LETTERS[language], alt)


def test_nodes_and_templates_are_called_what_they_are_called(language, english, translated):
    """Nodes of this extension as the locale has them, those of ComfyUI and templates in English."""
    ours = dict(zip(titles("en").values(), titles(language).values(), strict=True))
    named = {ours[it] for it in re.findall(BOLD, english) if it in ours}
    assert named == {it for it in re.findall(BOLD, translated) if it in ours.values()}
    theirs, kept = (set(re.findall(NAME, re.sub(CODE, "", it))) for it in (english, translated))
    assert {it for it in theirs if it[0].isupper()} <= kept


def test_bold_and_italic_come_out(translated):
    """A star between a mark and a letter neither opens nor closes: *A (b)*c stays as it is."""
    text = re.sub(CODE, "``", without_blocks(translated))
    for found in [*re.finditer(BOLD, text), *re.finditer(NAME, text)]:
        before, after = text[found.start() - 1], text[found.end()]
        inner = found[1]
        assert not is_mark(inner[0]) or before.isspace() or is_mark(before), found[0]
        assert not is_mark(inner[-1]) or after.isspace() or is_mark(after), found[0]
    assert "*" not in re.sub(NAME, "", re.sub(BOLD, "", text))


def test_it_is_in_its_language(language, translated):
    text = plain(translated)
    own = re.findall(OWN_LETTERS[language], text)
    assert len(own) >= LEAST_OWN * sum(letter.isalpha() for letter in text)
    assert bool(re.search(KANA, text)) == (language == "ja")
    assert not re.search(r"(?:\b[A-Za-z]+ ){3}[A-Za-z]+", text), "a sentence is still English"
    assert all(re.search(OWN_LETTERS[language], it) for it in headings(translated)[1:])


def test_a_heading_is_called_the_same_on_all_pages(language):
    words: dict[str, set[str]] = {}
    for node, page in PAGES.items():
        both = zip(headings(page.read_text("utf-8")), headings(read(node, language)), strict=True)
        for ours, theirs in list(both)[1:]:
            words.setdefault(ours, set()).add(theirs)
    assert {ours: theirs for ours, theirs in words.items() if len(theirs) > 1} == {}
