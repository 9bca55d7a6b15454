"""All temporal blocks of a motion module, addressed by site and named as in the original files."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from .block import TemporalTransformer
from .config import MotionConfig, Site
from .space_time import FactorisedConvolution, TemporalDownsampler, TemporalUpsampler

# A position table is a layer here, [L, C], and a bare tensor in the files, [1, L, C].
TABLE_IN_FILE, TABLE = ".pos_encoder.pe", ".pos_encoder.weight"


TRANSFORMER, CONVOLUTION = "temporal_transformer", "factorised_convolution"
DOWNSAMPLER, UPSAMPLER = "temporal_downsampler", "temporal_upsampler"


class _Wrapped(nn.Module):
    """The level `temporal_transformer.` that the original keys have, or the other kind's."""

    def __init__(self, block: nn.Module):
        super().__init__()
        self.kind = TRANSFORMER if isinstance(block, TemporalTransformer) else CONVOLUTION
        self.add_module(self.kind, block)

    @property
    def block(self) -> nn.Module:
        return self.get_submodule(self.kind)


class _Level(nn.Module):
    """The level `motion_modules.` of one block of the UNet."""

    def __init__(self):
        super().__init__()
        self.motion_modules = nn.ModuleList()


class MotionNetwork(nn.Module):
    """The module of a motion file; its state dict has the original keys, tables apart."""

    def __init__(self, config: MotionConfig, ops: Any, dtype=None, device=None):
        super().__init__()
        self.config = config
        self.dtype = dtype
        self.down_blocks = nn.ModuleList()
        if config.mid_block:
            self.mid_block = _Level()
        self.up_blocks = nn.ModuleList()
        factory = {"dtype": dtype, "device": device}
        for site in config.sites:
            block = _block(config, site, ops, factory)
            self._level(site).motion_modules.append(_Wrapped(block))
        if config.space_time:
            self._add_resamplers(ops, factory)

    def _add_resamplers(self, ops: Any, factory: dict) -> None:
        """Behind each spatial resampler, on the way down and up."""
        for number in range(self.config.levels - 1):
            down, up = (Site(block, number, 0) for block in ("down", "up"))
            fewer = TemporalDownsampler(self.config.channels[down], ops, **factory)
            more = TemporalUpsampler(self.config.channels[up], ops, **factory)
            self._level(down).add_module(DOWNSAMPLER, fewer)
            self._level(up).add_module(UPSAMPLER, more)

    def _level(self, site: Site) -> _Level:
        if site.block == "mid":
            return self.mid_block
        levels = self.down_blocks if site.block == "down" else self.up_blocks
        while len(levels) <= site.level:
            levels.append(_Level())
        return levels[site.level]  # type: ignore[return-value]

    def begin_as_nearest(self) -> None:
        """Resamplers that hand their nearest frame on, where there are any."""
        for module in self.modules():
            if isinstance(module, (TemporalDownsampler, TemporalUpsampler)):
                module.begin_as_nearest()

    def at(self, site: Site) -> Any:
        """The temporal block of a site: a TemporalTransformer, or a FactorisedConvolution where the
        configuration says so."""
        return self._level(site).motion_modules[site.index].block

    def down(self, level: int, x: torch.Tensor, frames: int) -> torch.Tensor:
        """A space-time U-Net's Resampling."""
        return getattr(self._level(Site("down", level - 1, 0)), DOWNSAMPLER)(x, frames)

    def up(self, level: int, x: torch.Tensor, frames: int, wanted: int) -> torch.Tensor:
        """A space-time U-Net's Resampling."""
        site = Site("up", self.config.levels - 1 - level, 0)
        return getattr(self._level(site), UPSAMPLER)(x, frames, wanted)

    def take(self, tensors: Mapping[str, torch.Tensor], assign: bool = False) -> None:
        """Copies of the tensors of a file, under the original names; assign: the tensors
        themselves, of whatever dtype."""
        renamed = {
            key.replace(TABLE_IN_FILE, TABLE): t[0] if key.endswith(TABLE_IN_FILE) else t
            for key, t in tensors.items()
        }
        if not assign and self._layers_are_lazy:
            renamed = in_dtype(renamed, self.dtype)
        self.load_state_dict(renamed, assign=assign)

    def as_in_files(self) -> dict[str, torch.Tensor]:
        """The weights under the original names."""
        return as_in_files(self.state_dict())

    @property
    def _layers_are_lazy(self) -> bool:
        """Whether the layers come without weights and take those that they are given as they
        are, as the host's do where it has dynamic VRAM."""
        return self.at(self.config.sites[0]).proj_out.weight is None

    def get_dtype(self) -> torch.dtype | None:
        """The storage dtype, under the name by which the host asks for it."""
        return self.dtype


def _block(config: MotionConfig, site: Site, ops: Any, factory: dict) -> nn.Module:
    channels = config.channels[site]
    if not config.attends_at(site):
        return FactorisedConvolution(channels, ops, **factory)
    return TemporalTransformer(
        channels,
        config.heads,
        config.position_length,
        ops,
        config.attentions,
        config.own_norm_over_frames,
        **factory,
    )


def in_dtype(
    tensors: Mapping[str, torch.Tensor], dtype: torch.dtype | None
) -> dict[str, torch.Tensor]:
    """As layers have to be given them that take what they get; tables keep their own dtype."""
    return {k: t if k.endswith(TABLE) else t.to(dtype) for k, t in tensors.items()}


def as_in_files(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A network's tensors under the original names."""
    return {
        key.replace(TABLE, TABLE_IN_FILE): tensor[None] if key.endswith(TABLE) else tensor
        for key, tensor in state.items()
    }
