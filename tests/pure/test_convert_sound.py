"""Every converted workflow holds together, whatever it is made of."""

import json
from typing import Any

import pytest
from adn_testing.ade import NAMES, SHAPES, read, shape
from adn_testing.ade_graphs import both_formats, mixed, with_all_options
from adn_testing.sound import faults, new_faults
from animatediff_native.convert import convert
from animatediff_native.convert.containers import unwrapped

OF_ANOTHER_PACK = "artventurex_nodes"


@pytest.mark.parametrize("name", NAMES)
def test_examples(name):
    assert new_faults(read(name), convert(read(name)).workflow) == set()


@pytest.mark.parametrize(
    "name", sorted(p.stem for p in SHAPES.glob("*.json") if p.stem != OF_ANOTHER_PACK)
)
def test_shapes(name):
    assert new_faults(unwrapped(shape(name)), convert(shape(name)).workflow) == set()


@pytest.mark.parametrize("kind", ["api", "ui"])
@pytest.mark.parametrize("make", [with_all_options, lambda: mixed(60)], ids=["options", "mixed"])
def test_made_graphs(make, kind):
    given = both_formats(make())[kind == "ui"]
    assert new_faults(given, convert(given).workflow) == set()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda page: page["links"].pop(), "has a link that is not there"),
        (lambda page: page["nodes"].append(dict(page["nodes"][0])), "two nodes are"),
        (lambda page: page["links"][0].__setitem__(3, 999), "its target is not there"),
        (lambda page: _our(page)["widgets_values"].pop(), "values for"),
        (lambda page: _our(page)["widgets_values"].__setitem__(0, None), "is None"),
        (lambda page: page["nodes"][0].update(pos=[float("nan"), 0]), "a browser cannot read it"),
        (lambda page: page.update(last_node_id=1), "a higher id than the last"),
        (
            lambda page: _our(page)["inputs"][0].update(type="LATENT"),
            "do not agree",
        ),
    ],
)
def test_what_does_not_hold_together_is_found(damage, said):
    page = json.loads(json.dumps(convert(read("gen1_ui")).workflow))
    assert faults(page) == set()
    damage(page)
    assert any(said in fault for fault in faults(page))


def _our(page: dict[str, Any]) -> dict[str, Any]:
    return next(node for node in page["nodes"] if node["type"] == "ADN_ApplyMotionModule")
