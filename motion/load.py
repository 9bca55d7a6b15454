"""From a motion module file to a module that ComfyUI manages."""

import logging
import pickle
from dataclasses import dataclass
from pathlib import Path

import comfy.model_management
import comfy.model_patcher
import comfy.ops
import comfy.utils
import torch

from .config import MotionConfig
from .detect import read_motion_module
from .errors import AnimateDiffError
from .formats import EXPECTED_FILE, StateDict
from .network import MotionNetwork

log = logging.getLogger("animatediff_native")

# Newer hosts choose the patcher class (dynamic VRAM) under this name.
Patcher = getattr(comfy.model_patcher, "CoreModelPatcher", comfy.model_patcher.ModelPatcher)


@dataclass(frozen=True)
class MotionModule:
    """What travels between nodes: the patcher of the network, and where it came from."""

    file: str
    config: MotionConfig
    patcher: comfy.model_patcher.ModelPatcher


def load_motion_module(path: str | Path) -> MotionModule:
    """Load a motion module file; AnimateDiffError for everything that is not one."""
    path = Path(path)
    config, tensors = read_motion_module(read_file(path, EXPECTED_FILE), path.name)
    module = MotionModule(path.name, config, build_patcher(config, tensors))
    log.info("AnimateDiff: loaded %s (%s)", module.file, config)
    return module


def read_file(path: Path, expected: str) -> object:
    """Whatever the host's own weights-only loader reads, or an error that names the cause."""
    _refuse_unreadable(path, expected)
    try:
        return comfy.utils.load_torch_file(str(path), safe_load=True)
    except pickle.UnpicklingError as error:
        raise AnimateDiffError(
            f"'{path.name}' is a pickle that holds more than tensors and was not opened, "
            f"because loading it could run code ({_first_line(error)}).",
            "a file of plain tensors",
            "download a .safetensors version, or a later upload of the same file: early uploads "
            "of v3 carried their training configuration and were replaced.",
        ) from error
    except Exception as error:  # the loaders raise whatever their formats raise
        raise AnimateDiffError(
            f"'{path.name}' cannot be read ({_first_line(error)}).",
            expected,
            "the file is damaged or has the wrong ending: compare its size with the source and "
            "download it again.",
        ) from error


def _refuse_unreadable(path: Path, expected: str) -> None:
    if not path.is_file():
        raise AnimateDiffError(
            f"'{path.name}' is no longer in {path.parent}.",
            "the file that the node names",
            "put it back, or press R to refresh the list and choose another file.",
        )
    start = _first_bytes(path)
    text = start.lstrip().lower()
    what = None
    if not start:
        what = "is empty"
    elif text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        what = "is a web page, not a model"
    elif text.startswith(b"version https://git-lfs"):
        what = "is a Git LFS pointer, not the model itself"
    if what:
        raise AnimateDiffError(
            f"'{path.name}' {what}.",
            expected,
            "download the file itself (on Hugging Face: the download button beside it).",
        )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else repr(error)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def build_patcher(
    config: MotionConfig, tensors: StateDict, dtype: torch.dtype | None = None
) -> comfy.model_patcher.ModelPatcher:
    """The network with its weights, in a patcher of its own: moving and casting are the host's.

    dtype: what to store the weights in; the host's choice where none is given.
    """
    device = comfy.model_management.get_torch_device()
    offload_device = comfy.model_management.unet_offload_device()
    dtype = dtype or storage_dtype(tensors, device)
    network = MotionNetwork(config, comfy.ops.manual_cast, dtype=dtype, device=offload_device)
    network.load_state_dict(tensors)
    network.eval().requires_grad_(False)
    return Patcher(network, load_device=device, offload_device=offload_device)


def storage_dtype(tensors: StateDict, device: torch.device) -> torch.dtype:
    """The dtype that the host would store a UNet with these weights in, on this device."""
    return comfy.model_management.unet_dtype(
        device=device,
        model_params=sum(t.numel() for t in tensors.values()),
        weight_dtype=comfy.utils.weight_dtype(tensors),
    )
