"""Motion module files on disk, through the host's loader: what loads, and what is refused."""

import logging
import os
import pickle
import re

import comfy.model_management
import comfy.utils
import pytest
import torch
from adn_testing.motion_files import diffusers, hotshot, original
from animatediff_native.motion.config import Norms, Version
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.load import load_motion_module
from animatediff_native.motion.network import as_in_files
from safetensors.torch import save_file

SAVERS = {
    "safetensors": lambda tensors, path: save_file(
        {k: v.contiguous().clone() for k, v in tensors.items()}, path
    ),
    "ckpt": torch.save,
    "pth": lambda tensors, path: torch.save({"state_dict": tensors}, path),
    "pt": lambda tensors, path: torch.save(
        {"epoch": 1, "state_dict": {f"module.{k}": v for k, v in tensors.items()}}, path
    ),
}


@pytest.mark.parametrize("version", ["v1", "v2", "v3", "AnimateLCM"])
@pytest.mark.parametrize("suffix", SAVERS)
def test_every_container(tmp_path, suffix, version):
    path = tmp_path / f"mm.{suffix}"
    tensors = original(version)
    SAVERS[suffix](tensors, path)
    module = load_motion_module(path)
    assert module.file == path.name
    assert module.config.version.value == version
    loaded = as_in_files(module.patcher.model.state_dict())
    assert all(torch.equal(loaded[key], tensors[key]) for key in tensors)


@pytest.mark.parametrize(
    ("suffix", "name", "said"),
    [
        ("safetensors", hotshot, "HotshotXL, 15 modules, up to 24 frames at once, norms over"),
        ("ckpt", dict, "SDXL beta, 15 modules, up to 32 frames at once"),
    ],
)
def test_files_for_sdxl(tmp_path, caplog, suffix, name, said):
    """The log says what was loaded."""
    caplog.set_level(logging.INFO, logger="animatediff_native")
    path = tmp_path / f"mm.{suffix}"
    tensors = original("v1" if name is hotshot else "v3", widths=(32, 64, 128))
    SAVERS[suffix](name(tensors), path)
    loaded = as_in_files(load_motion_module(path).patcher.model.state_dict())
    assert all(torch.equal(loaded[key], tensors[key]) for key in tensors)
    assert f"loaded mm.{suffix} ({said}" in caplog.text
    assert [r for r in caplog.records if r.levelno > logging.INFO] == []


def test_diffusers_folder_file(tmp_path):
    path = tmp_path / "diffusion_pytorch_model.safetensors"
    tensors = original("v2")
    SAVERS["safetensors"](diffusers(tensors), path)
    loaded = as_in_files(load_motion_module(path).patcher.model.state_dict())
    assert all(torch.equal(loaded[key], tensors[key]) for key in tensors)


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2]
)
def test_storage_follows_the_host(tmp_path, dtype):
    """Weights are stored in the dtype the host would give a UNet of this file; values survive."""
    path = tmp_path / "mm.safetensors"
    tensors = {k: v.to(dtype) for k, v in original("v3").items()}
    SAVERS["safetensors"](tensors, path)
    network = load_motion_module(path).patcher.model
    wanted = comfy.model_management.unet_dtype(
        model_params=sum(t.numel() for t in tensors.values()), weight_dtype=dtype
    )
    assert network.get_dtype() == wanted
    key = "down_blocks.0.motion_modules.0.temporal_transformer.proj_in.weight"
    stored = network.state_dict()[key]
    assert stored.dtype == wanted
    assert torch.equal(stored.float(), tensors[key].to(wanted).float())


def test_the_patcher_knows_its_size(tmp_path):
    """The host counts what the module weighs when it makes room for it."""
    path = tmp_path / "mm.safetensors"
    tensors = original("v3")
    SAVERS["safetensors"](tensors, path)
    patcher = load_motion_module(path).patcher
    assert patcher.model_size() == sum(t.nbytes for t in tensors.values())


class _RunsCode:
    def __reduce__(self):
        return os.mkdir, ("should-never-exist",)


class _Config:
    """Stands for the omegaconf object in early v3 uploads."""


def html(path):
    path.write_text("<!DOCTYPE html><html><body>Sign in to download</body></html>")


def lfs(path):
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")


def truncated(path):
    SAVERS["safetensors"](original("v3"), path)
    path.write_bytes(path.read_bytes()[:100_000])


def truncated_header(path):
    SAVERS["safetensors"](original("v3"), path)
    path.write_bytes(path.read_bytes()[:500])


def truncated_pickle(path):
    torch.save(original("v3"), path)
    path.write_bytes(path.read_bytes()[:100_000])


def with_code(path):
    torch.save({"state_dict": original("v3"), "hook": _RunsCode()}, path)


def bare_pickle_with_code(path):
    path.write_bytes(pickle.dumps(_RunsCode()))


def pickled_config(path):
    torch.save({"state_dict": original("v3"), "animatediff_config": _Config()}, path)


FILES = {
    "web page as safetensors": (html, "safetensors", "web page"),
    "web page as ckpt": (html, "ckpt", "web page"),
    "LFS pointer": (lfs, "safetensors", "Git LFS"),
    "empty safetensors": (lambda p: p.touch(), "safetensors", "empty"),
    "empty ckpt": (lambda p: p.touch(), "ckpt", "empty"),
    "truncated safetensors": (truncated, "safetensors", "download it again"),
    "truncated header": (truncated_header, "safetensors", "download it again"),
    "truncated ckpt": (truncated_pickle, "ckpt", "download it again"),
    "garbage": (lambda p: p.write_bytes(b"\x07" * 999), "ckpt", "not opened|cannot be read"),
    "safetensors named ckpt": (lambda p: SAVERS["safetensors"](original("v3"), p), "ckpt", "mm.ckpt"),
    "ckpt named safetensors": (lambda p: torch.save(original("v3"), p), "safetensors", "mm.safetensors"),
    "pickle with code": (with_code, "ckpt", "could run code"),
    "bare pickle with code": (bare_pickle_with_code, "ckpt", "could run code|cannot be read"),
    "pickled config": (pickled_config, "ckpt", "early uploads"),
    "a folder": (lambda p: p.mkdir(), "safetensors", "no longer"),
    "no file": (lambda p: None, "safetensors", "no longer"),
}  # fmt: skip


class SafetensorError(Exception):
    """Of the library: neither a RuntimeError nor an OSError."""


NO_MEMORY = {
    "Python": MemoryError(),
    "torch on the CPU": RuntimeError(
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 9 bytes. Error code 12 (Cannot allocate memory)"
    ),
    "torch on Windows": RuntimeError(
        "DefaultCPUAllocator: not enough memory: you tried to allocate"
    ),
    "a device without a class of its own": RuntimeError("MPS backend out of memory"),
    "the system": OSError(12, "Cannot allocate memory"),
    "safetensors": SafetensorError("Cannot allocate memory (os error 12)"),
}


@pytest.mark.parametrize("name", NO_MEMORY)
def test_memory_that_runs_out_is_no_damaged_file(tmp_path, monkeypatch, name):
    def fail(*_args, **_options):
        raise NO_MEMORY[name]

    path = tmp_path / "mm.safetensors"
    SAVERS["safetensors"](original("v3"), path)
    monkeypatch.setattr(comfy.utils, "load_torch_file", fail)
    with pytest.raises(AnimateDiffError, match=r"memory ran out while 'mm.safetensors'") as caught:
        load_motion_module(path)
    assert "MiB" in caught.value.expected and "download" not in caught.value.remedy


def test_the_hosts_own_exception_for_memory_stays_what_it_is(tmp_path, monkeypatch):
    """The host unloads its models then, and says what helps."""
    error = comfy.model_management.OOM_EXCEPTION("CUDA out of memory")

    def fail(*_args, **_options):
        raise error

    path = tmp_path / "mm.safetensors"
    SAVERS["safetensors"](original("v3"), path)
    monkeypatch.setattr(comfy.utils, "load_torch_file", fail)
    with pytest.raises(comfy.model_management.OOM_EXCEPTION) as caught:
        load_motion_module(path)
    assert caught.value is error


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_read(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    make, suffix, hint = FILES[name]
    path = tmp_path / f"mm.{suffix}"
    make(path)
    with pytest.raises(AnimateDiffError, match=hint) as caught:
        load_motion_module(path)
    assert path.name in caught.value.given
    assert re.search(r"motion module|plain tensors|file", caught.value.expected)
    assert not (tmp_path / "should-never-exist").exists()


def test_a_fine_tune_of_v1_with_a_longer_table(tmp_path, caplog):
    """v1 and v3 are built alike; only the rows of the table tell them apart."""
    path = tmp_path / "stretched.safetensors"
    save_file(original("v1", positions=48), path)
    config = load_motion_module(path).config
    assert (config.version, config.position_length) == (Version.V1, 48)
    assert config.cross_frame_norm
    assert "48 rows" in caplog.text
    assert "'per frame'" in caplog.text


def test_the_norms_of_ones_own_choice(tmp_path, caplog):
    path = tmp_path / "mm.safetensors"
    save_file(original("v3"), path)
    assert not load_motion_module(path).config.cross_frame_norm
    assert load_motion_module(path, Norms.OVER_ALL_FRAMES).config.cross_frame_norm
    save_file(original("v1", positions=48), path)
    assert not load_motion_module(path, Norms.PER_FRAME).config.cross_frame_norm
    assert "rows" not in caplog.text


@pytest.mark.parametrize(("version", "pooled"), [("v1", True), ("v2", True), ("v3", False)])
def test_v2_as_early_loaders_ran_it(tmp_path, version, pooled):
    """Of the others, this choice changes nothing."""
    path = tmp_path / "mm.safetensors"
    save_file(original(version), path)
    assert load_motion_module(path, Norms.OF_V1_FOR_V2).config.cross_frame_norm == pooled
