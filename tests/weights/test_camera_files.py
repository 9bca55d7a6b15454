"""CameraCtrl's files: both forms, the real keys and shapes, and files that are not whole."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

import pytest
import torch
from adn_testing import camera_files, motion_files
from animatediff_native.conditions.camera_encoder import (
    CameraNetwork,
    expected_shapes,
    first_weights,
)
from animatediff_native.conditions.camera_files import (
    camera_patcher,
    load_camera_control,
    read_camera_control,
    structure,
)
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.recognise import CAMERA_CTRL, kind_of

REAL = (320, 640, 1280, 1280)
MERGE = "up_blocks.2.motion_modules.1.temporal_transformer.transformer_blocks.0.attention_blocks.0.processor.qkv_merge"


def test_the_real_keys_and_shapes():
    expected = expected_shapes(REAL, 16)
    assert expected == camera_files.shapes(REAL, 16)
    assert sum(".qkv_merge.weight" in key for key in expected) == 20
    # level 3 is as wide as level 2: it has no in_conv
    assert [k for k in expected if "in_conv.w" in k and "down" in k] == [
        f"encoder_down_conv_blocks.{level}.0.in_conv.weight" for level in (1, 2)
    ]
    meta = {key: torch.empty(shape, device="meta") for key, shape in expected.items()}
    assert structure(meta) == (list(REAL), 16)


FORMS = {
    "flat": lambda t: t,
    "of two": camera_files.of_two,
    "of two, of a training": lambda t: {
        name: {f"module.{key}": v for key, v in each.items()} if isinstance(each, dict) else each
        for name, each in camera_files.of_two(t).items()
    } | {"optimizer_state_dict": {"state": {0: {"exp_avg": torch.zeros(3)}}}},
    "beside a motion module": lambda t: {**motion_files.original("v3"), **t},
    "half precision": lambda t: {key: v.half() for key, v in t.items()},
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_published_forms(form, tmp_path):
    tensors = camera_files.flat()
    torch.save(FORMS[form](tensors), tmp_path / "CameraCtrl.ckpt")
    network = load_camera_control(tmp_path / "CameraCtrl.ckpt").model
    assert network.widths == (32, 64, 128, 128) and network.rows == 16
    again = network.as_in_files()
    assert again.keys() == tensors.keys()
    for key, tensor in tensors.items():
        assert torch.allclose(again[key].float(), tensor, atol=2e-3 if form[0] == "h" else 0)
    assert kind_of(tensors) is CAMERA_CTRL


def test_what_is_saved_is_read_again():
    made = first_weights((32, 64, 128, 128), rows=8, seed=3)
    assert all(not tensor.any() for key, tensor in made.items() if "qkv_merge" in key)
    network = camera_patcher(read_camera_control(made, "mine.safetensors"), torch.float32).model
    assert isinstance(network, CameraNetwork) and network.rows == 8
    assert all(torch.equal(tensor, made[key]) for key, tensor in network.as_in_files().items())


def without(part):
    return {key: t for key, t in camera_files.flat().items() if part not in key}


def changed(part, change):
    return {key: change(t) if part in key else t for key, t in camera_files.flat().items()}


ATTENTION = "encoder_down_attention_blocks.2.1.attention_blocks.0.to_v"
BROKEN = {
    "a tensor missing": (without(ATTENTION), f"it lacks 1 tensor: {ATTENTION}.weight"),
    "no merges": (without("qkv_merge"), "it lacks 40 tensors: down_blocks.0"),
    "no encoder": (without("encoder_"), "it lacks the levels of the pose encoder"),
    "a level missing": (without("encoder_down_conv_blocks.1."), "lacks the levels"),
    "no table": (without("encoder_down_attention_blocks.0.0.attention_blocks.0.pos"), "no table"),
    "a table of one row": (changed(".pe", lambda t: t[:, :1]), "positions has 1 row"),
    "tables of two lengths": (changed("blocks.3.1.attention_blocks.0.pos", lambda t: t[:, :8]), "wrong shape"),
    "a wrong shape": (changed(MERGE, lambda t: t[:-1]), r"2 tensors of the wrong shape: up_blocks.2.motion_modules.1"),
    "other rays": (changed("encoder_conv_in.weight", lambda t: t[:, :64]), r"is \[32, 64, 3, 3\], not \[32, 384, 3, 3\]"),
    "another tensor": ({**camera_files.flat(), f"{ATTENTION}.bias": torch.zeros(3)}, f"1 tensor of no known kind: {ATTENTION}.bias"),
    "NaN": (changed(MERGE, lambda t: t * float("nan")), "NaN"),
    "infinity": (changed(ATTENTION, lambda t: t / 0), "NaN or infinite"),
    "integers": (changed(ATTENTION, lambda t: t.int()), "other than plain weights"),
    "no channels": (changed("encoder_down_conv_blocks", lambda t: t[:0]), "have 0, 0, 0, 0 channels"),
    "odd channels": (changed("encoder_down_conv_blocks", lambda t: t[:30]), "have 30, 30, 30, 30 channels"),
    "half of the two": ({"pose_encoder_state_dict": camera_files.of_two(camera_files.flat())["pose_encoder_state_dict"]}, "lacks 40 tensors"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_files_that_are_not_whole(name):
    tensors, said = BROKEN[name]
    with pytest.raises(AnimateDiffError, match=said) as caught:
        read_camera_control(tensors, "camera.ckpt")
    assert "camera.ckpt" in caught.value.given and caught.value.remedy


OTHERS = {
    "a motion module": (motion_files.original("v3"), "Load Motion Module"),
    "a whole checkpoint": ({"model.diffusion_model.x": torch.zeros(4)}, "Load Checkpoint"),
    "a ControlNet": ({"control_model.x": torch.zeros(4)}, "Load ControlNet Model"),
    "something else": ({"foo": torch.zeros(4)}, "CameraCtrl_pruned.safetensors"),
    "no tensors": ({"a": 1}, "download"),
    "no mapping": ([1, 2], "download"),
    "two dicts of nothing": (
        {"pose_encoder_state_dict": {}, "attention_processor_state_dict": {}}, "download",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_files_of_another_kind(name):
    tensors, remedy = OTHERS[name]
    with pytest.raises(AnimateDiffError) as caught:
        read_camera_control(tensors, "file.ckpt")
    assert remedy in caught.value.remedy and "file.ckpt" in caught.value.given
    assert "a CameraCtrl file" in caught.value.expected
