"""The three nodes of the camera: schemas, what they give out, files and messages."""

# The host is typed loosely.
# pyright: reportAttributeAccessIssue=false, reportIndexIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportOptionalMemberAccess=false
# pyright: reportOptionalSubscript=false, reportGeneralTypeIssues=false

import logging

import folder_paths
import numpy as np
import pytest
import torch
from adn_testing import camera_files, motion_files, tiny
from animatediff_native.conditions.camera_plot import places, plot_path, turns
from animatediff_native.conditions.camera_poses import MOVES, along
from animatediff_native.conditions.camera_text import read_poses
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.camera import CameraControl, CameraPathNode, CameraPoses
from animatediff_native.nodes.motion_module import LoadMotionModule

INPUTS = {
    CameraPathNode: [
        "move", "speed", "frames", "latent", "first_frame", "total_frames", "previous", "join",
        "speed_by_frame", "focal_x", "focal_y",
    ],
    CameraPoses: ["text", "frames", "latent", "first_frame", "total_frames"],
    CameraControl: [
        "motion_module", "camera_control", "camera_path", "strength", "frame_strengths", "width",
        "height",
    ],
}  # fmt: skip


@pytest.fixture
def models(tmp_path, monkeypatch):
    named = dict(folder_paths.folder_names_and_paths)
    named["animatediff_models"] = ([str(tmp_path)], folder_paths.supported_pt_extensions)
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", named)
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})
    return tmp_path


@pytest.mark.parametrize("node", INPUTS)
def test_schemas(node, models):
    schema = node.define_schema()
    assert [each.id for each in schema.inputs] == INPUTS[node]
    assert all(each.tooltip for each in (*schema.inputs, *schema.outputs))
    required = {each.id for each in schema.inputs if not each.optional}
    assert required <= {
        "move", "speed", "text", "motion_module", "camera_control", "camera_path", "strength",
    }  # fmt: skip


def path_of(*args, **options):
    return CameraPathNode.execute(*args, **options).result[0]


@pytest.mark.parametrize("move", MOVES)
def test_a_path_its_text_and_its_picture(move):
    out = CameraPathNode.execute(move, 1.0, 16)
    path, text = out.result
    assert np.array_equal(path.w2c, along(move, 16).w2c)
    assert np.allclose(read_poses(text).w2c, path.w2c, atol=1e-9)
    assert out.ui is not None
    picture = plot_path(path)
    assert picture.shape[0] == (2 if "orbit" in move else 1) and picture.shape[3] == 3


def test_the_length_of_a_latent_and_a_part_of_a_longer_clip():
    latent = {"samples": torch.zeros(5, 4, 8, 8)}
    assert len(path_of("pan left", 1.0, 16, latent=latent)) == 5
    whole = along("pan left", 20, 2.0)
    part = path_of("pan left", 2.0, 8, first_frame=6, total_frames=20)
    assert np.array_equal(part.w2c, whole.w2c[6:14])
    with pytest.raises(AnimateDiffError, match="neither frames nor latent"):
        path_of("pan left", 1.0)


def test_a_chain_and_speeds():
    first = path_of("tilt left", 1.0, 16)
    after = path_of("zoom in", 1.0, 8, previous=first, join="afterwards", focal_x=0.6)
    assert len(after) == 24 and after.intrinsics[-1, 0] == 0.6
    both = path_of("zoom in", 1.0, 16, previous=first)
    assert len(both) == 16
    slow = path_of("pan left", 1.0, 4, speed_by_frame=[0.5] * 4)
    assert np.array_equal(slow.w2c, along("pan left", 4, 0.5).w2c)
    with pytest.raises(AnimateDiffError, match=r"speed_by_frame has 3 values .* 4 frames"):
        path_of("pan left", 1.0, 4, speed_by_frame=[0.5] * 3)
    with pytest.raises(AnimateDiffError, match=r"^speed_by_frame holds 'x'"):
        path_of("pan left", 1.0, 4, speed_by_frame=["x"])


def test_poses_out_of_text(caplog):
    text = CameraPathNode.execute("pan left", 1.0, 10).result[1]
    with caplog.at_level(logging.WARNING):
        path = CameraPoses.execute(text, 6).result[0]
        assert not caplog.records
        part = CameraPoses.execute(text, 4, first_frame=8).result[0]
    assert len(path) == 6
    assert "10 poses for a clip of 12 frames" in caplog.text
    assert np.allclose(part.w2c, along("pan left", 10).w2c[[8, 9, 9, 9]])


def test_what_the_picture_shows():
    """Right, up, ahead; right, up, clockwise."""
    ends = {
        "pan right": ((1.5, 0, 0), (0, 0, 0)),
        "pan up": ((0, 1.5, 0), (0, 0, 0)),
        "zoom in": ((0, 0, 3), (0, 0, 0)),
        "tilt right": ((0, 0, 0), (60, 0, 0)),
        "tilt up": ((0, 0, 0), (0, 60, 0)),
        "roll clockwise": ((0, 0, 0), (0, 0, 60)),
    }
    for move, (where, how) in ends.items():
        path = along(move, 17)
        assert np.allclose(places(path)[-1], where) and np.allclose(turns(path)[-1], how)
    assert turns(along("roll clockwise", 33, 4.0))[-1, 2] == pytest.approx(480)


def test_a_camera_is_loaded_for_a_motion_module(models):
    torch.save(camera_files.of_two(camera_files.flat()), models / "CameraCtrl.ckpt")
    module, path = tiny.motion_module("v3"), along("pan left", 8)
    made = CameraControl.execute(module, "CameraCtrl.ckpt", path, 0.5, [1.0] * 8, 640)
    (effect,) = made.result[0].effects
    assert effect.amount == 0.5 and (effect.path.width, effect.path.height) == (640, 720)
    assert effect.said == "camera path of 8 poses"
    assert CameraControl.execute(module, "CameraCtrl.ckpt", path, 0.0).result[0] is module
    before = CameraControl.fingerprint_inputs("CameraCtrl.ckpt")
    torch.save(camera_files.of_two(camera_files.flat(1)), models / "CameraCtrl.ckpt")
    assert CameraControl.fingerprint_inputs("CameraCtrl.ckpt", strength=1.0) != before


def test_each_of_the_two_files_in_the_others_node(models):
    torch.save(camera_files.flat(), models / "camera.ckpt")
    torch.save(camera_files.of_two(camera_files.flat()), models / "two.ckpt")
    torch.save(motion_files.original("v3"), models / "motion.ckpt")
    for file in ("camera.ckpt", "two.ckpt"):
        with pytest.raises(AnimateDiffError, match=rf"'{file}' is a CameraCtrl file") as caught:
            LoadMotionModule.execute(file)
        assert "choose it in Camera Control" in caught.value.remedy
        assert "is the right folder" in caught.value.remedy
    with pytest.raises(AnimateDiffError, match=r"'motion\.ckpt' is a motion module") as caught:
        CameraControl.execute(tiny.motion_module("v3"), "motion.ckpt", along("still", 8), 1.0)
    assert "choose it in Load Motion Module" in caught.value.remedy
    assert "CameraCtrl file" in caught.value.expected


def test_a_file_that_is_not_there(models):
    with pytest.raises(AnimateDiffError, match="not in models/animatediff_models") as caught:
        CameraControl.execute(
            tiny.motion_module("v3"), "CameraCtrl_pruned.safetensors", along("still", 8), 1.0
        )
    assert "huggingface.co/Kosinkadink/CameraCtrl" in caught.value.remedy
