"""Tora's files for motion modules: read, checked and loaded."""

from __future__ import annotations

import logging
import re
from functools import partial
from pathlib import Path

import torch
from comfy.model_patcher import ModelPatcher

from ..motion.detect import MOST_CHANNELS, require_finite
from ..motion.errors import AnimateDiffError, counted
from ..motion.formats import StateDict, of_another_kind, require_weights, unwrap
from ..motion.known_files import MODULES
from ..motion.load import read_file
from ..motion.managed import managed
from ..motion.recognise import TORA
from ..motion.whole import fault_of
from .flow_autoencoder import FLOW, PATCH
from .tora_network import GROUPS, SHARE, Design, Structure, ToraNetwork, expected_shapes

log = logging.getLogger("animatediff_native")

EXPECTED_TORA = "a trajectory control file (Tora's network for SD1.5 motion modules)"
SUCH_AS = (
    "a file that was trained for this node: python -m demo.miniature trajectory makes the "
    "miniature world's, and nobody has published one for SD1.5 so far"
)
MOST_LEVELS = 8
_OUR_KEY = re.compile(r"(flow_encoder|extractor|fusers)\.")
_LEVEL = re.compile(r"extractor\.levels\.(\d{1,3})\.0\.block1\.weight")
_MIX = "fusers.down_{}_0.mix.weight"
_LAST = {  # a layer that only this design has
    Design.CHANNELS: "fusers.down_0_0.project.weight",
    Design.CROSS: "fusers.down_0_0.to_q.weight",
    Design.NORM: "fusers.down_0_0.gamma.weight",
}


def load_trajectory_control(path: str | Path) -> ModelPatcher:
    """The network of a file, in a patcher of its own; AnimateDiffError for every other file."""
    path = Path(path)
    tensors = read_trajectory_control(read_file(path, EXPECTED_TORA), path.name)
    patcher = tora_patcher(tensors)
    design = patcher.model.structure.design.value
    log.info("AnimateDiff: loaded trajectory control %s (fusers: %s)", path.name, design)
    return patcher


def read_trajectory_control(loaded: object, file: str) -> StateDict:
    """The tensors of a loaded file, whole and finite; what is not of the network is left."""
    tensors = {
        key.strip().removeprefix("module."): tensor
        for key, tensor in unwrap(loaded, file, EXPECTED_TORA).items()
    }
    ours = {key: tensor for key, tensor in tensors.items() if _OUR_KEY.match(key)}
    if not ours:
        raise of_another_kind(
            tensors, file, TORA, "trajectory control", EXPECTED_TORA, MODULES, SUCH_AS
        )
    require_weights(ours, file)
    fault = fault_of(ours, expected_shapes(structure_of(ours, file)))
    if fault:
        raise _broken(file, fault)
    require_finite(ours, file)
    return ours


def structure_of(tensors: StateDict, file: str = "") -> Structure:
    """By the keys and shapes."""
    found = sorted(int(m[1]) for key in tensors if (m := _LEVEL.fullmatch(key)))
    if found != list(range(len(found))) or not 0 < len(found) <= MOST_LEVELS:
        raise _broken(file, "it lacks the levels of the extractor")
    designs = [design for design, key in _LAST.items() if key in tensors]
    if len(designs) != 1:
        raise _broken(file, "its fusers are of none of the three designs")
    widths = tuple(SHARE * _size(tensors, _MIX.format(level), 0, file) for level in found)
    features = _size(tensors, "extractor.conv_in.weight", 0, file)
    latents = _size(tensors, "flow_encoder.conv_out.weight", 0, file)
    hidden = _size(tensors, "flow_encoder.conv_in.weight", 0, file)
    if any(width % GROUPS for width in widths):
        raise _broken(file, f"its levels have {', '.join(map(str, widths))} channels")
    seen = _size(tensors, "flow_encoder.conv_in.weight", 1, file)
    if seen != FLOW * PATCH**2:
        raise _broken(file, f"its flow has {counted(seen, 'value')} for every latent pixel, not "
                      f"{FLOW * PATCH**2}")  # fmt: skip
    return Structure(designs[0], widths, features, latents, hidden)


def _size(tensors: StateDict, key: str, axis: int, file: str) -> int:
    """Of a convolution's weight."""
    tensor = tensors.get(key)
    if tensor is None:
        raise _broken(file, f"it lacks 1 tensor: {key}")
    if tensor.ndim != 4 or not 0 < tensor.shape[axis] <= MOST_CHANNELS:
        raise _broken(file, f"it has 1 tensor of the wrong shape: {key} is {list(tensor.shape)}")
    return tensor.shape[axis]


def _broken(file: str, what: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"'{file}' is not a whole trajectory control file: {what}.",
        EXPECTED_TORA,
        f"copy or download it again, or choose {SUCH_AS}.",
    )


def tora_patcher(
    tensors: StateDict, dtype: torch.dtype | None = None, disable_dynamic: bool = False
) -> ModelPatcher:
    """The network with these weights; see motion/managed.py."""
    return managed(partial(ToraNetwork, structure_of(tensors)), tensors, dtype, disable_dynamic)
