"""CameraCtrl's network: an encoder of camera rays, and what each temporal block does with its maps.

He et al., "CameraCtrl" (arXiv 2404.02101), section 3.2 and 3.3; weights and order of operations as
in hehao13/CameraCtrl. Module names give the keys of its files, but for the position tables and
the merges, which lie deep inside the names of motion modules there.

`ops` supplies the layers: one of the host's operation sets, or torch.nn to train with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ..motion.block import PLAIN, TemporalBlock
from ..motion.config import DOWN_SITES, HEADS, UP_SITES, Site, resolution_of
from ..motion.network import TABLE as TABLE_HERE
from ..motion.network import TABLE_IN_FILE, as_in_files, in_dtype
from ..motion.positions import sinusoidal_positions
from ..samplers.fuse import Fuse, shares
from ..samplers.windows import WindowPlan

PATCH = 8  # pixels of a picture per pixel of its latent
RAY_CHANNELS = 6  # see camera_rays.py
LAYERS = 2  # per level: a convolution block and attention along the frames
WIDTHS, ROWS = (320, 640, 1280, 1280), 16  # of the published file

_MERGE = re.compile(
    r"(down|up)_blocks\.(\d+)\.motion_modules\.(\d+)\.temporal_transformer\.transformer_blocks\.0\."
    r"attention_blocks\.0\.processor\.qkv_merge\.(weight|bias)"
)


def camera_sites(levels: int) -> Iterator[Site]:
    """The blocks that see the camera: all but the mid block's."""
    yield from (Site("down", level, i) for level in range(levels) for i in range(DOWN_SITES))
    yield from (Site("up", level, i) for level in range(levels) for i in range(UP_SITES))


class ConvBlock(nn.Module):
    """x + two convolutions of it, of half the size where it goes down a level."""

    def __init__(self, before: int, channels: int, down: bool, ops: Any, **factory):
        super().__init__()
        self.down = down
        self.in_conv = None
        if before != channels:
            self.in_conv = ops.Conv2d(before, channels, 1, **factory)
        self.block1 = ops.Conv2d(channels, channels, 3, padding=1, **factory)
        self.block2 = ops.Conv2d(channels, channels, 1, **factory)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: [F, C, h, w]."""
        x = _halved(x) if self.down else x
        x = x if self.in_conv is None else self.in_conv(x)
        return x + self.block2(F.relu(self.block1(x)))


def _halved(x: torch.Tensor) -> torch.Tensor:
    """The means of 2 x 2; as many as the UNet has of odd sizes, the last ones doubled."""
    height, width = x.shape[-2:]
    if height % 2 or width % 2:
        x = F.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
    return F.avg_pool2d(x, 2)


class CameraNetwork(nn.Module):
    """The encoder, and a merge per block that sees the camera.

    widths: channels per level; rows: of the position table, the frames that the encoder sees at
    once.
    """

    def __init__(self, widths: Sequence[int], rows: int, ops: Any, dtype=None, device=None):
        super().__init__()
        factory = {"dtype": dtype, "device": device}
        self.widths, self.rows, self.dtype = tuple(widths), rows, dtype
        self._seeing = frozenset(camera_sites(len(widths)))
        self.encoder_conv_in = ops.Conv2d(
            RAY_CHANNELS * PATCH * PATCH, widths[0], 3, padding=1, **factory
        )
        self.encoder_down_conv_blocks = nn.ModuleList()
        self.encoder_down_attention_blocks = nn.ModuleList()
        for level, channels in enumerate(widths):
            before = widths[max(level - 1, 0)]
            self.encoder_down_conv_blocks.append(
                nn.ModuleList(
                    ConvBlock(channels if i else before, channels, not i and level > 0, ops,
                              **factory)
                    for i in range(LAYERS)
                )
            )  # fmt: skip
            self.encoder_down_attention_blocks.append(
                nn.ModuleList(
                    TemporalBlock(channels, HEADS, rows, ops, attentions=1, **factory)
                    for _ in range(LAYERS)
                )
            )
        self.merges = nn.ModuleDict(
            {
                _merge_name(site): ops.Linear(
                    *[widths[resolution_of(site, len(widths))]] * 2, **factory
                )
                for site in self.sites
            }
        )

    @property
    def sites(self) -> list[Site]:
        return list(camera_sites(len(self.widths)))

    def channels(self, site: Site) -> int:
        return self.widths[resolution_of(site, len(self.widths))]

    def merge(self, site: Site) -> nn.Module | None:
        """The site's layer W, b; None where it sees no camera."""
        return self.merges[_merge_name(site)] if site in self._seeing else None

    def forward(self, rays: torch.Tensor) -> list[torch.Tensor]:
        """A map [F, C, h, w] per level, for rays [F, 6, 8 h, 8 w] of the first one."""
        x = self.encoder_conv_in(F.pixel_unshuffle(rays, PATCH))
        views = self._views(len(x))
        maps = []
        for convs, blocks in zip(
            self.encoder_down_conv_blocks, self.encoder_down_attention_blocks, strict=True
        ):
            for conv, block in zip(convs, blocks, strict=True):  # type: ignore[call-overload]
                x = _along_frames(block, conv(x), views)
            maps.append(x)
        return maps

    def _views(self, frames: int) -> list[tuple[list[int], torch.Tensor]]:
        """Overlapping parts of more frames than the table has rows, each with its share."""
        if frames <= self.rows:
            return []
        plan = WindowPlan(self.rows, self.rows // 2)
        views = plan.windows(frames)
        own = shares(Fuse.PYRAMID, views, frames, plan)
        return [(list(view), share) for view, share in zip(views, own, strict=True)]

    def take(self, tensors: Mapping[str, torch.Tensor], assign: bool = False) -> None:
        """Copies of the tensors of a file, under its names; assign: the tensors themselves."""
        renamed = {_name_here(key): _as_here(key, tensor) for key, tensor in tensors.items()}
        if not assign and self.encoder_conv_in.weight is None:  # the host's lazy layers
            renamed = in_dtype(renamed, self.dtype)
        self.load_state_dict(renamed, assign=assign)

    def as_in_files(self) -> dict[str, torch.Tensor]:
        """The weights under the names of the published files."""
        return {_name_in_file(key): t for key, t in as_in_files(self.state_dict()).items()}

    def get_dtype(self) -> torch.dtype | None:
        """The storage dtype, under the name by which the host asks for it."""
        return self.dtype


def _along_frames(block: TemporalBlock, x: torch.Tensor, views: list) -> torch.Tensor:
    """The block at every pixel of x [F, C, h, w]; attention in views, where there are any."""
    size = x.shape[-2:]
    tokens = x.permute(2, 3, 0, 1).flatten(0, 1)  # [h w, F, C]
    if views:
        fused = torch.zeros_like(tokens)
        for frames, share in views:
            seen = block.attend_along(PLAIN, tokens[:, frames])
            fused[:, frames] += seen * share.to(seen)[:, None]
        tokens = fused + block.ff(block.ff_norm(fused))
    else:
        tokens = block(tokens.clone())  # which it uses up
    return tokens.unflatten(0, size).permute(2, 3, 0, 1)


def first_weights(
    widths: Sequence[int] = WIDTHS, rows: int = ROWS, seed: int = 0
) -> dict[str, torch.Tensor]:
    """To begin a training with, under the names of the files: torch's own initialisation, and
    merges of 0, with which the motion module is as it was."""
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = CameraNetwork(widths, rows, nn)
        for parameter in network.merges.parameters():
            nn.init.zeros_(parameter)
        weights = network.as_in_files()
        for key, value in weights.items():
            if key.endswith(TABLE_IN_FILE):
                value.copy_(sinusoidal_positions(*value.shape[1:]))
    return {key: value.detach() for key, value in weights.items()}


def _merge_name(site: Site) -> str:
    return f"{site.block}_{site.level}_{site.index}"


def merge_key(site: Site) -> str:
    """Of the files: where a site's merge is."""
    inside = "temporal_transformer.transformer_blocks.0.attention_blocks.0.processor.qkv_merge"
    return f"{site.key}.{inside}"


def _name_here(key: str) -> str:
    merge = _MERGE.fullmatch(key)
    if merge:
        return f"merges.{merge[1]}_{merge[2]}_{merge[3]}.{merge[4]}"
    return key.replace(TABLE_IN_FILE, TABLE_HERE)


def _as_here(key: str, tensor: torch.Tensor) -> torch.Tensor:
    return tensor.flatten(0, 1) if key.endswith(TABLE_IN_FILE) and tensor.ndim == 3 else tensor


def _name_in_file(name: str) -> str:
    if not name.startswith("merges."):
        return name
    _, place, layer = name.split(".")
    block, level, index = place.split("_")
    return f"{merge_key(Site(block, int(level), int(index)))}.{layer}"


def expected_shapes(widths: Sequence[int], rows: int) -> dict[str, tuple[int, ...]]:
    """Key and shape of every tensor of a file of this structure, in one flat dict."""
    shapes: dict[str, tuple[int, ...]] = {}
    with torch.device("meta"):
        network = CameraNetwork(widths, rows, nn)
    for key, tensor in network.as_in_files().items():
        shapes[key] = tuple(tensor.shape)
    return shapes
