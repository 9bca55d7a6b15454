"""What a space-time U-Net has in place of temporal attention in all but its coarsest resolution,
and what makes its frames fewer and more.

Bar-Tal et al., "Lumiere", 2024 (arXiv 2401.12945), section 3.1 and figure 4: a convolution in the
picture's plane, then one along the frames, behind every layer of the text-to-image model; frames
are resampled where height and width are. Both begin as what changes nothing: the last layer of a
block is zero, the resamplers are nearest neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from .block import PLAIN, PlainSite, with_added
from .frame_sharing import repeated

GROUPS, EPS = 32, 1e-6  # of the norms, as in motion modules


class FactorisedConvolution(nn.Module):
    """x + strength P(s(N(along frames(s(N(in the plane(x))))))), s the SiLU."""

    def __init__(self, channels: int, ops: Any, **factory):
        super().__init__()
        self.spatial = ops.Conv2d(channels, channels, 3, padding=1, **factory)
        self.spatial_norm = ops.GroupNorm(GROUPS, channels, eps=EPS, **factory)
        self.temporal = ops.Conv2d(channels, channels, (3, 1), padding=(1, 0), **factory)
        self.temporal_norm = ops.GroupNorm(GROUPS, channels, eps=EPS, **factory)
        self.proj_out = ops.Conv2d(channels, channels, 1, **factory)

    def forward(
        self,
        x: torch.Tensor,
        frames: int,
        strength: float | torch.Tensor = 1.0,
        at: PlainSite = PLAIN,
    ) -> torch.Tensor:
        """x: [(clips frames), C, h, w]; strength: a number, or a tensor that broadcasts to
        [clips, frames, 1, h, w]."""
        added = F.silu(self.spatial_norm(self.spatial(x)))
        added = along_frames(self.temporal, added, frames)
        added = self.proj_out(F.silu(self.temporal_norm(added)))
        return with_added(x, added.unflatten(0, (-1, frames)), strength)


def along_frames(layer: Callable, x: torch.Tensor, frames: int) -> torch.Tensor:
    """A convolution of kernel [n, 1] on [(clips frames), C, h, w], along the frames; their number
    may change."""
    size = x.shape[-2:]
    planes = x.flatten(2).unflatten(0, (-1, frames)).transpose(1, 2)  # [clips, C, F, h w]
    return layer(planes).transpose(1, 2).flatten(0, 1).unflatten(-1, size)


class _Resampler(nn.Module):
    """A convolution along the frames; those at the ends are repeated beyond them."""

    def __init__(self, channels: int, stride: int, ops: Any, **factory):
        super().__init__()
        self.conv = ops.Conv2d(channels, channels, (3, 1), stride=(stride, 1), **factory)

    def begin_as_nearest(self) -> None:
        """Hands its nearest frame on."""
        with torch.no_grad():
            for each in (self.conv.weight, self.conv.bias):
                nn.init.zeros_(each)
            self.conv.weight[:, :, 1, 0].fill_diagonal_(1.0)

    def _padded(self, planes: torch.Tensor) -> torch.Tensor:
        return self.conv(F.pad(planes, (0, 0, 1, 1), mode="replicate"))


class TemporalDownsampler(_Resampler):
    def __init__(self, channels: int, ops: Any, **factory):
        super().__init__(channels, 2, ops, **factory)

    def forward(self, x: torch.Tensor, frames: int) -> torch.Tensor:
        """x: [(clips frames), C, h, w]; half of the frames, rounded up."""
        return along_frames(self._padded, x, frames)


class TemporalUpsampler(_Resampler):
    def __init__(self, channels: int, ops: Any, **factory):
        super().__init__(channels, 1, ops, **factory)

    def forward(self, x: torch.Tensor, frames: int, wanted: int) -> torch.Tensor:
        """x: [(clips frames), C, h, w]; wanted: frames, at most twice as many."""
        more = repeated(x.unflatten(0, (-1, frames)), wanted).flatten(0, 1)
        return along_frames(self._padded, more, wanted)
