"""Every layout in which SD1.5 motion modules are published, brought to one.

Pure functions on state dicts. The original layout is guoyww/AnimateDiff's, the other one is
the MotionAdapter of huggingface/diffusers. What comes out is, for each site, a state dict in
the names that follow `temporal_transformer.` in the original files.
"""

import re
from collections.abc import Mapping

import torch

from .config import Layout, Site
from .errors import AnimateDiffError
from .recognise import MOTION_MODULE, kind_of

StateDict = dict[str, torch.Tensor]
SiteTensors = dict[Site, StateDict]

EXPECTED_FILE = "an SD1.5 motion module (v1, v2, v3, AnimateLCM, or a diffusers MotionAdapter)"

_KEY = re.compile(
    r"^(?:module\.|unet\.|motion_module\.)*"  # training checkpoints and exporters add these
    r"(?:(?P<block>down|up)_blocks\.(?P<level>\d+)|mid_block)\.motion_modules\.(?P<index>\d+)\."
    r"(?P<original>temporal_transformer\.)?(?P<name>.+)$"
)
_FROM_DIFFUSERS = {
    "attn1": "attention_blocks.0",
    "attn2": "attention_blocks.1",
    "norm1": "norms.0",
    "norm2": "norms.1",
    "norm3": "ff_norm",
}
BLOCK = "transformer_blocks.0"
SHARED_POSITIONS = f"{BLOCK}.pos_embed.pe"  # diffusers: one table for both attentions


def read_sites(loaded: object, file: str) -> tuple[Layout, SiteTensors]:
    """The motion modules of a loaded file, by site, in the original names.

    Raises AnimateDiffError when the file is of another kind, naming the node it belongs to.
    """
    tensors = unwrap(loaded, file, EXPECTED_FILE)
    kind = kind_of(tensors)
    if kind is not None and kind is not MOTION_MODULE:
        raise AnimateDiffError(f"'{file}' is {kind.name}.", EXPECTED_FILE, f"{kind.belongs}.")
    layout, sites = Layout.DIFFUSERS, SiteTensors()
    for key, tensor in tensors.items():
        match = _KEY.match(key)
        if match is None:
            continue
        site = Site(match["block"] or "mid", int(match["level"] or 0), int(match["index"]))
        if match["original"]:
            layout = Layout.ORIGINAL
        sites.setdefault(site, {})[_original_name(match["name"])] = tensor
    if not sites:
        raise _no_motion_module(tensors, file)
    return layout, sites


def unwrap(loaded: object, file: str, expected: str) -> StateDict:
    """The innermost mapping that holds tensors; entries that are no tensors are dropped."""
    while isinstance(loaded, Mapping):
        tensors = {k: v for k, v in loaded.items() if isinstance(v, torch.Tensor)}
        if tensors:
            return tensors
        loaded = next((v for v in loaded.values() if isinstance(v, Mapping)), None)
    raise AnimateDiffError(
        f"'{file}' holds no tensors.", expected, "download the file again from its source."
    )


def _original_name(name: str) -> str:
    """A name inside a motion module, diffusers' words replaced by the original ones."""
    return ".".join(_FROM_DIFFUSERS.get(part, part) for part in name.split("."))


def _no_motion_module(tensors: StateDict, file: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"'{file}' holds no motion module; its keys look like {some(sorted(tensors))}.",
        EXPECTED_FILE,
        "put the right file into models/animatediff_models.",
    )


def some(items: list[str], count: int = 3) -> str:
    """The first few items, and how many more there are."""
    more = f" and {len(items) - count} more" if len(items) > count else ""
    return ", ".join(items[:count]) + more
