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
BLOCK = "transformer_blocks.0"  # every published motion module has one


def _accumulate(total: torch.Tensor, term: torch.Tensor) -> torch.Tensor:
    """total + term, in place where autograd does not need the old total."""
    return total + term if torch.is_grad_enabled() else total.add_(term)


def with_added(
    x: torch.Tensor, added: torch.Tensor, strength: float | torch.Tensor
) -> torch.Tensor:
    """x + strength added, [(clips frames), C, h, w] as x; added: [clips, frames, C, h, w].

    strength: a number, or a tensor that broadcasts to [clips, frames, 1, h, w].
    """
    x = x.unflatten(0, added.shape[:2])
    if isinstance(strength, torch.Tensor):
        return torch.addcmul(x, added, strength.to(added)).flatten(0, 1)
    return torch.add(x, added, alpha=strength).flatten(0, 1)


class PlainSite:
    """How a block computes where no effect is at work: layers and attention as they are."""

    def part(self, first: int, behind_last: int) -> "PlainSite":
        """The same for a slice of the sequences."""
        return self

    whole_clips = False  # whether a slice has to be of whole clips

    def attentions(self, block: "TemporalBlock", x: torch.Tensor) -> torch.Tensor:
        """x: [S, F, C], used up; with what both attentions add."""
        return block.attend_along(self, x)

    def attention(
        self, index: int, attention: "TemporalAttention", x: torch.Tensor, rows: Any
    ) -> torch.Tensor:
        """x: [S, F, C], normalised, used up; what the attention adds."""
        return attention(x, self)

    stride = 1  # every how many of a clip's frames one is at hand

    def positions(self, table: nn.Module, x: torch.Tensor, rows: Any) -> torch.Tensor:
        """[F, C] for the frames of x [S, F, C], out of the position table [L, C]."""
        return table(torch.arange(0, x.shape[1] * self.stride, self.stride, device=x.device))

    def linear(self, name: str, layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
        """x: [S, F, in]; name: the layer's place in the temporal transformer."""
        return layer(x)

    def attend(self, index: int, q, k, v) -> torch.Tensor:
        """q, k, v: [S, heads, F, C / heads]; index: which attention of the block it is."""
        return F.scaled_dot_product_attention(q, k, v)


PLAIN = PlainSite()


class SharingSite(PlainSite):
    """The same where only every so many-th frame of a clip is at hand."""

    def __init__(self, stride: int):
        self.stride = stride


class TemporalAttention(nn.Module):
    """Self-attention over the frames; q, k and v all see the position table.

    The table is one of the host's layers, so that it lies where the weights do, and keeps fp32:
    it is rounded once, to what is computed in.
    """

    def __init__(self, channels: int, heads: int, positions: int, ops: Any, index: int, **factory):
        super().__init__()
        self.heads = heads
        self.index = index
        self.pos_encoder = ops.Embedding(
            positions, channels, dtype=torch.float32, device=factory.get("device")
        )
        self.to_q = ops.Linear(channels, channels, bias=False, **factory)
        self.to_k = ops.Linear(channels, channels, bias=False, **factory)
        self.to_v = ops.Linear(channels, channels, bias=False, **factory)
        self.to_out = nn.ModuleList([ops.Linear(channels, channels, **factory)])

    def forward(self, x: torch.Tensor, at: PlainSite = PLAIN, rows: Any = None) -> torch.Tensor:
        """x: [sequences, frames, C], already normalised, used up; rows: see PlainSite.positions."""
        x = _accumulate(x, at.positions(self.pos_encoder, x, rows).to(x.dtype))
        place = f"{BLOCK}.attention_blocks.{self.index}"
        q, k, v = (
            at.linear(f"{place}.{name}", to, x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for name, to in (("to_q", self.to_q), ("to_k", self.to_k), ("to_v", self.to_v))
        )
        attended = at.attend(self.index, q, k, v).transpose(1, 2).flatten(-2)
        return at.linear(f"{place}.to_out.0", self.to_out[0], attended)


class GatedGelu(nn.Module):
    """Linear C -> 2H, split into value and gate: value * GELU(gate)."""

    def __init__(self, channels: int, hidden: int, ops: Any, **factory):
        super().__init__()
        self.proj = ops.Linear(channels, 2 * hidden, **factory)

    def forward(self, x: torch.Tensor, at: PlainSite = PLAIN) -> torch.Tensor:
        value, gate = at.linear(f"{BLOCK}.ff.net.0.proj", self.proj, x).chunk(2, dim=-1)
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

    def forward(self, x: torch.Tensor, at: PlainSite = PLAIN) -> torch.Tensor:
        """x: [sequences, frames, C]."""
        return at.linear(f"{BLOCK}.ff.net.2", self.net[2], self.net[0](x, at))


class TemporalBlock(nn.Module):
    """Pre-norm transformer block: attention (twice in a motion module), then the feed-forward."""

    def __init__(
        self, channels: int, heads: int, positions: int, ops: Any, attentions: int = 2, **factory
    ):
        super().__init__()
        self.attention_blocks = nn.ModuleList(
            TemporalAttention(channels, heads, positions, ops, index, **factory)
            for index in range(attentions)
        )
        self.norms = nn.ModuleList(ops.LayerNorm(channels, **factory) for _ in range(attentions))
        self.ff = FeedForward(channels, ops, **factory)
        self.ff_norm = ops.LayerNorm(channels, **factory)

    def forward(self, x: torch.Tensor, at: PlainSite = PLAIN) -> torch.Tensor:
        """x: [sequences, frames, C], used up."""
        x = at.attentions(self, x)
        return _accumulate(x, self.ff(self.ff_norm(x), at))

    def attend_along(self, at: PlainSite, x: torch.Tensor, rows: Any = None) -> torch.Tensor:
        """All attentions, each added to what went into it. x: [sequences, frames, C], used up."""
        for index, (attention, norm) in enumerate(
            zip(self.attention_blocks, self.norms, strict=True)
        ):
            x = _accumulate(x, at.attention(index, attention, norm(x), rows))  # type: ignore[arg-type]
        return x


class TemporalTransformer(nn.Module):
    """What a motion module adds at one site: x + strength * (T(x) - x)."""

    def __init__(
        self,
        channels: int,
        heads: int,
        positions: int,
        ops: Any,
        attentions: int = 2,
        norm_over_frames: bool = False,
        **factory,
    ):
        super().__init__()
        self.norm_over_frames = norm_over_frames
        self.norm = ops.GroupNorm(32, channels, eps=1e-6, **factory)
        self.proj_in = ops.Linear(channels, channels, **factory)
        self.transformer_blocks = nn.ModuleList(
            [TemporalBlock(channels, heads, positions, ops, attentions, **factory)]
        )
        self.proj_out = ops.Linear(channels, channels, **factory)

    def forward(
        self,
        x: torch.Tensor,
        frames: int,
        strength: float | torch.Tensor = 1.0,
        at: PlainSite = PLAIN,
    ) -> torch.Tensor:
        """x: [(clips frames), C, h, w].

        strength: a number, or a tensor that broadcasts to [clips, frames, 1, h, w].
        """
        clips, (channels, height, width) = x.shape[0] // frames, x.shape[1:]
        tokens = self._normalised(x, frames).permute(0, 3, 4, 1, 2)
        tokens = tokens.reshape(-1, frames, channels)
        size = _sequences_at_once(x.device, frames)
        if at.whole_clips:
            size = max(1, MAX_SEQUENCES // (height * width)) * height * width
        added = torch.cat(
            [
                self._along_frames(part, at.part(number * size, number * size + len(part)))
                for number, part in enumerate(tokens.split(size))
            ]
        )
        added = added.reshape(clips, height, width, frames, channels).permute(0, 3, 4, 1, 2)
        return with_added(x, added, strength)

    def _normalised(self, x: torch.Tensor, frames: int) -> torch.Tensor:
        """[clips, frames, C, h, w]; each frame by itself, or all of a clip with one mean and
        variance."""
        if self.norm_over_frames:
            clips = x.unflatten(0, (-1, frames)).transpose(1, 2)
            return self.norm(clips).transpose(1, 2)
        return self.norm(x).unflatten(0, (-1, frames))

    def _along_frames(self, tokens: torch.Tensor, at: PlainSite) -> torch.Tensor:
        """T(x) - x of some pixels; tokens: [sequences, frames, C], normalised."""
        tokens = at.linear("proj_in", self.proj_in, tokens)
        for block in self.transformer_blocks:
            tokens = block(tokens, at)
        return at.linear("proj_out", self.proj_out, tokens)


def _sequences_at_once(device: torch.device, frames: int) -> int:
    return max(1, MAX_TOKENS_CPU // frames) if device.type == "cpu" else MAX_SEQUENCES
