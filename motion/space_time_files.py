"""Files of space-time U-Nets, in a format of our own: the names of motion modules, with
convolutions in place of transformers, and resamplers beside them."""

import re

from .config import (
    DOWN_LEVELS,
    DOWN_SITES,
    Layout,
    MotionConfig,
    Site,
    Version,
    unet_sites,
)
from .formats import StateDict, broken, some
from .network import CONVOLUTION, DOWNSAMPLER, TRANSFORMER, UPSAMPLER
from .whole import Shapes

MARK = f".{CONVOLUTION}."
_TABLE = ".attention_blocks.0.pos_encoder.pe"


def is_space_time(tensors: StateDict) -> bool:
    return any(MARK in key for key in tensors)


def space_time_config(tensors: StateDict, file: str) -> MotionConfig:
    """AnimateDiffError for a file that is not whole; see also `resampler_shapes`."""
    channels = {site: _channels(tensors, site) for site in unet_sites(DOWN_LEVELS, mid_block=True)}
    missing = [site.key for site, count in channels.items() if not count]
    if missing:
        raise broken(file, f"motion modules missing: {some(missing)}")
    coarsest = Site("down", DOWN_LEVELS - 1, DOWN_SITES - 1)
    table = tensors.get(f"{coarsest.key}.{TRANSFORMER}.transformer_blocks.0{_TABLE}")
    if table is None or table.ndim != 3:
        raise broken(file, f"{coarsest.key} has no table of positions")
    try:
        return MotionConfig(
            Version.SPACE_TIME, Layout.ORIGINAL, channels, table.shape[1], False, space_time=True
        )
    except ValueError as error:
        raise broken(file, str(error)) from error


def _channels(tensors: StateDict, site: Site) -> int:
    for name in (f"{TRANSFORMER}.norm.weight", f"{CONVOLUTION}.spatial_norm.weight"):
        norm = tensors.get(f"{site.key}.{name}")
        if norm is not None and norm.ndim == 1:
            return norm.shape[0]
    return 0


def convolution_shapes(site: Site, c: int) -> Shapes:
    """Key and shape of every tensor of a block that convolves."""
    prefix = f"{site.key}.{CONVOLUTION}"
    shapes: dict[str, tuple[int, ...]] = {
        f"{prefix}.spatial.weight": (c, c, 3, 3),
        f"{prefix}.temporal.weight": (c, c, 3, 1),
        f"{prefix}.proj_out.weight": (c, c, 1, 1),
    }
    vectors = ("spatial.bias", "temporal.bias", "proj_out.bias")
    norms = [
        f"{norm}.{name}"
        for norm in ("spatial_norm", "temporal_norm")
        for name in ("weight", "bias")
    ]
    return {**shapes, **{f"{prefix}.{name}": (c,) for name in (*vectors, *norms)}}


def resampler_shapes(config: MotionConfig) -> Shapes:
    """The same of all resamplers."""
    shapes: dict[str, tuple[int, ...]] = {}
    for number in range(config.levels - 1):
        for block, name in (("down", DOWNSAMPLER), ("up", UPSAMPLER)):
            c, key = config.channels[Site(block, number, 0)], f"{block}_blocks.{number}.{name}.conv"
            shapes |= {f"{key}.weight": (c, c, 3, 1), f"{key}.bias": (c,)}
    return shapes


def own_names(tensors: StateDict) -> StateDict:
    """Without what training checkpoints put before names."""
    return {re.sub(r"^(module\.)+", "", key): tensor for key, tensor in tensors.items()}
