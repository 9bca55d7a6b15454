"""Flow as latents: a small autoencoder, in place of the video VAE that Tora codes its flow with.

Every frame by itself: the latents have the grid and the frames of the clip's.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ..conditions.camera_encoder import PATCH

FLOW = 2  # channels: u and v


class FlowEncoder(nn.Module):
    """latents: channels of what it makes; hidden: between its two layers."""

    def __init__(self, latents: int, hidden: int, ops: Any, **factory):
        super().__init__()
        self.conv_in = ops.Conv2d(FLOW * PATCH**2, hidden, 3, padding=1, **factory)
        self.conv_out = ops.Conv2d(hidden, latents, 3, padding=1, **factory)

    def forward(self, flow: torch.Tensor) -> torch.Tensor:
        """[N, latents, h, w] of flow [N, 2, 8 h, 8 w]."""
        return self.conv_out(F.silu(self.conv_in(F.pixel_unshuffle(flow, PATCH))))


class FlowAutoencoder(nn.Module):
    """The encoder with the decoder that it is trained with."""

    def __init__(self, latents: int, hidden: int):
        super().__init__()
        self.encoder = FlowEncoder(latents, hidden, nn)
        self.conv_in = nn.Conv2d(latents, hidden, 3, padding=1)
        self.conv_out = nn.Conv2d(hidden, FLOW * PATCH**2, 3, padding=1)

    def forward(self, flow: torch.Tensor) -> torch.Tensor:
        """[N, 2, 8 h, 8 w], as what went in."""
        x = F.silu(self.conv_in(self.encoder(flow)))
        return F.pixel_shuffle(self.conv_out(x), PATCH)
