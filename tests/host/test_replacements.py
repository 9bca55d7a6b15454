"""Node replacements: registered where the host knows them, and nothing elsewhere."""

import asyncio
import importlib
import sys
import types

import comfy_api.latest as host
import pytest
from animatediff_native.convert.their_nodes import LAYOUTS
from animatediff_native.nodes import replacements

KNOWN = hasattr(host.io, "NodeReplace")
needs_replacements = pytest.mark.skipif(not KNOWN, reason="this host has no node replacements")


@pytest.fixture
def manager(monkeypatch):
    """The host's manager, in a server that is not running; only our nodes are installed."""
    found = importlib.import_module("app.node_replace_manager").NodeReplaceManager()
    server = types.SimpleNamespace(node_replace_manager=found)
    fake = types.SimpleNamespace(PromptServer=types.SimpleNamespace(instance=server))
    monkeypatch.setitem(sys.modules, "server", fake)
    installed = dict.fromkeys(("ADN_LoadMotionModule", "EmptyLatentImage", "KSampler"))
    nodes = importlib.import_module("nodes")
    monkeypatch.setattr(nodes, "NODE_CLASS_MAPPINGS", installed)
    return found


def prompt() -> dict:
    return {
        "1": {
            "class_type": "ADE_LoadAnimateDiffModel",
            "inputs": {"model_name": "mm_sd_v15_v2.ckpt"},
            "_meta": {"title": "Load"},
        },
        "2": {
            "class_type": "ADE_EmptyLatentImageLarge",
            "inputs": {"width": 512, "height": 384, "batch_size": 32},
            "_meta": {"title": "Latent"},
        },
        "3": {"class_type": "KSampler", "inputs": {"latent_image": ["2", 0]}, "_meta": {}},
    }


@pytest.mark.skipif(KNOWN, reason="this host has node replacements")
def test_other_hosts_are_left_alone():
    assert asyncio.run(replacements.register_replacements()) is None


@needs_replacements
def test_without_a_server_nothing_is_registered():
    assert asyncio.run(replacements.register_replacements()) is None


def test_the_tables_are_one():
    """The order of saved values is that of the conversion's newest layout."""
    for replacement in replacements.REPLACEMENTS:
        (newest, *_) = LAYOUTS[replacement["old_node_id"]]
        assert replacement["old_widget_ids"] == [name for name, _ in newest]
        old = [mapping["old_id"] for mapping in replacement["input_mapping"]]
        assert old == replacement["old_widget_ids"]  # the host stops at any input that is missing


@needs_replacements
def test_the_host_replaces_nodes_that_are_not_installed(manager):
    asyncio.run(replacements.register_replacements())
    asyncio.run(replacements.register_replacements())  # reloaded: nothing twice
    assert all(len(entries) == 1 for entries in manager.as_dict().values())
    given = prompt()
    manager.apply_replacements(given)
    assert given["1"]["class_type"] == "ADN_LoadMotionModule"
    assert given["1"]["inputs"] == {"motion_module": "mm_sd_v15_v2.ckpt"}
    assert given["2"]["class_type"] == "EmptyLatentImage"
    assert given["2"]["inputs"] == prompt()["2"]["inputs"]
    assert given["3"] == prompt()["3"]


@needs_replacements
def test_where_the_incumbent_is_installed_its_nodes_stay(manager, monkeypatch):
    asyncio.run(replacements.register_replacements())
    nodes = importlib.import_module("nodes")
    for replacement in replacements.REPLACEMENTS:
        monkeypatch.setitem(nodes.NODE_CLASS_MAPPINGS, replacement["old_node_id"], None)
    given = prompt()
    manager.apply_replacements(given)
    assert given == prompt()
