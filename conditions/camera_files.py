"""CameraCtrl's files: the authors' dict of two, and the flat one, read, checked and loaded."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from comfy.model_patcher import ModelPatcher

from ..motion.detect import MOST_CHANNELS, MOST_POSITIONS, require_finite
from ..motion.errors import AnimateDiffError, counted
from ..motion.formats import StateDict, of_another_kind, require_weights, unwrap
from ..motion.known_files import MODULES, where_from
from ..motion.load import read_file
from ..motion.managed import managed
from ..motion.recognise import CAMERA_CTRL
from ..motion.whole import fault_of
from .camera_encoder import CameraNetwork, expected_shapes

log = logging.getLogger("animatediff_native")

EXPECTED_CAMERA = "a CameraCtrl file (pose encoder and merges for SD1.5 motion modules)"
SUCH_AS = f"a CameraCtrl file such as {where_from('CameraCtrl_pruned.safetensors')}"
ENCODER, MERGES = "pose_encoder_state_dict", "attention_processor_state_dict"
MOST_LEVELS = 8
_OUR_KEY = re.compile(r"encoder_(conv_in|down_\w+_blocks)\.|.*\.qkv_merge\.")
_LEVEL = re.compile(r"encoder_down_conv_blocks\.(\d{1,3})\.1\.block2\.weight")
_TABLE = "encoder_down_attention_blocks.0.0.attention_blocks.0.pos_encoder.pe"


def load_camera_control(path: str | Path) -> ModelPatcher:
    """The network of a file, in a patcher of its own; AnimateDiffError for every other file."""
    path = Path(path)
    tensors = read_camera_control(read_file(path, EXPECTED_CAMERA), path.name)
    patcher = camera_patcher(tensors)
    log.info("AnimateDiff: loaded CameraCtrl %s (%d frames at once)", path.name,
             patcher.model.rows)  # fmt: skip
    return patcher


def read_camera_control(loaded: object, file: str) -> StateDict:
    """The tensors of a loaded file under the names of the flat one, whole and finite; what is
    neither of the encoder nor a merge is left."""
    tensors = _gathered(loaded, file)
    ours = {key: t for key, t in tensors.items() if _OUR_KEY.match(key)}
    if not ours:
        raise of_another_kind(
            tensors, file, CAMERA_CTRL, "pose encoder", EXPECTED_CAMERA, MODULES, SUCH_AS
        )
    require_weights(ours, file)
    widths, rows = structure(ours, file)
    fault = fault_of(ours, expected_shapes(widths, rows))
    if fault:
        raise _broken(file, fault)
    require_finite(ours, file)
    return ours


def _gathered(loaded: object, file: str) -> StateDict:
    """Of the two dicts where the file has them, else of the file."""
    if isinstance(loaded, Mapping) and ENCODER in loaded and MERGES in loaded:
        parts = [unwrap(loaded[name], file, EXPECTED_CAMERA) for name in (ENCODER, MERGES)]
    else:
        parts = [unwrap(loaded, file, EXPECTED_CAMERA)]
    return {
        key.strip().removeprefix("module."): tensor
        for part in parts
        for key, tensor in part.items()
    }


def structure(tensors: StateDict, file: str = "") -> tuple[list[int], int]:
    """Channels of each level, and rows of the position table, by the shapes."""
    levels = {int(m[1]): t for key, t in tensors.items() if (m := _LEVEL.fullmatch(key))}
    table = tensors.get(_TABLE)
    if sorted(levels) != list(range(len(levels))) or not 0 < len(levels) <= MOST_LEVELS:
        raise _broken(file, "it lacks the levels of the pose encoder")
    if table is None or table.ndim != 3:
        raise _broken(file, "its pose encoder has no table of positions")
    widths, rows = [levels[i].shape[0] for i in range(len(levels))], table.shape[1]
    if not all(0 < w <= MOST_CHANNELS and w % 8 == 0 for w in widths):
        raise _broken(file, f"its levels have {', '.join(map(str, widths))} channels")
    if not 2 <= rows <= MOST_POSITIONS:
        raise _broken(file, f"its table of positions has {counted(rows, 'row')}")
    return widths, rows


def _broken(file: str, what: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"'{file}' is not a whole CameraCtrl file: {what}.",
        EXPECTED_CAMERA,
        f"download it again: {SUCH_AS}.",
    )


def camera_patcher(
    tensors: StateDict, dtype: torch.dtype | None = None, disable_dynamic: bool = False
) -> ModelPatcher:
    """The network with these weights; see motion/managed.py."""
    return managed(partial(CameraNetwork, *structure(tensors)), tensors, dtype, disable_dynamic)
