"""MotionLoRA files on disk, and whether they fit a motion module."""

import json
import logging

import pytest
import torch
from adn_testing import lora_files, tiny
from adn_testing.lora_files import motion_lora
from animatediff_native.lora.apply import with_motion_lora
from animatediff_native.lora.chain import LoraUse
from animatediff_native.lora.load import PEFT_CONFIG, load_motion_lora
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.frame_strengths import FrameStrengths
from safetensors.torch import save_file

SAVERS = {"safetensors": save_file, "ckpt": torch.save, "pth": torch.save}


@pytest.mark.parametrize("suffix", SAVERS)
def test_every_container(tmp_path, suffix):
    path = tmp_path / f"lora.{suffix}"
    tensors = lora_files.official(lora_files.pairs())
    SAVERS[suffix](tensors if suffix != "pth" else {"state_dict": tensors}, path)
    lora = load_motion_lora(path)
    assert lora.file == path.name
    assert len(lora.pairs) == 168


@pytest.mark.parametrize(
    ("config", "scale"),
    [
        ({}, 1.0),
        ({"unet.r": 4, "unet.lora_alpha": 8}, 2.0),
        ({"unet.lora_alpha": 8, "unet.use_rslora": True}, 4.0),
        ({"unet.lora_alpha": 8, "unet.alpha_pattern": {}}, 2.0),
    ],
)
def test_the_alpha_in_a_peft_files_metadata(tmp_path, config, scale):
    path = tmp_path / "lora.safetensors"
    save_file(lora_files.peft(lora_files.pairs()), path, {PEFT_CONFIG: json.dumps(config)})
    assert {pair.scale for pair in load_motion_lora(path).pairs.values()} == {scale}


def test_an_alpha_per_layer_in_the_metadata(tmp_path):
    path = tmp_path / "lora.safetensors"
    config = {"unet.alpha_pattern": {"to_q": 2}}
    save_file(lora_files.peft(lora_files.pairs()), path, {PEFT_CONFIG: json.dumps(config)})
    with pytest.raises(AnimateDiffError, match="alpha_pattern"):
        load_motion_lora(path)


@pytest.mark.parametrize("recorded", ["{broken", "3", "", '[["lora_alpha", 1]]', "[" * 100_000])
def test_metadata_that_is_no_configuration(tmp_path, recorded):
    path = tmp_path / "lora.safetensors"
    save_file(lora_files.peft(lora_files.pairs()), path, {PEFT_CONFIG: recorded})
    with pytest.raises(AnimateDiffError, match="PEFT configuration that is no JSON object"):
        load_motion_lora(path)


@pytest.mark.parametrize("alpha", ['"abc"', "null", "true", "[8]", "{}", "NaN", "Infinity", "-8", "0", "9" * 400])
def test_an_alpha_that_is_no_number_above_0(tmp_path, alpha):
    path = tmp_path / "lora.safetensors"
    save_file(lora_files.peft(lora_files.pairs()), path, {PEFT_CONFIG: f'{{"lora_alpha": {alpha}}}'})
    with pytest.raises(AnimateDiffError, match=r"'lora.safetensors' .* whose lora_alpha is") as caught:
        load_motion_lora(path)
    assert alpha[:40] in caught.value.given


@pytest.mark.parametrize("root", ['"true"', "1", "null"])
def test_a_rank_stabilisation_that_is_neither_true_nor_false(tmp_path, root):
    path = tmp_path / "lora.safetensors"
    config = f'{{"lora_alpha": 8, "use_rslora": {root}}}'
    save_file(lora_files.peft(lora_files.pairs()), path, {PEFT_CONFIG: config})
    with pytest.raises(AnimateDiffError, match="whose use_rslora is"):
        load_motion_lora(path)


def test_a_web_page(tmp_path):
    path = tmp_path / "lora.ckpt"
    path.write_text("<!DOCTYPE html><html></html>")
    with pytest.raises(AnimateDiffError, match="web page") as caught:
        load_motion_lora(path)
    assert "MotionLoRA" in caught.value.expected


# fit


@pytest.mark.parametrize("frames", [None, FrameStrengths((0.0, 1.0))], ids=["merged", "by frame"])
def test_mid_block_keys_on_a_module_without_one(caplog, frames):
    """v2 LoRA on v3: 8 of 168 weights are in the mid block, two keys each."""
    module = with_motion_lora(tiny.motion_module("v3"), (LoraUse(motion_lora(), 1.0, frames),))
    (warning,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert "16 of the 336 weights of lora0.ckpt are not used" in warning
    assert "no mid block" in warning
    if frames is None:
        assert len(module.patcher.patches) == 160


def test_a_whole_fit_does_not_warn(caplog):
    with_motion_lora(tiny.motion_module("v2"), (LoraUse(motion_lora()),))
    assert not [r for r in caplog.records if r.levelno == logging.WARNING]


def test_nothing_fits():
    made = {k: v for k, v in lora_files.pairs().items() if k[0].startswith("mid_block")}
    lora = motion_lora()
    only_mid = type(lora)("mid.ckpt", {lora_files.weight_key(*k): lora.pairs[lora_files.weight_key(*k)] for k in made})  # fmt: skip
    with pytest.raises(AnimateDiffError, match=r"none of its 16 weights"):
        with_motion_lora(tiny.motion_module("v3"), (LoraUse(only_mid),))


def test_channels_of_another_module():
    wide = motion_lora(widths=(64, 128, 256, 256))
    with pytest.raises(AnimateDiffError, match=r"is \[32, 32\], the LoRA's \[64, 64\]"):
        with_motion_lora(tiny.motion_module("v2"), (LoraUse(wide),))


# low VRAM


@pytest.mark.usefixtures("inference")
def test_a_network_that_is_loaded_in_parts(device):
    """The host patches each weight when it is used; nothing of ours knows the difference."""
    module = with_motion_lora(tiny.motion_module("v2"), (LoraUse(motion_lora(), 0.7),))
    patcher, site = module.patcher, module.config.sites[0]
    x = torch.randn(8, module.config.channels[site], 4, 4).to(device)
    patcher.load(device, full_load=True)
    whole = patcher.model.at(site)(x, 8)
    patcher.unpatch_model(patcher.offload_device)
    bare = patcher.model.at(site)(x.to(patcher.offload_device), 8)
    patcher.load(device, lowvram_model_memory=1)
    assert patcher.model.model_lowvram
    in_parts = patcher.model.at(site)(x, 8)
    patcher.unpatch_model(patcher.offload_device)
    assert torch.allclose(in_parts, whole, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(bare.to(device), whole, atol=1e-2)
