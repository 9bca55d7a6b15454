"""Trajectory Control: schema, what it gives out, files and messages."""

# The host is typed loosely.
# pyright: reportAttributeAccessIssue=false, reportIndexIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportOptionalSubscript=false
# pyright: reportGeneralTypeIssues=false

import folder_paths
import numpy as np
import pytest
import torch
from adn_testing import camera_files, motion_files, tiny, tora_files
from animatediff_native.conditions.camera_poses import along
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.camera import CameraControl
from animatediff_native.nodes.motion_module import LoadMotionModule
from animatediff_native.nodes.trajectory_control import TrajectoryControl
from animatediff_native.trajectories.trajectory import Trajectory

PATH = Trajectory(
    np.linspace((0.2, 0.5), (0.8, 0.5), 8)[:, None],
    np.ones((8, 1), bool),
    np.full((1, 2), 0.3),
    64,
    64,
)


@pytest.fixture
def models(tmp_path, monkeypatch):
    named = dict(folder_paths.folder_names_and_paths)
    named["animatediff_models"] = ([str(tmp_path)], folder_paths.supported_pt_extensions)
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", named)
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})
    return tmp_path


def test_the_schema(models):
    schema = TrajectoryControl.define_schema()
    names = ["motion_module", "trajectory_control", "trajectory", "strength", "frame_strengths"]
    assert [each.id for each in schema.inputs] == names
    assert [each.id for each in schema.inputs if each.optional] == ["frame_strengths"]
    assert all(each.tooltip for each in (*schema.inputs, *schema.outputs))


def test_a_file_is_loaded_for_a_motion_module(models):
    torch.save(tora_files.tensors(), models / "tora.ckpt")
    module = tiny.motion_module("v3")
    made = TrajectoryControl.execute(module, "tora.ckpt", PATH, 0.5, [1.0] * 8)
    (effect,) = made.result[0].effects
    assert effect.amount == 0.5 and effect.trajectory is PATH
    assert effect.said == "1 path to follow (Tora)"
    assert TrajectoryControl.execute(module, "tora.ckpt", PATH, 0.0).result[0] is module
    before = TrajectoryControl.fingerprint_inputs("tora.ckpt")
    torch.save(tora_files.tensors("cross"), models / "tora.ckpt")
    assert TrajectoryControl.fingerprint_inputs("tora.ckpt", strength=1.0) != before


def test_each_file_in_the_others_node(models):
    torch.save(tora_files.tensors(), models / "tora.ckpt")
    torch.save(motion_files.original("v3"), models / "motion.ckpt")
    torch.save(camera_files.flat(), models / "camera.ckpt")
    with pytest.raises(AnimateDiffError, match=r"'tora\.ckpt' is a trajectory control") as caught:
        LoadMotionModule.execute("tora.ckpt")
    assert "choose it in Trajectory Control" in caught.value.remedy
    assert "is the right folder" in caught.value.remedy
    with pytest.raises(AnimateDiffError, match=r"is a trajectory control file"):
        CameraControl.execute(tiny.motion_module("v3"), "tora.ckpt", along("still", 8), 1.0)
    for file, node in (("motion.ckpt", "Load Motion Module"), ("camera.ckpt", "Camera Control")):
        with pytest.raises(AnimateDiffError, match=file) as caught:
            TrajectoryControl.execute(tiny.motion_module("v3"), file, PATH, 1.0)
        assert f"choose it in {node}" in caught.value.remedy


def test_a_file_that_is_not_there(models):
    with pytest.raises(AnimateDiffError, match="not in models/animatediff_models"):
        TrajectoryControl.execute(tiny.motion_module("v3"), "gone.safetensors", PATH, 1.0)
