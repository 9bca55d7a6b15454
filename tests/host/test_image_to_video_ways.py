"""Ways from Image to Video: it reads the folders, and no weight."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import logging

import comfy.utils
import folder_paths
import pytest
from adn_testing import probes, tiny
from animatediff_native.nodes.clip_condition import ImageToVideoWays
from animatediff_native.nodes.folders import register_folders
from animatediff_native.nodes.node_messages import SHORT


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Empty model folders of the test's own."""
    register_folders()
    for name in ("animatediff_models", "controlnet", "checkpoints", "loras"):
        (tmp_path / name).mkdir()
        extensions = folder_paths.folder_names_and_paths[name][1]
        paths = ([str(tmp_path / name)], extensions)
        monkeypatch.setitem(folder_paths.folder_names_and_paths, name, paths)
        monkeypatch.delitem(folder_paths.filename_list_cache, name, raising=False)
    yield tmp_path
    folder_paths.filename_list_cache.clear()


def put(folders, folder, *names):
    """Files of which nothing can be read."""
    for name in names:
        path = folders / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\0")
    folder_paths.filename_list_cache.clear()


def test_it_says_what_the_folders_have(folders, monkeypatch, caplog):
    def load(*_, **__):
        raise AssertionError("a file was loaded")

    monkeypatch.setattr(comfy.utils, "load_torch_file", load)
    put(folders, "animatediff_models", "v3_sd15_mm.ckpt")
    put(folders, "controlnet", "sd15/v3_sd15_sparsectrl_rgb.ckpt")
    with caplog.at_level(logging.INFO, logger="animatediff_native"):
        (text,) = ImageToVideoWays.execute().args
    assert "1. SparseCtrl RGB with a v3 motion module: ready." in text
    assert "sparsectrl_rgb.ckpt) and Sparse Frames (at 0, -1)" in text
    assert "PIA: put pia.ckpt" in text
    (record,) = caplog.records
    assert getattr(record, SHORT) == text  # what the page shows on the node


def test_it_looks_again_at_every_run():
    """A run that the host takes from its cache says nothing on the node."""
    before, after = (ImageToVideoWays.fingerprint_inputs() for _ in range(2))
    assert (before,) != (after,)  # as keys of a cache, which take one object for itself


@pytest.mark.usefixtures("folders")
def test_a_connected_model_and_motion_module_are_judged():
    def said(**given):
        return ImageToVideoWays.execute(**given).args[0].splitlines()[0]

    assert "9 channels" in said(model=probes.trivial(in_channels=9))
    assert "4 channels" in said(model=probes.trivial())
    assert "The motion module is v2" in said(motion_module=tiny.motion_module("v2"))
    assert said(motion_module=tiny.motion_module("v3")) == said()


def test_the_schema_explains_itself():
    schema = ImageToVideoWays.GET_SCHEMA()
    assert schema.node_id == "ADN_ImageToVideoWays" and schema.is_output_node
    assert [one.id for one in schema.inputs] == ["model", "motion_module"]
    assert all(one.optional and one.tooltip for one in schema.inputs)
    assert [one.display_name for one in schema.outputs] == ["ways"] and schema.description
