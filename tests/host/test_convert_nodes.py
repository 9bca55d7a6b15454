"""Converted workflows against the schemas of our nodes and of the host's, as a server checks them."""

import importlib

import pytest
from adn_testing.ade import NAMES, as_graph, is_page, read
from adn_testing.page import is_widget, widget_values
from animatediff_native.convert import convert
from animatediff_native.convert.our_nodes import OURS, SEEDS
from test_workflows import (
    ANY,
    assert_allowed,
    classes,  # noqa: F401  a fixture, which `known` builds on
    classes_of,
    specs_of,
)

MORE_HOST_NODES = (
    "comfy_extras.nodes_custom_sampler",
    "comfy_extras.nodes_model_advanced",
    "comfy_extras.nodes_primitive",
    "comfy_extras.nodes_string",
)
COMBO = "COMBO"


@pytest.fixture(scope="module")
def known(classes):  # noqa: F811
    """Every node that a converted workflow can use."""
    for name in MORE_HOST_NODES:
        classes |= classes_of(importlib.import_module(name))
    return classes


def kind_of(spec) -> str:
    return COMBO if isinstance(spec, list) else spec


@pytest.mark.parametrize("node_type", OURS)
def test_the_table_is_what_the_nodes_are(node_type, known):
    """Order, types, defaults and outputs of what the conversion writes."""
    node_class, ours = known[node_type], OURS[node_type]
    widgets, sockets = [], []
    optional = specs_of(node_class, "optional")
    for name, (kind, settings) in specs_of(node_class).items():
        if is_widget(kind) and not settings.get("forceInput"):
            widgets.append((name, kind_of(kind)))
            if name in SEEDS:
                assert settings["control_after_generate"]
        else:
            sockets.append((name, kind, name in optional))
    assert sockets == list(ours.sockets)
    assert widgets == [(name, kind) for name, kind, _ in ours.widgets]
    assert [kind for _, kind in ours.outputs] == list(node_class.RETURN_TYPES)
    names = getattr(node_class, "RETURN_NAMES", None) or node_class.RETURN_TYPES
    assert [name for name, _ in ours.outputs] == list(names)
    for name, _, default in ours.widgets:
        settings = specs_of(node_class)[name][1]
        if "default" in settings and default != "":
            assert settings["default"] == default, name


@pytest.mark.parametrize("name", NAMES)
def test_the_server_accepts_every_node_that_it_knows(name, known):
    graph = as_graph(convert(read(name)).workflow)
    ours = [node for node in graph.values() if node["type"] in OURS]
    checked = ours if is_page(read(name)) else [n for n in graph.values() if n["type"] in known]
    assert checked
    for node in checked:
        specs = specs_of(known[node["type"]])
        assert node["inputs"].keys() <= specs.keys(), node["type"]
        assert specs_of(known[node["type"]], "required").keys() <= node["inputs"].keys()
        for key, value in node["inputs"].items():
            where = f"{node['type']}.{key}"
            if isinstance(value, tuple):
                assert_fits(graph, value, kind_of(specs[key][0]), known, where)
            else:
                assert_allowed(value, *specs[key], where=where)


def assert_fits(graph, link, kind, known, where) -> None:
    """The type of a link, where its origin is a node that the server knows."""
    origin = graph[link[0]]
    if origin["type"] in known:
        assert kind in (known[origin["type"]].RETURN_TYPES[link[1]], ANY), where


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("_ui")])
def test_the_page_reads_the_values_of_our_nodes(name, known):
    """By position, all of them, as it does with the workflows that we ship."""
    page = convert(read(name)).workflow
    ours = [node for node in page["nodes"] if node["type"] in OURS]
    assert ours or name == "injected_i2v_ui"
    for node in ours:
        named = widget_values(node, known[node["type"]].INPUT_TYPES())
        assert named.keys() == {name for name, *_ in OURS[node["type"]].widgets}
        assert node["properties"]["Node name for S&R"] == node["type"]


def test_free_noise_and_windows_are_of_one_plan(known):
    """The schedules, fuses and noise orders that the conversion writes are choices of the nodes."""
    contexts = importlib.import_module("animatediff_native.convert.contexts")
    windows = specs_of(known["ADN_ContextWindows"])
    options = {key: windows[key][1].get("options", windows[key][0]) for key in ("schedule", "fuse")}
    theirs = {*contexts.SCHEDULES.values(), contexts.OPEN}
    assert theirs == {*options["schedule"]} - {"uniform"}
    assert set(contexts.FUSES) == set(options["fuse"])
    assert windows["context_stride"][1]["max"] == contexts.MOST_STRIDE
    assert windows["context_length"][1]["min"] == contexts.SHORTEST


def test_strengths_are_those_of_the_nodes(known):
    strongest = importlib.import_module("animatediff_native.convert.options").STRONGEST
    for node_type in ("ADN_ApplyMotionModule", "ADN_LoadMotionLora"):
        assert specs_of(known[node_type])["strength"][1]["max"] == strongest
