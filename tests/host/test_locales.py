"""The page's languages: English is what the schemas say, and the others say all of it."""

import importlib
import json
import re

import folder_paths
import pytest

from tools import locales
from tools.paths import REPO

FILES = ("main.json", "nodeDefs.json")
TRANSLATED = ("ja", "zh")
NATIVE = {"ja": re.compile(r"[\u3040-\u30ff]"), "zh": re.compile(r"[\u4e00-\u9fff]")}
KANA = NATIVE["ja"]
# What a text must keep: files and folders, names of inputs, things in quotes, numbers.
KEPT = re.compile(
    r'"[^"]+"|[\w/.-]*(?:\w[_/]\w|\w\.(?:ckpt|safetensors))[\w/]*|\d+(?:\.\d+)?', re.ASCII
)


@pytest.fixture(scope="module")
def schemas():
    return locales.schemas()


@pytest.fixture(scope="module")
def english(schemas):
    """Every text, also those that locales/en leaves to the schemas."""
    return flat(locales.node_definitions(schemas))


def read(language: str, name: str) -> dict:
    return json.loads((locales.FOLDER / language / name).read_text(encoding="utf-8"))


def translation(language: str) -> dict[str, str]:
    return flat(read(language, "nodeDefs.json"))


def flat(tree: dict, path: str = "") -> dict[str, str]:
    texts = {}
    for key, value in tree.items():
        at = f"{path}{key}"
        texts |= flat(value, f"{at}.") if isinstance(value, dict) else {at: value}
    return texts


def is_prose(key: str) -> bool:
    return key.endswith((".description", ".tooltip"))


def kept(text: str) -> set[str]:
    """The parts that stand in a translation as they are, from `in quotes: "a"` the "a"."""
    return {found.strip(".") for found in KEPT.findall(text)}


def chosen(text: str, options: list[str]) -> set[str]:
    """The options that a text explains, as in `hold: repeat the last one`."""
    return {name for name in options if re.search(rf"(?<![\w-]){re.escape(name)}: ", text)}


def options_of(schemas) -> dict[str, list[str]]:
    """By the key of the tooltip, the choices of each combo whose choices are ours."""
    return {
        f"{schema.node_id}.inputs.{given.id}.tooltip": list(given.options)
        for schema in schemas
        for given in schema.inputs
        if getattr(given, "options", None)
    }


def test_english_is_what_the_schemas_say(schemas):
    for name, text in locales.english(schemas).items():
        written = (locales.FOLDER / "en" / name).read_text(encoding="utf-8")
        assert written == text, "run: python -m tools.locales"


def test_english_leaves_out_only_what_the_page_would_misread(english):
    shown = translation("en")
    assert shown.items() <= english.items()
    for key in english.keys() - shown.keys():
        assert key.endswith(".tooltip")  # the schema's own is shown in its place
        assert not locales.MESSAGE_SYNTAX.isdisjoint(english[key])


def test_message_syntax_is_left_out():
    texts = {"inputs": {"text": {"name": "text", "tooltip": 'as in {"16": "a"}'}}}
    assert locales.without_message_syntax(texts) == {"inputs": {"text": {"name": "text"}}}


def test_the_folders_are_these():
    found = {
        folder.name: sorted(p.name for p in folder.iterdir()) for folder in locales.FOLDER.iterdir()
    }
    assert found == dict.fromkeys(("en", *TRANSLATED), sorted(FILES))


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("name", FILES)
def test_the_files_are_plain_text(language, name):
    """UTF-8 as one reads it, in the layout of the English ones."""
    raw = (locales.FOLDER / language / name).read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert raw.decode("utf-8") == locales.as_json(read(language, name))


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_there(language, schemas, english):
    assert list(translation(language)) == list(english)  # the same order, too
    categories = locales.node_categories(schemas)["nodeCategories"]
    assert read(language, "main.json")["nodeCategories"].keys() == categories.keys()


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language, english):
    for key, text in translation(language).items():
        assert text.strip() and locales.MESSAGE_SYNTAX.isdisjoint(text), key
        if is_prose(key):
            assert text != english[key] and NATIVE[language].search(text), key
            assert language == "ja" or not KANA.search(text), key


@pytest.mark.parametrize("language", TRANSLATED)
def test_inputs_and_outputs_keep_their_names(language, english):
    """Help pages, error messages and workflows speak of them by these names."""
    for key, text in translation(language).items():
        if key.endswith(".name"):
            assert text == english[key], key


@pytest.mark.parametrize("language", TRANSLATED)
def test_numbers_files_and_names_are_kept(language, english):
    for key, text in translation(language).items():
        if is_prose(key):
            # of an example with message syntax, only what stands outside the braces
            source = re.sub(r"\{.*\}", "", english[key])
            assert kept(source) <= kept(text), key


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_choice_is_explained(language, schemas, english):
    said = translation(language)
    for key, options in options_of(schemas).items():
        for name in chosen(english[key], options):
            assert re.search(rf"(?<![\w-]){re.escape(name)}[:：]", said[key], re.ASCII), key


@pytest.mark.parametrize("language", TRANSLATED)
def test_nodes_are_called_by_their_titles(language, schemas, english):
    said = translation(language)
    titles = {
        s.display_name.split(" (")[0]: said[f"{s.node_id}.display_name"].split(" (")[0]
        for s in schemas
    }
    assert len(set(titles.values())) == len(titles)
    for key, text in english.items():
        for title in titles:
            if is_prose(key) and title in text:
                assert titles[title] in said[key], key


def test_what_is_kept():
    text = 'Above 0.5, "a b" of v3_sd15_mm.ckpt in models/loras. See frame_strengths: 4 to 32.'
    names = {'"a b"', "v3_sd15_mm.ckpt", "models/loras", "frame_strengths"}
    assert kept(text) == {"0.5", "4", "32", *names}
    assert chosen("hold: stay. overlap-flat: all", ["hold", "flat"]) == {"hold"}


def test_the_host_reads_them(tmp_path, monkeypatch):
    (tmp_path / "animatediff-native").symlink_to(REPO)
    paths = {"custom_nodes": ([str(tmp_path)], set())}
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", paths)
    manager = importlib.import_module("app.custom_node_manager").CustomNodeManager()
    found = manager.build_translations.__wrapped__(manager)  # the plain one: it is cached
    assert set(found) == {"en", *TRANSLATED}
    for language, texts in found.items():
        assert texts["nodeDefs"] == read(language, "nodeDefs.json")
        assert texts["nodeCategories"] == read(language, "main.json")["nodeCategories"]
