"""SparseCtrl files: what they hold, and proof that they are whole.

Guo et al., "SparseCtrl", ECCV 2024: a ControlNet with motion modules of its own. The files of
guoyww/AnimateDiff and of huggingface/diffusers have diffusers' names; those inside the motion
modules differ between the two.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from ..motion.config import DOWN_LEVELS, DOWN_SITES, Layout, MotionConfig, Site, Version
from ..motion.detect import MOST_CHANNELS, MOST_POSITIONS, require_finite
from ..motion.detect import expected_shapes as motion_shapes
from ..motion.errors import AnimateDiffError
from ..motion.formats import BLOCK, StateDict, of_another_kind, require_weights, unwrap
from ..motion.known_files import CONTROLNETS, where_from
from ..motion.positions import sinusoidal_positions
from ..motion.recognise import SPARSE_CTRL, kind_of
from ..motion.whole import fault_of

Shapes = dict[str, tuple[int, ...]]

EXAMPLE = "v3_sd15_sparsectrl_rgb.ckpt"
EXPECTED_FILE = "a SparseCtrl model for SD1.5, rgb or scribble"
HINT = "controlnet_cond_embedding"
HINT_WIDTHS = (16, 32, 96, 256)  # of the layers that see a scribble's pixels, finest first
ATTENTION_LEVELS = DOWN_LEVELS - 1  # the deepest has no attention over pixels
POSITIONS = 32  # of the published files, and of those that keep no table

_WRAPPING = re.compile(r"\A(?:module\.|controlnet\.)+")
_MOTION = re.compile(
    r"(down_blocks\.\d{1,2}\.motion_modules\.\d{1,2}\.)(?:temporal_transformer\.)?(.+)", re.DOTALL
)
_FROM_DIFFUSERS = {
    f"{BLOCK}.attn1.": f"{BLOCK}.attention_blocks.0.",
    f"{BLOCK}.norm1.": f"{BLOCK}.norms.0.",
    f"{BLOCK}.norm3.": f"{BLOCK}.ff_norm.",
    f"{BLOCK}.pos_embed.": f"{BLOCK}.attention_blocks.0.pos_encoder.",
}


class SparseKind(str, Enum):
    """What a SparseCtrl is shown: pictures, through the VAE, or line drawings, as pixels."""

    RGB = "rgb"
    SCRIBBLE = "scribble"

    @property
    def channels(self) -> int:
        """Of the pictures as the network sees them, without the mask."""
        return 4 if self is SparseKind.RGB else 3


@dataclass(frozen=True)
class SparseConfig:
    """widths: channels by level; context: of the text; positions: rows of the motion modules'
    tables, the most frames that see each other."""

    kind: SparseKind
    widths: tuple[int, ...]
    context: int
    positions: int = POSITIONS

    @property
    def motion(self) -> MotionConfig:
        """The motion modules': one attention each, on the way down only."""
        sites = (Site("down", level, i) for level in range(DOWN_LEVELS) for i in range(DOWN_SITES))
        channels = {site: self.widths[site.level] for site in sites}
        return MotionConfig(
            Version.V3, Layout.ORIGINAL, channels, self.positions, False, attentions=1
        )

    def __str__(self) -> str:
        return f"SparseCtrl {self.kind.value}, up to {self.positions} frames at once"


class SparseFile(NamedTuple):
    """encoder: under diffusers' names; motion: under the original ones."""

    config: SparseConfig
    encoder: StateDict
    motion: StateDict


def read_sparse_ctrl(loaded: object, file: str) -> SparseFile:
    """The tensors of a loaded file, all of them as they have to be.

    Raises AnimateDiffError for anything that is not a whole, finite SparseCtrl model of SD1.5.
    """
    tensors = unwrap(loaded, file, EXPECTED_FILE)
    tensors = {_WRAPPING.sub("", key): tensor for key, tensor in tensors.items()}
    _require_kind(tensors, file)
    require_weights(tensors, file)
    encoder, motion = _parted(tensors)
    config = _config(encoder, motion, file)
    motion = {**_tables(config), **motion}
    _require_whole(encoder, encoder_shapes(config), file)
    _require_whole(motion, motion_shapes(config.motion), file)
    require_finite(encoder, file)
    require_finite(motion, file)
    return SparseFile(config, encoder, motion)


def such_a_file() -> str:
    return f"a SparseCtrl model such as {where_from(EXAMPLE)}"


def _require_kind(tensors: StateDict, file: str) -> None:
    if kind_of(tensors) is not SPARSE_CTRL:
        raise of_another_kind(
            tensors, file, SPARSE_CTRL, "SparseCtrl model", EXPECTED_FILE, CONTROLNETS,
            such_a_file(),
        )  # fmt: skip


def _parted(tensors: StateDict) -> tuple[StateDict, StateDict]:
    """The encoder's tensors, and the motion modules' under their original names."""
    encoder, motion = StateDict(), StateDict()
    for key, tensor in tensors.items():
        match = _MOTION.fullmatch(key)
        if match is None:
            encoder[key] = tensor
            continue
        name = match[2]
        for theirs, original in _FROM_DIFFUSERS.items():
            name = original + name[len(theirs) :] if name.startswith(theirs) else name
        if name.endswith(".pe") and tensor.ndim == 2:
            tensor = tensor[None]
        motion[f"{match[1]}temporal_transformer.{name}"] = tensor
    return encoder, motion


def _config(encoder: StateDict, motion: StateDict, file: str) -> SparseConfig:
    keys = (f"{HINT}.weight", f"{HINT}.conv_in.weight")
    kinds = [kind for kind, key in zip(SparseKind, keys, strict=True) if key in encoder]
    if len(kinds) != 1:
        what = "none" if not kinds else "both"
        raise _broken(file, f"of {' and '.join(keys)} it has {what}")
    widths = tuple(
        _size(encoder, f"down_blocks.{level}.resnets.0.conv1.weight", 4, 0, file)
        for level in range(DOWN_LEVELS)
    )
    context = _size(
        encoder, "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight", 2, 1, file
    )
    lengths = {t.shape[-2] for key, t in motion.items() if key.endswith(".pe") and t.ndim > 1}
    if len(lengths) > 1 or max(lengths, default=POSITIONS) > MOST_POSITIONS:
        raise _broken(file, f"it has position tables of {sorted(lengths)} rows")
    config = SparseConfig(kinds[0], widths, context, lengths.pop() if lengths else POSITIONS)
    if any(c % widths[0] for c in widths):
        raise _broken(file, f"it is for {list(widths)} channels")
    try:
        config.motion  # noqa: B018  it checks the numbers
    except ValueError as error:
        raise _broken(file, str(error)) from error
    return config


def _size(tensors: StateDict, key: str, ndim: int, axis: int, file: str) -> int:
    tensor = tensors.get(key)
    if tensor is None or tensor.ndim != ndim:
        raise _broken(file, f"it has no {key} of {ndim} dimensions")
    if not 0 < tensor.shape[axis] <= MOST_CHANNELS:
        raise _broken(file, f"{key} is {list(tensor.shape)}")
    return tensor.shape[axis]


def _tables(config: SparseConfig) -> StateDict:
    """Those that older diffusers exports leave out."""
    return {
        key: sinusoidal_positions(*shape[1:])
        for key, shape in motion_shapes(config.motion).items()
        if key.endswith(".pe")
    }


def _require_whole(tensors: StateDict, expected: Shapes, file: str) -> None:
    fault = fault_of(tensors, expected)
    if fault:
        raise _broken(file, fault)


def _broken(file: str, what: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"'{file}' is not a whole SparseCtrl model: {what}.",
        EXPECTED_FILE,
        "download the file again from its source, or convert it with the tool that made it.",
    )


def encoder_shapes(config: SparseConfig) -> Shapes:
    """Key and shape of every tensor of a file, the motion modules' apart."""
    first, last = config.widths[0], config.widths[-1]
    layers: dict[str, tuple[int, ...]] = {
        "conv_in": (first, 4, 3, 3),
        "time_embedding.linear_1": (4 * first, first),
        "time_embedding.linear_2": (4 * first, 4 * first),
        "controlnet_mid_block": (last, last, 1, 1),
        **{f"controlnet_down_blocks.{n}": (c, c, 1, 1) for n, c in enumerate(_stored(config))},
    }
    layers.update(_hint_layers(config))
    norms: list[tuple[str, int]] = []
    shapes: Shapes = {}
    for place, before, c in _resnets(config):
        norms += [(f"{place}.norm1", before), (f"{place}.norm2", c)]
        layers[f"{place}.conv1"] = (c, before, 3, 3)
        layers[f"{place}.conv2"] = (c, c, 3, 3)
        layers[f"{place}.time_emb_proj"] = (c, 4 * first)
        if before != c:
            layers[f"{place}.conv_shortcut"] = (c, before, 1, 1)
    for level, c in enumerate(config.widths[:-1]):
        layers[f"down_blocks.{level}.downsamplers.0.conv"] = (c, c, 3, 3)
    for place, c in _attentions(config):
        block = f"{place}.transformer_blocks.0"
        norms += [(f"{place}.norm", c), *((f"{block}.norm{i}", c) for i in (1, 2, 3))]
        layers |= {f"{place}.{name}": (c, c, 1, 1) for name in ("proj_in", "proj_out")}
        layers |= {f"{block}.ff.net.0.proj": (8 * c, c), f"{block}.ff.net.2": (c, 4 * c)}
        for name, seen in (("attn1", c), ("attn2", config.context)):
            layers[f"{block}.{name}.to_out.0"] = (c, c)
            shapes[f"{block}.{name}.to_q.weight"] = (c, c)
            shapes |= {f"{block}.{name}.to_{x}.weight": (c, seen) for x in "kv"}
    shapes |= {f"{name}.weight": shape for name, shape in layers.items()}
    shapes |= {f"{name}.bias": shape[:1] for name, shape in layers.items()}
    return shapes | {f"{name}.{x}": (c,) for name, c in norms for x in ("weight", "bias")}


def _hint_layers(config: SparseConfig) -> Shapes:
    """The layers that see pictures and mask."""
    seen, first = config.kind.channels + 1, config.widths[0]
    if config.kind is SparseKind.RGB:
        return {HINT: (first, seen, 3, 3)}
    layers: Shapes = {
        f"{HINT}.conv_in": (HINT_WIDTHS[0], seen, 3, 3),
        f"{HINT}.conv_out": (first, HINT_WIDTHS[-1], 3, 3),
    }
    for number, c in enumerate(HINT_WIDTHS[:-1]):
        layers[f"{HINT}.blocks.{2 * number}"] = (c, c, 3, 3)
        layers[f"{HINT}.blocks.{2 * number + 1}"] = (HINT_WIDTHS[number + 1], c, 3, 3)
    return layers


def _stored(config: SparseConfig) -> Iterator[int]:
    """Channels of everything that a UNet's way down hands to its way up."""
    yield config.widths[0]
    for level, c in enumerate(config.widths):
        yield from [c] * (DOWN_SITES + (level < DOWN_LEVELS - 1))


def _resnets(config: SparseConfig) -> Iterator[tuple[str, int, int]]:
    """Place, channels before and after."""
    before = config.widths[0]
    for level, c in enumerate(config.widths):
        for number in range(DOWN_SITES):
            yield f"down_blocks.{level}.resnets.{number}", before, c
            before = c
    yield from ((f"mid_block.resnets.{number}", before, before) for number in range(2))


def _attentions(config: SparseConfig) -> Iterator[tuple[str, int]]:
    for level in range(ATTENTION_LEVELS):
        for number in range(DOWN_SITES):
            yield f"down_blocks.{level}.attentions.{number}", config.widths[level]
    yield "mid_block.attentions.0", config.widths[-1]
