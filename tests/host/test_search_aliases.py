"""Search words: they reach hosts that know them, and the others do not notice."""

from dataclasses import dataclass, field, fields

import pytest
from animatediff_native.nodes.search_aliases import FIELD, OF_ALL, WORDS, search_aliases
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
    given = search_aliases("ADN_FreeLong", schema=NewSchema)
    expected = [*WORDS[OF_ALL], *WORDS["ADN_FreeLong"]]
    assert NewSchema("x", **given).search_aliases == expected


def test_a_host_without_aliases_gets_nothing():
    assert search_aliases("ADN_FreeLong", schema=OldSchema) == {}


def test_every_node_has_words_of_its_own():
    nodes = [schema.node_id for schema in locales.schemas()]
    assert [OF_ALL, *nodes] == list(WORDS)
    for node_id in nodes:
        words = [*WORDS[OF_ALL], *WORDS[node_id]]
        assert WORDS[node_id] and len(set(words)) == len(words), node_id
        assert all(word == word.lower().strip() for word in words)


@pytest.mark.skipif(
    FIELD not in {known.name for known in fields(io.Schema)},
    reason="this ComfyUI's nodes have no search aliases (0.33.0's do)",
)
def test_the_server_tells_the_page():
    from animatediff_native.nodes.motion_module import LoadMotionModule

    info = LoadMotionModule.GET_NODE_INFO_V1()
    assert info[FIELD] == [*WORDS[OF_ALL], *WORDS["ADN_LoadMotionModule"]]
