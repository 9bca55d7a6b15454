"""Tora's network for motion modules: flow to features, and what each temporal block does with them.

Zhang et al., "Tora" (arXiv 2407.21705), section 3.3: the extractor makes a map of features for
every level of the UNet, and a motion-guidance fuser before each temporal block but the mid block's
adds something to what goes into it. The three designs that the paper compares have fusers of about
as many weights; the keys of a file tell which one it has.

`ops` supplies the layers: one of the host's operation sets, or torch.nn to train with.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from ..conditions.camera_encoder import LAYERS, ConvBlock, camera_sites
from ..conditions.companion import CompanionNetwork
from ..motion.config import Site, resolution_of
from ..motion.positions import sinusoidal_positions
from .flow_autoencoder import FlowEncoder

GROUPS = 32  # of the norm through which fusers see what goes into a block
SHARE = 4  # the flow's features have a quarter of a block's channels
HEADS = 4


class Design(str, Enum):
    """How a block is shown the flow."""

    CHANNELS = "channels"
    CROSS = "cross"
    NORM = "norm"


class Fuser(nn.Module):
    """Begins with the features that a block is shown, of as many channels as SHARE says."""

    last: Sequence[str] = ()  # the layers that begin at zero

    def __init__(self, channels: int, features: int, ops: Any, **factory):
        super().__init__()
        self.mix = ops.Conv2d(features, channels // SHARE, 3, padding=1, **factory)

    def forward(self, x: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """What is added to x [F, C, h, w] of a clip; features: [F, features, h, w]."""
        return self.added(F.group_norm(x, GROUPS), self.mix(features))

    def added(self, x: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
        """x: normalised; flow: [F, C / SHARE, h, w]."""
        raise NotImplementedError


class ChannelFuser(Fuser):
    """The block's channels and the flow's side by side, through one layer."""

    last = ("project",)

    def __init__(self, channels: int, features: int, ops: Any, **factory):
        super().__init__(channels, features, ops, **factory)
        self.project = ops.Conv2d(channels + channels // SHARE, channels, 1, **factory)

    def added(self, x: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
        return self.project(torch.cat([x, flow], dim=1))


class CrossFuser(Fuser):
    """Every pixel looks at the flow of its frame; both know where they are."""

    last = ("to_out",)

    def __init__(self, channels: int, features: int, ops: Any, **factory):
        super().__init__(channels, features, ops, **factory)
        inner = channels // 2
        self.to_q = ops.Linear(channels, inner, **factory)
        self.to_k = ops.Linear(channels // SHARE, inner, **factory)
        self.to_v = ops.Linear(channels // SHARE, inner, **factory)
        self.to_out = ops.Linear(inner, channels, **factory)

    def added(self, x: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
        size = x.shape[-2:]
        pixels, seen = (t.flatten(2).transpose(1, 2) for t in (x, flow))  # [F, h w, C]
        q = self.to_q(pixels + _places(size, pixels))
        k = self.to_k(seen + _places(size, seen))
        q, k, v = (t.unflatten(2, (HEADS, -1)).transpose(1, 2) for t in (q, k, self.to_v(seen)))
        found = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return self.to_out(found).transpose(1, 2).unflatten(2, size)


def _places(size: Sequence[int], like: torch.Tensor) -> torch.Tensor:
    """[h w, C]: half of the channels tell the row, half the column."""
    height, width = size
    half = like.shape[-1] // 2
    rows = sinusoidal_positions(height, half)[0, :, None].expand(-1, width, -1)
    columns = sinusoidal_positions(width, half).expand(height, -1, -1)
    return torch.cat([rows, columns], dim=2).flatten(0, 1).to(like)


class NormFuser(Fuser):
    """GN(x) gamma + beta, by convolutions along the frames."""

    last = ("gamma", "beta")

    def __init__(self, channels: int, features: int, ops: Any, **factory):
        super().__init__(channels, features, ops, **factory)
        self.gamma = ops.Conv1d(channels // SHARE, channels, 3, **factory)
        self.beta = ops.Conv1d(channels // SHARE, channels, 3, **factory)

    def added(self, x: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
        along = flow.permute(2, 3, 1, 0).flatten(0, 1)  # [h w, C, F]
        along = F.pad(along, (1, 1), mode="replicate")
        gamma, beta = (
            layer(along).unflatten(0, x.shape[-2:]).permute(3, 2, 0, 1)
            for layer in (self.gamma, self.beta)
        )
        return x * gamma + beta


FUSERS = {
    Design.CHANNELS: ChannelFuser,
    Design.CROSS: CrossFuser,
    Design.NORM: NormFuser,
}


class Structure(NamedTuple):
    """widths: the UNet's channels per level; features: channels of the extractor's maps; latents,
    hidden: see FlowEncoder."""

    design: Design
    widths: tuple[int, ...]
    features: int
    latents: int
    hidden: int


class Extractor(nn.Module):
    """A map of features per level of the UNet."""

    def __init__(self, levels: int, features: int, latents: int, ops: Any, **factory):
        super().__init__()
        self.conv_in = ops.Conv2d(latents, features, 3, padding=1, **factory)
        self.levels = nn.ModuleList(
            nn.ModuleList(
                ConvBlock(features, features, level > 0 and not i, ops, **factory)
                for i in range(LAYERS)
            )
            for level in range(levels)
        )

    def forward(self, latents: torch.Tensor) -> list[torch.Tensor]:
        """[F, features, h, w] for every level, h and w of latents [F, latents, h, w] at first."""
        x, maps = self.conv_in(latents), []
        for level in self.levels:
            for block in level:  # type: ignore[attr-defined]
                x = block(x)
            maps.append(x)
        return maps


class ToraNetwork(CompanionNetwork):
    """The flow's encoder, the extractor, and a fuser per temporal block that sees the paths."""

    def __init__(self, structure: Structure, ops: Any, dtype=None, device=None):
        super().__init__(dtype)
        self.structure = structure
        factory = {"dtype": dtype, "device": device}
        self.flow_encoder = FlowEncoder(structure.latents, structure.hidden, ops, **factory)
        levels = len(structure.widths)
        self._seeing = frozenset(camera_sites(levels))
        self.extractor = Extractor(levels, structure.features, structure.latents, ops, **factory)
        make = FUSERS[structure.design]
        self.fusers = nn.ModuleDict(
            {
                _name(site): make(self.channels(site), structure.features, ops, **factory)
                for site in camera_sites(levels)
            }
        )

    @property
    def widths_by_site(self) -> dict[Site, int]:
        """The channels of every block that sees the paths."""
        return {site: self.channels(site) for site in camera_sites(len(self.structure.widths))}

    def channels(self, site: Site) -> int:
        return self.structure.widths[self.level(site)]

    def level(self, site: Site) -> int:
        return resolution_of(site, len(self.structure.widths))

    def fuser(self, site: Site) -> Any:
        """The site's; None where it sees no paths."""
        return self.fusers[_name(site)] if site in self._seeing else None

    def forward(self, flow: torch.Tensor) -> list[torch.Tensor]:
        """The features of every level, of flow [F, 2, 8 h, 8 w]."""
        return self.extractor(self.flow_encoder(flow))

    def get_dtype(self) -> torch.dtype | None:
        """The storage dtype, under the name by which the host asks for it."""
        return self.dtype


def _name(site: Site) -> str:
    return f"{site.block}_{site.level}_{site.index}"


def first_weights(structure: Structure, seed: int = 0) -> dict[str, torch.Tensor]:
    """To begin a training with: torch's own initialisation, and fusers that add nothing."""
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ToraNetwork(structure, nn)
        for fuser in network.fusers.values():
            for name in fuser.last:  # type: ignore[union-attr]
                for parameter in fuser.get_submodule(name).parameters():  # type: ignore[arg-type]
                    nn.init.zeros_(parameter)
    return {key: value.detach() for key, value in network.as_in_files().items()}


def expected_shapes(structure: Structure) -> dict[str, tuple[int, ...]]:
    """Key and shape of every tensor of a file of this structure."""
    with torch.device("meta"):
        network = ToraNetwork(structure, nn)
    return {key: tuple(tensor.shape) for key, tensor in network.as_in_files().items()}
