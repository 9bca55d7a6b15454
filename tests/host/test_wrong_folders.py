"""A file of another kind, in a folder of ours: where it goes, and which node then lists it."""

# The host is typed loosely.
# pyright: reportArgumentType=false

import importlib
import re

import folder_paths
import pytest
import torch
from adn_testing import lora_files, motion_files, tiny
from adn_testing.lora_files import domain_adapter
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.recognise import KINDS
from animatediff_native.nodes.domain_adapter import LoadDomainAdapter
from animatediff_native.nodes.frame_lora import ApplyFrameLora
from animatediff_native.nodes.motion_lora import LoadMotionLora
from animatediff_native.nodes.motion_module import LoadMotionModule
from animatediff_native.nodes.sparse_ctrl import LoadSparseCtrl

# folder, what it is chosen in
OURS = {
    "Load Motion Module": ("animatediff_models", LoadMotionModule),
    "Load MotionLoRA": ("animatediff_motion_lora", LoadMotionLora),
    "Load Domain Adapter": ("loras", LoadDomainAdapter),
    "LoRA by Frame": ("loras", ApplyFrameLora),
    "Load SparseCtrl": ("controlnet", LoadSparseCtrl),
}
HOSTS = {
    "Load Checkpoint": "CheckpointLoaderSimple",
    "Load CLIP": "CLIPLoader",
    "Load CLIP Vision": "CLIPVisionLoader",
    "Load ControlNet Model": "ControlNetLoader",
    "Load Diffusion Model": "UNETLoader",
    "Load LoRA": "LoraLoader",
    "Load VAE": "VAELoader",
}
FILES = {
    "motion module": (motion_files.original("v3"), "animatediff_models", "Load Motion Module"),
    "HotshotXL's": (
        motion_files.hotshot(motion_files.original("v1", widths=(32, 64, 128))),
        "animatediff_models",
        "Load Motion Module",
    ),
    "MotionLoRA": (
        lora_files.official(lora_files.pairs()), "animatediff_motion_lora", "Load MotionLoRA",
    ),
    "domain adapter": (domain_adapter(), "loras", "Load Domain Adapter"),
    "LoRA": ({"lora_unet_x.lora_down.weight": torch.zeros(4)}, "loras", "Load LoRA"),
    "checkpoint": ({"model.diffusion_model.x": torch.zeros(4)}, "checkpoints", "Load Checkpoint"),
    "ControlNet": ({"control_model.x": torch.zeros(4)}, "controlnet", "Load ControlNet Model"),
    "SparseCtrl": (
        {**motion_files.original("v3"), "controlnet_cond_embedding.weight": torch.zeros(4)},
        "controlnet", "Load SparseCtrl",
    ),
    "diffusion model": (
        {"down_blocks.0.resnets.0.conv1.weight": torch.zeros(4)}, "diffusion_models", "Load Diffusion",
    ),
    "VAE": ({"decoder.conv_in.weight": torch.zeros(4)}, "vae", "Load VAE"),
    "text encoder": ({"text_model.encoder.layers.0.x": torch.zeros(4)}, "text_encoders", "Load CLIP"),
    "image encoder": ({"vision_model.x": torch.zeros(4)}, "clip_vision", "Load CLIP Vision"),
    "IP-Adapter": ({"image_proj.x": torch.zeros(4)}, "ipadapter", "IP-Adapter pack"),
    "embedding": ({"emb_params": torch.zeros(4, 768)}, "embeddings", "embedding:NAME"),
}  # fmt: skip
UNSUPPORTED = {
    "a LoRA for HotshotXL": {"down_blocks.0.temporal_attentions.0.x.lora_A.weight": torch.zeros(4)},
}
EXAMPLES = {
    "Load Motion Module": "v3_sd15_mm.ckpt",
    "Load MotionLoRA": "v2_lora_ZoomIn.ckpt",
    "Load Domain Adapter": "v3_sd15_adapter.ckpt",
    "LoRA by Frame": "a LoRA for the checkpoint",
    "Load SparseCtrl": "v3_sd15_sparsectrl_rgb.ckpt",
}


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Every folder of models alone, and empty."""
    named = dict(folder_paths.folder_names_and_paths)
    for name in {*named, "animatediff_models", "animatediff_motion_lora"}:
        (tmp_path / name).mkdir()
        named[name] = ([str(tmp_path / name)], folder_paths.supported_pt_extensions)
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", named)
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})
    return tmp_path


@pytest.fixture(scope="module")
def plain():
    return tiny.model()


def chosen(loader, name: str, model) -> None:
    """What happens where the file is chosen."""
    if loader in (LoadMotionModule, LoadMotionLora, LoadSparseCtrl):
        loader.execute(name, *([1.0] if loader is LoadMotionLora else []))
    else:
        loader.execute(model, name, 1.0)


def refusal(folders, tensors, node: str, model) -> AnimateDiffError:
    folder, loader = OURS[node]
    torch.save(tensors, folders / folder / "file.ckpt")
    with pytest.raises(AnimateDiffError, match=r"'file\.ckpt' is ") as caught:
        chosen(loader, "file.ckpt", model)
    return caught.value


def listed(node: str, name: str) -> bool:
    """Whether a node of ours or of the host lists a file."""
    if node in OURS:
        inputs = OURS[node][1].define_schema().inputs
        return name in next(each.options for each in inputs if hasattr(each, "options"))
    nodes = importlib.import_module("nodes")
    inputs = nodes.NODE_CLASS_MAPPINGS[HOSTS[node]].INPUT_TYPES()["required"]
    return any(isinstance(spec[0], list) and name in spec[0] for spec in inputs.values())


@pytest.mark.parametrize("node", OURS)
@pytest.mark.parametrize("kind", FILES)
def test_a_file_of_another_kind(folders, plain, kind, node):
    tensors, folder, use = FILES[kind]
    here, _ = OURS[node]
    if node == use or (node == "LoRA by Frame" and kind == "domain adapter"):
        pytest.skip("the node for this file")
    if node == "LoRA by Frame" and kind == "LoRA":
        pytest.skip("a LoRA for another model")
    said = refusal(folders, tensors, node, plain)
    assert use in said.remedy
    assert (f"move it to models/{folder}, press R, and" in said.remedy) is (here != folder)
    named = re.search(r"choose it in (?:ComfyUI's )?([\w ]+)", said.remedy)
    if named:  # the node that is named lists the file, once it is where it is to be
        (folders / here / "file.ckpt").rename(folders / folder / "file.ckpt")
        assert listed(named[1], "file.ckpt")
        if here != folder:
            assert not listed(node, "file.ckpt")


@pytest.mark.parametrize("node", OURS)
@pytest.mark.parametrize("what", UNSUPPORTED)
def test_what_no_node_loads(folders, plain, what, node):
    """The remedy is a file for this very node."""
    said = refusal(folders, UNSUPPORTED[what], node, plain)
    assert f"{what} is not supported" in said.remedy and EXAMPLES[node] in said.remedy
    assert "move it" not in said.remedy


def test_every_folder_is_one_of_the_host_or_ours(folders):
    named = {kind.folder for kind in KINDS} - {"", "ipadapter"}
    assert named <= set(folder_paths.folder_names_and_paths)


@pytest.mark.parametrize("node", OURS)
def test_a_file_that_is_not_there(folders, plain, node):
    folder, loader = OURS[node]
    with pytest.raises(AnimateDiffError, match="is not in models/" + folder) as caught:
        chosen(loader, "v3_sd15_mm.ckpt", plain)
    assert "put it back" not in caught.value.remedy
    if folder == "animatediff_models":
        address = "https://huggingface.co/guoyww/animatediff/resolve/main/v3_sd15_mm.ckpt"
        assert f"download {address} into models/{folder} and press R." in caught.value.remedy


def test_a_file_in_the_wrong_folder_is_found(folders, plain):
    (folders / "checkpoints" / "mm.ckpt").touch()
    with pytest.raises(AnimateDiffError, match="is not in models/animatediff_models") as caught:
        chosen(LoadMotionModule, "v3\\mm.ckpt", plain)
    remedy = caught.value.remedy
    assert "move it from models/checkpoints to models/animatediff_models" in remedy
