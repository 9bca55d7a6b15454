"""All temporal blocks of a motion module, addressed by site and named as in the original files."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from .block import TemporalTransformer
from .config import MotionConfig, Site

# A position table is a layer here, [L, C], and a bare tensor in the files, [1, L, C].
TABLE_IN_FILE, TABLE = ".pos_encoder.pe", ".pos_encoder.weight"


class _Wrapped(nn.Module):
    """The level `temporal_transformer.` that the original keys have."""

    def __init__(self, transformer: TemporalTransformer):
        super().__init__()
        self.temporal_transformer = transformer


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
        for site in config.sites:
            transformer = TemporalTransformer(
                config.channels[site],
                config.heads,
                config.position_length,
                ops,
                config.attentions,
                config.own_norm_over_frames,
                dtype=dtype,
                device=device,
            )
            self._level(site).motion_modules.append(_Wrapped(transformer))

    def _level(self, site: Site) -> _Level:
        if site.block == "mid":
            return self.mid_block
        levels = self.down_blocks if site.block == "down" else self.up_blocks
        while len(levels) <= site.level:
            levels.append(_Level())
        return levels[site.level]  # type: ignore[return-value]

    def at(self, site: Site) -> TemporalTransformer:
        """The temporal block of a site."""
        return self._level(site).motion_modules[site.index].temporal_transformer  # type: ignore[return-value]

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
        return self.at(self.config.sites[0]).proj_in.weight is None

    def get_dtype(self) -> torch.dtype | None:
        """The storage dtype, under the name by which the host asks for it."""
        return self.dtype


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
