"""Which way from image to video fits a user's files: recognised without a weight, and ranked."""

import json
import re
from pathlib import Path

import pytest
from animatediff_native.conditions import image_files, ways
from animatediff_native.conditions.image_files import (
    ADAPTER,
    CAMERA,
    CHECKPOINT,
    I2V,
    INPAINTING,
    MODULE,
    PIA,
    SPARSE_RGB,
    SPARSE_SCRIBBLE,
    V3,
    header_lines,
    kind_of,
)
from animatediff_native.conditions.ways import Given, ways_text
from animatediff_native.motion.known_files import CHECKPOINTS, CONTROLNETS, LORAS, MODULES

BLOCK = "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0"
PE = f"{BLOCK}.attention_blocks.0.pos_encoder.pe"
MID = BLOCK.replace("down_blocks.0", "mid_block")
UNET = "model.diffusion_model"
ATTENTION = f"{UNET}.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
FIRST = f"{UNET}.input_blocks.0.0.weight"

# keys and shapes as the published files have them
HEADERS = {
    "rgb": (CONTROLNETS, SPARSE_RGB, {"controlnet_cond_embedding.weight": [320, 5, 3, 3], PE: [1, 32, 320]}),
    "scribble": (CONTROLNETS, SPARSE_SCRIBBLE,
                 {"module.controlnet_cond_embedding.conv_in.weight": [16, 4, 3, 3], PE: [1, 32, 320]}),
    "pia": (MODULES, PIA, {"conv_in.weight": [320, 9, 3, 3], PE: [1, 32, 320]}),
    "i2v": (MODULES, I2V, {"img_encoder.conv_in.weight": [320, 4, 3, 3], PE: [1, 32, 320]}),
    "camera": (MODULES, CAMERA, {f"{BLOCK}.attention_blocks.0.processor.qkv_merge.weight": [320, 640]}),
    "v3": (MODULES, V3, {f"module.{PE}": [1, 32, 320]}),
    "v2": (MODULES, MODULE, {PE: [1, 32, 320], f"{MID}.attention_blocks.0.to_q.weight": [1280, 1280]}),
    "v1": (MODULES, MODULE, {PE: [1, 24, 320]}),
    "sd15": (CHECKPOINTS, CHECKPOINT, {FIRST: [320, 4, 3, 3], ATTENTION: [320, 768]}),
    "inpainting": (CHECKPOINTS, INPAINTING, {FIRST: [320, 9, 3, 3], ATTENTION: [320, 768]}),
    "sdxl": (CHECKPOINTS, None, {FIRST: [320, 9, 3, 3], ATTENTION.replace("1.1", "4.1"): [640, 2048]}),
    "depth": (CONTROLNETS, None, {"control_model.zero_convs.0.0.weight": [320, 320, 1, 1]}),
}  # fmt: skip


def safetensors(folder: Path, name: str, shapes: dict[str, list[int]]) -> Path:
    """A header without the tensors that it tells of."""
    header = {key: {"dtype": "F16", "shape": shape, "data_offsets": [0, 0]} for key, shape in shapes.items()}
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path = folder / f"{name}.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    return path


@pytest.mark.parametrize("name", HEADERS)
def test_a_file_is_known_by_its_header_whatever_its_name(tmp_path, name):
    folder, kind, shapes = HEADERS[name]
    path = safetensors(tmp_path, "model", shapes)
    assert kind_of(folder, "model.safetensors", path) is kind
    misleading = safetensors(tmp_path, "pia_inpainting_v3_mm", shapes)
    assert kind_of(folder, misleading.name, misleading) is kind


@pytest.mark.parametrize(
    ("folder", "name", "kind"),
    [
        (CONTROLNETS, "v3_sd15_sparsectrl_rgb.ckpt", SPARSE_RGB),
        (CONTROLNETS, "sd15\\v3_sd15_sparsectrl_scribble.ckpt", SPARSE_SCRIBBLE),
        (CONTROLNETS, "control_v11p_sd15_inpaint.pth", None),
        (CONTROLNETS, "control_v11f1p_sd15_depth.pth", None),
        (MODULES, "pia.ckpt", PIA),
        (MODULES, "utopia_mm.ckpt", MODULE),
        (MODULES, "AnimateLCM_sd15_i2v.ckpt", I2V),
        (MODULES, "AnimateLCM_sd15_t2v.ckpt", MODULE),
        (MODULES, "CameraCtrl.ckpt", CAMERA),
        (MODULES, "v3_sd15_mm.ckpt", V3),
        (MODULES, "mm_sd_v15_v2.ckpt", MODULE),
        (MODULES, "v3_sd15_sparsectrl_rgb.ckpt", SPARSE_RGB),
        (MODULES, "mm_sdxl_v10_beta.ckpt", None),
        (CHECKPOINTS, "sd-v1-5-inpainting.ckpt", INPAINTING),
        (CHECKPOINTS, "v1-5-pruned.ckpt", CHECKPOINT),
        (CHECKPOINTS, "sdxl_inpainting.ckpt", None),
        (LORAS, "v3_sd15_adapter.ckpt", ADAPTER),
        (LORAS, "AnimateLCM_sd15_i2v_lora.safetensors", None),
        (LORAS, "pia_style.safetensors", None),
    ],
)
def test_a_pickle_and_a_lora_are_known_by_name(folder, name, kind):
    assert kind_of(folder, name, Path("/nowhere") / name) is kind


@pytest.mark.parametrize(
    "content",
    [b"", b"\x08", b"\xff" * 40, (9).to_bytes(8, "little") + b"not json", b"\x02" + b"\0" * 7 + b"[]",
     (13).to_bytes(8, "little") + b'{"a":{"b":1}}', (1 << 40).to_bytes(8, "little") + b"{}"],
)  # fmt: skip
def test_a_broken_header_is_no_header(tmp_path, content):
    path = tmp_path / "v3_mm.safetensors"
    path.write_bytes(content)
    assert header_lines(path) in (None, "")


ALL = {
    CONTROLNETS: ["v3_sd15_sparsectrl_rgb.ckpt", "v3_sd15_sparsectrl_scribble.ckpt"],
    MODULES: ["pia.ckpt", "AnimateLCM_sd15_i2v.ckpt", "v3_sd15_mm.ckpt", "CameraCtrl.ckpt"],
    CHECKPOINTS: ["v1-5-pruned.ckpt", "sd-v1-5-inpainting.ckpt"],
    LORAS: ["v3_sd15_adapter.ckpt"],
}


def files(names, without=()):
    return {
        folder: [(name, Path(name)) for name in of_folder if name not in without]
        for folder, of_folder in names.items()
    }


def ranked(text: str, wish: str) -> list[str]:
    """The ways of a wish, as `title: what is to do`."""
    (part,) = (part for part in text.split("\n\n") if part.startswith(wish))
    return re.findall(r"^\d\. (.+)$", part, re.MULTILINE)


def test_with_all_files_the_order_is_that_of_the_rule():
    text = ways_text(files(ALL))
    assert ranked(text, "One picture") == [
        "PIA: ready.",
        "AnimateLCM-I2V: ready.",
        "SparseCtrl RGB with a v3 motion module: ready.",
        "a checkpoint for inpainting: ready.",
        "noise masks, with any checkpoint: ready.",
    ]
    for wish in ("From a first to a last frame", "Chosen frames"):
        assert [way.split(":")[0] for way in ranked(text, wish)] == [
            "SparseCtrl RGB with a v3 motion module",
            "a checkpoint for inpainting",
            "noise masks, with any checkpoint",
        ]
    assert ranked(text, "Part of a picture or video") == [
        "a checkpoint for inpainting: ready.",
        "noise masks, with any checkpoint: ready.",
    ]
    assert "Clip Condition (cinemagraph, inpaint or outpaint) > InpaintModelConditioning" in text
    assert "Load Motion Module (pia.ckpt) > PIA Image > Apply Motion Module" in text
    assert "Load SparseCtrl (v3_sd15_sparsectrl_rgb.ckpt) and Sparse Frames (at 0, -1)" in text
    assert "Clip Condition (first and last) > InpaintModelConditioning (noise_mask off)" in text
    assert "Load Domain Adapter (v3_sd15_adapter.ckpt)" in text
    assert "put " not in text and "move it" not in text


def test_ways_that_lack_a_file_come_last_with_its_address():
    text = ways_text(files(ALL, without=("v3_sd15_sparsectrl_rgb.ckpt", "pia.ckpt")))
    first, *_, fourth, fifth = ranked(text, "One picture")
    assert first == "AnimateLCM-I2V: ready."
    assert fourth.startswith("PIA: put pia.ckpt") and fourth.endswith("into models/animatediff_models.")
    assert fifth.startswith("SparseCtrl RGB with a v3 motion module: put v3_sd15_sparsectrl_rgb.ckpt")
    assert [way.split(":")[0] for way in ranked(text, "Chosen frames")] == [
        "a checkpoint for inpainting",
        "noise masks, with any checkpoint",
        "SparseCtrl RGB with a v3 motion module",
    ]
    text = ways_text(files(ALL, without=("v3_sd15_mm.ckpt",)))
    assert "put v3_sd15_mm.ckpt (from https://huggingface.co/guoyww/animatediff)" in text


def test_without_any_file_each_way_says_what_it_takes():
    text = ways_text({})
    assert "ready" not in text
    for kind in image_files.KINDS:
        assert kind is ADAPTER or kind.example in text


def test_a_connected_model_counts():
    text = ways_text(files(ALL, without=("sd-v1-5-inpainting.ckpt",)), Given(inpaints=True))
    assert text.startswith("The model is one for inpainting: it takes a mask and a masked image (9 ")
    assert "a checkpoint for inpainting: ready." in ranked(text, "One picture")
    assert "PIA: take a checkpoint that is none for inpainting." in ranked(text, "One picture")
    text = ways_text(files(ALL), Given(inpaints=False))
    assert text.startswith("The model is none for inpainting (4 channels)")
    assert ranked(text, "Chosen frames")[-1] == (
        "a checkpoint for inpainting: take sd-v1-5-inpainting.ckpt in place of the connected model."
    )


def test_a_connected_motion_module_counts():
    without = files(ALL, without=("v3_sd15_mm.ckpt",))
    assert "SparseCtrl RGB with a v3 motion module: ready." in ranked(
        ways_text(without, Given(version="v3")), "Chosen frames"
    )
    text = ways_text(without, Given(version="v2"))
    assert text.startswith("The motion module is v2; SparseCtrl and CameraCtrl were trained with v3.")
    assert "noise masks, with any checkpoint: ready." in ranked(text, "Chosen frames")


def test_a_file_in_a_wrong_folder_is_no_file_and_is_told():
    text = ways_text(files({**ALL, CONTROLNETS: [], MODULES: [*ALL[MODULES], "v3_sd15_sparsectrl_rgb.ckpt"]}))
    assert (
        "v3_sd15_sparsectrl_rgb.ckpt (SparseCtrl RGB) is in models/animatediff_models: move it to "
        "models/controlnet."
    ) in text
    assert ranked(text, "Chosen frames")[-1].startswith("SparseCtrl RGB with a v3 motion module: put")


def test_every_file_has_its_place_in_the_text():
    """As many {} as files, or one of them would be named in another's place."""
    for of_wish in ways.WISHES.values():
        for way in of_wish:
            assert way.nodes.count("{}") <= len(way.needs)
