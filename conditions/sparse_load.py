"""From a SparseCtrl file to a ControlNet of the host's kind."""

import logging
from pathlib import Path

import comfy.model_management
import comfy.ops
import comfy.supported_models
import comfy.utils

from ..motion.load import build_patcher, read_file
from .sparse_control import SparseCtrl
from .sparse_files import EXPECTED_FILE, SparseFile, read_sparse_ctrl
from .sparse_network import SparseEncoder
from .sparse_windows import EmptyWindows

log = logging.getLogger("animatediff_native")


def load_sparse_ctrl(
    path: str | Path,
    motion_strength: float = 1.0,
    empty_windows: EmptyWindows = EmptyWindows.NEAREST,
) -> SparseCtrl:
    """AnimateDiffError for everything that is no SparseCtrl. motion_strength: of its own motion
    modules; at 0 it sees every frame by itself. empty_windows: see sparse_windows.py."""
    path = Path(path)
    file = read_sparse_ctrl(read_file(path, EXPECTED_FILE), path.name)
    log.info("AnimateDiff: loaded %s (%s)", path.name, file.config)
    return sparse_ctrl(file, path.name, motion_strength, empty_windows)


def sparse_ctrl(
    file: SparseFile,
    name: str,
    motion_strength: float = 1.0,
    empty_windows: EmptyWindows = EmptyWindows.NEAREST,
) -> SparseCtrl:
    """Weights in the dtypes in which the host stores ControlNets, and motion modules."""
    device = comfy.model_management.get_torch_device()
    storage = comfy.model_management.unet_dtype(
        device=device,
        model_params=-1,
        supported_dtypes=comfy.supported_models.SD15.supported_inference_dtypes,
        weight_dtype=comfy.utils.weight_dtype(file.encoder),
    )
    cast = comfy.model_management.unet_manual_cast(storage, device)
    ops = comfy.ops.pick_operations(storage, cast)
    offload_device = comfy.model_management.unet_offload_device()
    encoder = SparseEncoder(file.config, ops, storage, offload_device)
    encoder.take(file.encoder)
    encoder.eval().requires_grad_(False)
    motion = build_patcher(file.config.motion, file.motion)
    return SparseCtrl(
        encoder, motion, file.config, name, motion_strength, empty_windows, device, cast
    )
