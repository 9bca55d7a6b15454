"""The configuration of a motion module, and proof that the file is whole."""

import torch

from .beside import beside, shapes_beside
from .config import DOWN_LEVELS, SDXL_LEVELS, Layout, MotionConfig, Site, Version, unet_sites
from .errors import AnimateDiffError, counted
from .formats import (
    BLOCK,
    EXPECTED_FILE,
    SHARED_POSITIONS,
    SiteTensors,
    StateDict,
    broken,
    read_sites,
    require_weights,
    some,
    unwrap,
)
from .positions import sinusoidal_positions
from .space_time_files import (
    convolution_shapes,
    is_space_time,
    own_names,
    resampler_shapes,
    space_time_config,
)
from .whole import Shapes, fault_of

ANIMATE_LCM_POSITIONS = 64  # AnimateLCM files hold no table; its authors use one of this length
DIFFUSERS_POSITIONS = 32  # older diffusers exports drop the table; MotionAdapter's default length
V1_POSITIONS, V3_POSITIONS = 24, 32  # rows of the published tables
_ANIMATE_LCM = (Version.ANIMATE_LCM, Version.ANIMATE_LCM_I2V)
MOST_CHANNELS, MOST_POSITIONS = 2**13, 2**13  # far beyond all that were published: 1280 and 64


def read_motion_module(loaded: object, file: str) -> tuple[MotionConfig, StateDict]:
    """Configuration and complete original-layout state dict of a loaded file.

    Raises AnimateDiffError for anything that is not a whole, finite motion module.
    """
    whole = unwrap(loaded, file, EXPECTED_FILE)
    if is_space_time(whole):
        return _read_space_time(own_names(whole), file)
    layout, sites = read_sites(loaded, file)
    kind, _ = beside(whole)
    config = _detect(layout, sites, kind, file)
    tensors = _flatten(sites, config)
    _check_complete(tensors, expected_shapes(config), file)
    require_finite(tensors, file)
    return config, tensors


def _read_space_time(tensors: StateDict, file: str) -> tuple[MotionConfig, StateDict]:
    require_weights(tensors, file)
    config = space_time_config(tensors, file)
    _check_complete(tensors, expected_shapes(config), file)
    require_finite(tensors, file)
    return config, tensors


def read_beside(loaded: object, config: MotionConfig, file: str) -> StateDict:
    """What the file has beside its motion modules, where they begin with a picture.

    Raises AnimateDiffError where that is not whole and finite.
    """
    _, tensors = beside(unwrap(loaded, file, EXPECTED_FILE))
    _check_complete(tensors, shapes_beside(config), file)
    require_finite(tensors, file)
    return tensors


def _detect(layout: Layout, sites: SiteTensors, kind: Version | None, file: str) -> MotionConfig:
    expected = _expected_sites(set(sites), file)
    channels = {site: _channels(sites[site], site, file) for site in expected}
    stored = _stored_positions(sites, file)
    version = kind or _version(layout, expected, stored)
    pia_of_v1 = version is Version.PIA and not any(site.block == "mid" for site in expected)
    positions = stored or (
        ANIMATE_LCM_POSITIONS if version in _ANIMATE_LCM else DIFFUSERS_POSITIONS
    )
    try:
        return MotionConfig(
            version,
            layout,
            channels,
            positions,
            cross_frame_norm=version in (Version.V1, Version.HOTSHOT_XL) or pia_of_v1,
            own_table=stored > 0,
            own_norm_over_frames=version is Version.SDXL_BETA,
        )
    except ValueError as error:
        raise broken(file, str(error)) from error


def _expected_sites(sites: set[Site], file: str) -> list[Site]:
    """Those of the kind of UNet that the file is for, in the order they run."""
    highest = max((site.level for site in sites if site.block == "down"), default=-1)
    sdxl = highest == SDXL_LEVELS - 1
    kind, levels = ("SDXL", SDXL_LEVELS) if sdxl else ("SD1.5", DOWN_LEVELS)
    expected = list(unet_sites(levels, any(site.block == "mid" for site in sites)))
    if sites != set(expected):
        wrong = some([site.key for site in sorted(sites ^ set(expected))])
        raise broken(file, f"motion modules missing or beyond the {kind} layout: {wrong}")
    return expected


def _channels(tensors: StateDict, site: Site, file: str) -> int:
    norm = tensors.get("norm.weight")
    if norm is None or norm.ndim != 1:
        raise broken(file, f"{site.key} has no norm.weight of one dimension")
    if not 0 < norm.shape[0] <= MOST_CHANNELS:
        raise broken(file, f"{site.key} is for {norm.shape[0]} channels")
    return norm.shape[0]


def _stored_positions(sites: SiteTensors, file: str) -> int:
    """Rows of the file's own position tables; 0 where it has none."""
    tables = [v for t in sites.values() for k, v in t.items() if k.endswith(".pe") and v.ndim >= 2]
    lengths = {table.shape[-2] for table in tables}
    if len(lengths) > 1:
        raise broken(file, f"position tables of different lengths: {sorted(lengths)}")
    length = lengths.pop() if lengths else 0
    if length > MOST_POSITIONS:
        raise broken(file, f"a position table of {length} rows")
    return length


def _version(layout: Layout, sites: list[Site], stored_positions: int) -> Version:
    if Site("down", SDXL_LEVELS, 0) not in sites:
        return Version.HOTSHOT_XL if layout is Layout.HOTSHOT_XL else Version.SDXL_BETA
    if Site("mid", 0, 0) in sites:
        without_table = layout is Layout.ORIGINAL and not stored_positions
        return Version.ANIMATE_LCM if without_table else Version.V2
    # v3 has one published table; other lengths are fine-tunes of v1, which came long before it
    return Version.V3 if stored_positions in (0, V3_POSITIONS) else Version.V1


def _flatten(sites: SiteTensors, config: MotionConfig) -> StateDict:
    """Original-layout state dict with one position table per attention, the file's own if any."""
    flat: StateDict = {}
    for site, tensors in sites.items():
        shared = tensors.get(SHARED_POSITIONS)
        if shared is None:
            shared = sinusoidal_positions(config.position_length, config.channels[site])
        named = {k: v for k, v in tensors.items() if k != SHARED_POSITIONS}
        for i in range(config.attentions):
            key = f"{BLOCK}.attention_blocks.{i}.pos_encoder.pe"
            table = named.get(key, shared)
            named[key] = table[None] if table.ndim == 2 else table
        flat |= {f"{site.key}.temporal_transformer.{k}": v for k, v in named.items()}
    return flat


def expected_shapes(config: MotionConfig) -> dict[str, tuple[int, ...]]:
    """Key and shape of every tensor of an original-layout file of this structure."""
    shapes: dict[str, tuple[int, ...]] = {}
    if config.space_time:
        shapes |= resampler_shapes(config)
    for site, c in config.channels.items():
        if not config.attends_at(site):
            shapes |= convolution_shapes(site, c)
            continue
        prefix = f"{site.key}.temporal_transformer"
        for vector in ("norm.weight", "norm.bias", "proj_in.bias", "proj_out.bias"):
            shapes[f"{prefix}.{vector}"] = (c,)
        shapes[f"{prefix}.proj_in.weight"] = shapes[f"{prefix}.proj_out.weight"] = (c, c)
        for name, shape in _block_shapes(c, config).items():
            shapes[f"{prefix}.{BLOCK}.{name}"] = shape
    return shapes


def _block_shapes(c: int, config: MotionConfig) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "ff.net.0.proj.weight": (8 * c, c),
        "ff.net.0.proj.bias": (8 * c,),
        "ff.net.2.weight": (c, 4 * c),
        "ff.net.2.bias": (c,),
        "ff_norm.weight": (c,),
        "ff_norm.bias": (c,),
    }
    for i in range(config.attentions):
        attention = f"attention_blocks.{i}"
        shapes |= {f"{attention}.to_{x}.weight": (c, c) for x in ("q", "k", "v", "out.0")}
        shapes[f"{attention}.to_out.0.bias"] = (c,)
        shapes[f"{attention}.pos_encoder.pe"] = (1, config.position_length, c)
        shapes |= {f"norms.{i}.weight": (c,), f"norms.{i}.bias": (c,)}
    return shapes


def _check_complete(tensors: StateDict, expected: Shapes, file: str) -> None:
    fault = fault_of(tensors, expected)
    if fault:
        raise broken(file, fault)


def require_finite(tensors: StateDict, file: str) -> None:
    """Raise AnimateDiffError where a weight is NaN or infinite, or a tensor none of weights."""
    require_weights(tensors, file)
    # a float32 sum is NaN or infinite when any element is, and exists for every storage dtype
    bad = [key for key, tensor in tensors.items() if not torch.isfinite(tensor.float().sum())]
    if bad:
        raise AnimateDiffError(
            f"'{file}' holds NaN or infinite weights in {counted(len(bad), 'tensor')}: "
            f"{some(bad)}.",
            "finite weights",
            "download the file again; if that does not help, the file itself is broken.",
        )
