"""The temporal transformer of a motion module: attention along the frames at every pixel.

Guo et al., "AnimateDiff", ICLR 2024, section 4.2; weights and order of operations as in
guoyww/AnimateDiff (`VanillaTemporalModule`). Module names give the original state-dict keys.

`ops` supplies Linear, GroupNorm and LayerNorm; inside ComfyUI it is one of the host's
operation sets, so that casting, offloading and weight patches are the host's work.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

# Pixels are independent of each other here, so they can be taken a slice at a time. Attention
# kernels put the batch on a CUDA grid dimension limited to 65,535: stay below it.
MAX_SEQUENCES = 1 << 15
# On a CPU a slice should stay in the cache: at 320 channels 1.02 (128 px) to 1.17 times (256 px)
# as fast as all at once, no difference at 640 (medians on two cores, 16 frames).
MAX_TOKENS_CPU = 1 << 11


def _accumulate(total: torch.Tensor, term: torch.Tensor) -> torch.Tensor:
    """total + term, in place where autograd does not need the old total."""
    return total + term if torch.is_grad_enabled() else total.add_(term)


class PositionTable(nn.Module):
    """Adds a row of the table `pe` [1, L, C] to every frame."""

    def __init__(self, length: int, channels: int, device=None):
        super().__init__()
        self.pe: torch.Tensor
        self.register_buffer("pe", torch.zeros(1, length, channels, device=device))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: [sequences, frames, C]."""
        return _accumulate(x, self.pe[:, : x.shape[1]].to(device=x.device, dtype=x.dtype))


class TemporalAttention(nn.Module):
    """Self-attention over the frames; q, k and v all see the position table."""

    def __init__(self, channels: int, heads: int, positions: int, ops: Any, **factory):
        super().__init__()
        self.heads = heads
        self.pos_encoder = PositionTable(positions, channels, device=factory.get("device"))
        self.to_q = ops.Linear(channels, channels, bias=False, **factory)
        self.to_k = ops.Linear(channels, channels, bias=False, **factory)
        self.to_v = ops.Linear(channels, channels, bias=False, **factory)
        self.to_out = nn.ModuleList([ops.Linear(channels, channels, **factory)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: [sequences, frames, C], already normalised, used up."""
        x = self.pos_encoder(x)
        q, k, v = (
            to(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for to in (self.to_q, self.to_k, self.to_v)
        )
        attended = F.scaled_dot_product_attention(q, k, v)
        return self.to_out[0](attended.transpose(1, 2).flatten(-2))


class GatedGelu(nn.Module):
    """Linear C -> 2H, split into value and gate: value * GELU(gate)."""

    def __init__(self, channels: int, hidden: int, ops: Any, **factory):
        super().__init__()
        self.proj = ops.Linear(channels, 2 * hidden, **factory)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    """C -> 4C (gated) -> C."""

    def __init__(self, channels: int, ops: Any, **factory):
        super().__init__()
        gated = GatedGelu(channels, 4 * channels, ops, **factory)
        # index 1 is the reference's dropout, which does nothing at inference
        self.net = nn.ModuleList(
            [gated, nn.Identity(), ops.Linear(4 * channels, channels, **factory)]
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: [sequences, frames, C]."""
        return self.net[2](self.net[0](x))


class TemporalBlock(nn.Module):
    """Pre-norm transformer block: attention twice, then the feed-forward."""

    def __init__(self, channels: int, heads: int, positions: int, ops: Any, **factory):
        super().__init__()
        self.attention_blocks = nn.ModuleList(
            TemporalAttention(channels, heads, positions, ops, **factory) for _ in range(2)
        )
        self.norms = nn.ModuleList(ops.LayerNorm(channels, **factory) for _ in range(2))
        self.ff = FeedForward(channels, ops, **factory)
        self.ff_norm = ops.LayerNorm(channels, **factory)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: [sequences, frames, C], used up."""
        for attention, norm in zip(self.attention_blocks, self.norms, strict=True):
            x = _accumulate(x, attention(norm(x)))
        return _accumulate(x, self.ff(self.ff_norm(x)))


class TemporalTransformer(nn.Module):
    """What a motion module adds at one site: x + strength * (T(x) - x)."""

    def __init__(self, channels: int, heads: int, positions: int, ops: Any, **factory):
        super().__init__()
        self.norm = ops.GroupNorm(32, channels, eps=1e-6, **factory)
        self.proj_in = ops.Linear(channels, channels, **factory)
        self.transformer_blocks = nn.ModuleList(
            [TemporalBlock(channels, heads, positions, ops, **factory)]
        )
        self.proj_out = ops.Linear(channels, channels, **factory)

    def forward(self, x: torch.Tensor, frames: int, strength: float = 1.0) -> torch.Tensor:
        """x: [(clips frames), C, h, w]; the first norm takes each frame by itself."""
        clips, (channels, height, width) = x.shape[0] // frames, x.shape[1:]
        tokens = self.norm(x).unflatten(0, (clips, frames)).permute(0, 3, 4, 1, 2)
        slices = tokens.reshape(-1, frames, channels).split(_sequences_at_once(x.device, frames))
        added = torch.cat([self._along_frames(part) for part in slices])
        added = added.reshape(clips, height, width, frames, channels).permute(0, 3, 4, 1, 2)
        return torch.add(x.unflatten(0, (clips, frames)), added, alpha=strength).flatten(0, 1)

    def _along_frames(self, tokens: torch.Tensor) -> torch.Tensor:
        """T(x) - x of some pixels; tokens: [sequences, frames, C], normalised."""
        tokens = self.proj_in(tokens)
        for block in self.transformer_blocks:
            tokens = block(tokens)
        return self.proj_out(tokens)


def _sequences_at_once(device: torch.device, frames: int) -> int:
    return max(1, MAX_TOKENS_CPU // frames) if device.type == "cpu" else MAX_SEQUENCES
