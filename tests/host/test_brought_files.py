"""Files that people bring: what each is, said with a way that works in this host."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportOptionalSubscript=false

import gzip
import pickle
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import comfy.model_detection
import comfy.supported_models
import comfy.utils
import pytest
import torch
from adn_testing import tiny
from adn_testing.lora_files import official as motion_lora
from adn_testing.lora_files import pairs
from adn_testing.motion_files import diffusers, original
from animatediff_native.lora.domain_adapter import read_domain_adapter
from animatediff_native.lora.load import load_motion_lora
from animatediff_native.lora.spatial import read_lora
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.load import load_motion_module, read_file
from animatediff_native.samplers.clip_run import set_automatic_windows
from safetensors.torch import load_file, save_file

PAGE = Path(__file__).parents[2] / "web" / "docs" / "ADN_LoadMotionModule.md"
LOADERS = {
    "Load Motion Module": load_motion_module,
    "Load MotionLoRA": load_motion_lora,
    "Load Domain Adapter": lambda path: read_domain_adapter(read_file(path, "x"), path.name),
}


def refusal(path: Path, load=load_motion_module) -> AnimateDiffError:
    with pytest.raises(AnimateDiffError) as caught:
        load(path)
    assert path.name in caught.value.given and caught.value.expected and caught.value.remedy
    return caught.value


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("v3_sd15_mm/v3_sd15_mm.ckpt", b"weights" * 9999)
        archive.writestr("README.txt", "read me")


def cut(path: Path, save, left: int) -> None:
    save(original("v3"), path)
    path.write_bytes(path.read_bytes()[:left])


# name of the file, how it is made, what is said of it, what to do
FILES = {
    "pickle as safetensors": ("mm.safetensors", lambda p: torch.save(original("v3"), p), "a pickle", r"rename it to mm\.ckpt"),
    "old pickle as safetensors": (
        "mm.safetensors", lambda p: torch.save(original("v3"), p, _use_new_zipfile_serialization=False), "a pickle", r"mm\.ckpt",
    ),
    "plain pickle as sft": ("mm.sft", lambda p: p.write_bytes(pickle.dumps({"a": 1}) + bytes(5000)), "a pickle", r"mm\.ckpt"),
    "safetensors as ckpt": ("mm.ckpt", lambda p: save_file(original("v3"), p), "safetensors file that is named .ckpt", r"rename it to mm\.safetensors"),
    "safetensors as pt": ("mm.pt", lambda p: save_file(original("v3"), p), "safetensors file that is named .pt", r"mm\.safetensors"),
    "zip as ckpt": ("mm.ckpt", zipped, r"ZIP archive that holds 'v3_sd15_mm/v3_sd15_mm\.ckpt'", "unpack it"),
    "zip as safetensors": ("mm.safetensors", zipped, "ZIP archive", "unpack it"),
    "rar": ("mm.ckpt", lambda p: p.write_bytes(b"Rar!\x1a\x07\x01\x00" + bytes(5000)), "RAR archive", "unpack it"),
    "gzip": ("mm.safetensors", lambda p: p.write_bytes(gzip.compress(bytes(range(256)) * 99)), "gzip archive", "unpack it"),
    "GGUF": ("mm.safetensors", lambda p: p.write_bytes(b"GGUF\x03\0\0\0" + bytes(9999)), "GGUF", r"\.safetensors or \.ckpt"),
    "web page": ("mm.ckpt", lambda p: p.write_text("\n<!doctype html><html></html>"), "web page", "download button"),
    "LFS pointer": ("mm.safetensors", lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\noid x\n"), "Git LFS pointer", "download button"),
    "an answer of the server": ("mm.safetensors", lambda p: p.write_text("Invalid username or password.\n"), "'Invalid username or password.'", "download button"),
    "an answer in JSON": ("mm.ckpt", lambda p: p.write_text('{"error":\n "Unauthorized"}'), "Unauthorized", "download button"),
    "empty": ("mm.safetensors", lambda p: p.touch(), "is empty", "download"),
    "cut safetensors": ("mm.safetensors", lambda p: cut(p, save_file, 100_000), r"100,000 of \d\d,\d{3},\d{3} bytes", "download it again"),
    "cut header": ("mm.safetensors", lambda p: cut(p, save_file, 500), r"500 of \d\d,\d{3} bytes", "download it again"),
    "cut ckpt": ("mm.ckpt", lambda p: cut(p, torch.save, 100_000), "not whole: its end is missing", "download it again"),
}  # fmt: skip


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize("name", FILES)
def test_what_a_file_is_by_its_bytes(tmp_path, name, load):
    file, make, given, remedy = FILES[name]
    make(tmp_path / file)
    said = refusal(tmp_path / file, LOADERS[load])
    assert re.search(given, said.given), said
    assert re.search(remedy, said.remedy), said


@pytest.mark.parametrize(
    ("before", "after"), [("mm.safetensors", "mm.ckpt"), ("mm.bin", "mm.safetensors")]
)
def test_a_renamed_file_loads_under_the_name_that_the_message_gives(tmp_path, before, after):
    path = tmp_path / before
    (torch.save if after.endswith("ckpt") else save_file)(original("v3"), path)
    assert f"rename it to {after}" in refusal(path).remedy
    assert load_motion_module(path.rename(tmp_path / after)).config.version.value == "v3"


UNET = {"conv_in.weight": torch.zeros(32, 4, 3, 3), "down_blocks.0.resnets.0.norm1.weight": torch.zeros(32)}  # fmt: skip
ADAPTER = {
    f"down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.{half}.weight": torch.zeros(4, 4)
    for half in ("down", "up")
}  # fmt: skip
SPATIAL = {f"lora_unet_down_blocks_0_attentions_0_proj_in.lora_{half}.weight": torch.zeros(4, 4) for half in ("down", "up")}  # fmt: skip

# tensors, the folder that the message names, the node
ELSEWHERE = {
    "motion module": (original("v3"), "models/animatediff_models", "Load Motion Module"),
    "MotionLoRA": (motion_lora(pairs()), "models/animatediff_motion_lora", "Load MotionLoRA"),
    "domain adapter": (ADAPTER, "models/loras", "Load Domain Adapter"),
    "LoRA": (SPATIAL, "models/loras", "Load LoRA"),
    "checkpoint": ({"model.diffusion_model.out.2.weight": torch.zeros(4)}, "models/checkpoints", "Load Checkpoint"),
    "UNet": (UNET, "models/diffusion_models", "Load Diffusion Model"),
    "image finetune": ({f"module.{k}": v for k, v in UNET.items()}, "models/diffusion_models", "Load Diffusion Model"),
    "ControlNet": ({"control_model.zero_convs.0.0.weight": torch.zeros(4)}, "models/controlnet", "Load ControlNet Model"),
    "VAE": ({"decoder.conv_in.weight": torch.zeros(4)}, "models/vae", "Load VAE"),
    "text encoder": ({"text_model.encoder.layers.0.mlp.fc1.weight": torch.zeros(4)}, "models/text_encoders", "Load CLIP"),
    "image encoder": ({"vision_model.encoder.layers.0.mlp.fc1.weight": torch.zeros(4)}, "models/clip_vision", "Load CLIP Vision"),
    "IP-Adapter": ({"image_proj.proj.weight": torch.zeros(4)}, "models/ipadapter", "IP-Adapter pack"),
    "embedding": ({"emb_params": torch.zeros(4, 768)}, "models/embeddings", "embedding:"),
}  # fmt: skip


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize("kind", ELSEWHERE)
def test_a_file_in_the_wrong_folder(tmp_path, kind, load):
    """A node lists the files of one folder: the message names that too."""
    tensors, folder, node = ELSEWHERE[kind]
    if node == load:
        return
    path = tmp_path / "brought.safetensors"
    save_file(tensors, path)
    remedy = refusal(path, LOADERS[load]).remedy
    assert folder in remedy and node in remedy


@pytest.mark.parametrize("kind", ["motion module", "MotionLoRA", "checkpoint"])
def test_what_is_no_lora_for_lora_by_frame(tmp_path, kind):
    """Files of models/loras that ComfyUI's own node would pass over in silence."""
    tensors, folder, node = ELSEWHERE[kind]
    path = tmp_path / "brought.safetensors"
    save_file(tensors, path)
    said = refusal(path, lambda path: read_lora(read_file(path, "x"), path.name, tiny.model()))
    assert folder in said.remedy and node in said.remedy


def sd15_in_diffusers_names() -> dict[str, torch.Tensor]:
    """The names of SD1.5's UNet; of shapes only those by which the host knows it."""
    config = dict(comfy.supported_models.SD15.unet_config, num_res_blocks=[2, 2, 2, 2])
    config |= {
        "channel_mult": [1, 2, 4, 4],
        "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
        "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
        "transformer_depth_middle": 1,
    }
    names = [name for name in comfy.utils.unet_to_diffusers(config) if "_embedding" not in name]
    tensors = {name: torch.zeros(1) for name in names}
    shapes = {name: (320, 768) for name in tensors if name.endswith("attn2.to_k.weight")}
    shapes["conv_in.weight"] = (320, 4, 3, 3)
    return {**tensors, **{name: torch.zeros(shape) for name, shape in shapes.items()}}


def test_the_way_for_an_image_finetune_works(tmp_path):
    """The lines of the help page make of such a file what the host takes for an SD1.5 UNet."""
    detect = comfy.model_detection.model_config_from_diffusers_unet
    names = {f"module.{name}": tensor for name, tensor in sd15_in_diffusers_names().items()}
    assert detect(names) is None
    torch.save({"epoch": 3, "global_step": 9, "state_dict": names}, tmp_path / "finetune.ckpt")
    said = refusal(tmp_path / "finetune.ckpt")
    assert "image finetune" in said.given and "Image finetunes" in said.remedy
    section = PAGE.read_text(encoding="utf-8").split("## Image finetunes")[1]
    lines = re.search(r"^```\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    subprocess.run([sys.executable, "-c", lines[1]], cwd=tmp_path, check=True)
    made = load_file(tmp_path / "finetune.safetensors")
    assert isinstance(detect(made), comfy.supported_models.SD15)


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_fp8_runs_as_its_numbers(tmp_path, dtype):
    """To the bits of a file that holds the same numbers in fp32."""
    clips = []
    for stored in (dtype, torch.float32):
        tensors = {k: v.to(dtype).to(stored) for k, v in original("v3").items()}
        save_file(tensors, tmp_path / "mm.safetensors")
        module = load_motion_module(tmp_path / "mm.safetensors")
        animated = apply_motion_module(tiny.model(), module)
        set_automatic_windows(animated, module.frames_at_once)
        with torch.inference_mode():
            clips.append(tiny.sample(animated, frames=4, steps=1))
    assert torch.equal(*clips) and clips[0].isfinite().all()


SCALES = (
    "to_q.weight_scale",
    "to_q.scale_weight",
    "to_q.comfy_quant",
    "to_q.weight.absmax",
    "to_q.qzeros",
)
BLOCK = (
    "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0"
)


@pytest.mark.parametrize("name", SCALES)
def test_weights_with_scales_beside_them(tmp_path, name):
    path = tmp_path / "mm.safetensors"
    save_file({**original("v3"), f"{BLOCK}.{name}": torch.ones(())}, path)
    said = refusal(path)
    assert "quantised" in said.given and "fp16" in said.remedy


def test_a_module_without_table_and_mid_block_is_told(tmp_path, caplog):
    """A diffusers export of v1 without its table looks like v3."""
    path = tmp_path / "adapter.safetensors"
    save_file(diffusers(original("v1"), positions=False), path)
    assert not load_motion_module(path).config.cross_frame_norm
    assert "'over all frames'" in caplog.text
    caplog.clear()
    save_file(diffusers(original("v3")), path)
    load_motion_module(path)
    save_file(diffusers(original("v2"), positions=False), path)
    load_motion_module(path)
    assert "norms" not in caplog.text
