"""Search words: they reach hosts that know them, and the others do not notice."""

from dataclasses import dataclass, field, fields

import pytest
from animatediff_native.nodes.search_aliases import FIELD, OF_ALL, search_aliases
from comfy_api.latest import io

from tools import locales


@dataclass
class OldSchema:
    node_id: str


@dataclass
class NewSchema:
    node_id: str
    search_aliases: list[str] = field(default_factory=list)


def test_a_host_with_aliases_gets_them():
    given = search_aliases("motion model", schema=NewSchema)
    assert NewSchema("x", **given).search_aliases == [*OF_ALL, "motion model"]


def test_a_host_without_aliases_gets_nothing():
    assert search_aliases("motion model", schema=OldSchema) == {}


@pytest.fixture(scope="module")
def aliases():
    """By node id, as this host's schemas have them."""
    if FIELD not in {known.name for known in fields(io.Schema)}:
        pytest.skip("this ComfyUI's nodes have no search aliases (0.33.0's do)")
    return {schema.node_id: getattr(schema, FIELD) for schema in locales.schemas()}


def test_every_node_has_words_of_its_own(aliases):
    for node_id, words in aliases.items():
        assert set(OF_ALL) < set(words), node_id
        assert len(set(words)) == len(words)
        assert all(word == word.lower().strip() for word in words)


def test_the_server_tells_the_page(aliases):
    from animatediff_native.nodes.motion_module import LoadMotionModule

    info = LoadMotionModule.GET_NODE_INFO_V1()
    assert info[FIELD] == aliases["ADN_LoadMotionModule"]
