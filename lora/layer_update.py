"""What a LoRA adds to the output of one layer, with a strength of its own for every frame.

A layer is linear in its weight, and so is its output: y_f = y(x_f; W) + s_f y(x_f; dW). Where dW is
up times down, two narrow layers take the place of one.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

Layer = nn.Linear | nn.Conv2d | nn.GroupNorm | nn.LayerNorm


class LowRankDiff(NamedTuple):
    """dW = up down. down: [r, in] or [r, in, kh, kw]; up: [out, r] or [out, r, 1, 1], scaled."""

    down: torch.Tensor
    up: torch.Tensor

    def to(self, like: torch.Tensor) -> "LowRankDiff":
        return LowRankDiff(self.down.to(like), self.up.to(like))


class FullDiff(NamedTuple):
    """dW and that of the bias, as they are; None where it has none."""

    weight: torch.Tensor | None
    bias: torch.Tensor | None

    def to(self, like: torch.Tensor) -> "FullDiff":
        return FullDiff(*(None if part is None else part.to(like) for part in self))


class LayerUpdate:
    """All that several LoRAs add to one layer, where the layer's input lies.

    low_rank, full: (which LoRA, its difference); like: the layer's input.
    """

    def __init__(
        self,
        low_rank: Sequence[tuple[int, LowRankDiff]],
        full: Sequence[tuple[int, FullDiff]],
        like: torch.Tensor,
    ):
        self._full = [(use, diff.to(like)) for use, diff in full]
        self._low_rank: LowRankDiff | None = None
        if low_rank:  # side by side, as one of the sum of their ranks
            placed = [diff.to(like) for _, diff in low_rank]
            self._low_rank = LowRankDiff(
                torch.cat([diff.down for diff in placed]),
                torch.cat([diff.up for diff in placed], dim=1).contiguous(),
            )
            owner = [use for use, diff in low_rank for _ in range(diff.down.shape[0])]
            alone = owner[:1] if len(set(owner)) == 1 else owner  # one column does for all ranks
            self._owner = torch.tensor(alone, device=like.device)

    def add(self, layer: Layer, x: torch.Tensor, y: torch.Tensor, strengths: torch.Tensor):
        """y with what is added, in place where y allows it. x, y: the layer's input and output;
        strengths: [rows of x, LoRAs]."""
        if self._low_rank is not None:
            scale = strengths[:, self._owner].to(x.dtype)
            if isinstance(layer, nn.Conv2d):
                y = _add_conv(layer, self._low_rank, x, y, scale)
            else:
                y = _add_linear(self._low_rank, x, y, scale)
        for use, diff in self._full:
            scale = strengths[:, use].to(x.dtype).reshape(-1, *[1] * (y.ndim - 1))
            y = y.add_((_run_with(layer, diff, x) * scale).to(y.dtype))
        return y


def _add_linear(diff: LowRankDiff, x: torch.Tensor, y: torch.Tensor, scale: torch.Tensor):
    """x: [n, ..., in]; y: [n, ..., out]; scale: [n, r or 1]."""
    ranks = F.linear(x, diff.down)
    ranks.mul_(scale.reshape(len(x), *[1] * (x.ndim - 2), -1))
    if y.dtype == x.dtype and y.is_contiguous():
        y.view(-1, y.shape[-1]).addmm_(ranks.view(-1, ranks.shape[-1]), diff.up.t())
        return y
    return y.add_(F.linear(ranks, diff.up).to(y.dtype))


def _add_conv(layer: nn.Conv2d, diff: LowRankDiff, x: torch.Tensor, y: torch.Tensor, scale):
    """x: [n, in, h, w]; y: [n, out, h', w']; scale: [n, r or 1]."""
    ranks = F.conv2d(x, diff.down, None, layer.stride, layer.padding, layer.dilation)
    ranks.mul_(scale[:, :, None, None])
    if y.dtype == x.dtype and y.is_contiguous() and ranks.is_contiguous():
        up = diff.up.flatten(1).expand(len(y), -1, -1)
        y.view(*y.shape[:2], -1).baddbmm_(up, ranks.flatten(2))
        return y
    return y.add_(F.conv2d(ranks, diff.up).to(y.dtype))


def _run_with(layer: Layer, diff: FullDiff, x: torch.Tensor) -> torch.Tensor:
    """The layer's output with these in place of its weight and bias."""
    run = next(run for kind, run in _RUN.items() if isinstance(layer, kind))
    return run(layer, x, diff.weight, diff.bias)


def _linear(layer: nn.Linear, x, weight, bias) -> torch.Tensor:
    if weight is None:
        return bias.expand(*x.shape[:-1], -1)
    return F.linear(x, weight, bias)


def _conv(layer: nn.Conv2d, x, weight, bias) -> torch.Tensor:
    if weight is None:
        return bias[None, :, None, None]
    return F.conv2d(x, weight, bias, layer.stride, layer.padding, layer.dilation)


def _group_norm(layer: nn.GroupNorm, x, weight, bias) -> torch.Tensor:
    weight = torch.zeros_like(bias) if weight is None else weight
    return F.group_norm(x, layer.num_groups, weight, bias, layer.eps)


def _layer_norm(layer: nn.LayerNorm, x, weight, bias) -> torch.Tensor:
    weight = torch.zeros_like(bias) if weight is None else weight
    return F.layer_norm(x, layer.normalized_shape, weight, bias, layer.eps)


_RUN: dict[type[nn.Module], Callable[..., torch.Tensor]] = {
    nn.Linear: _linear,
    nn.Conv2d: _conv,
    nn.GroupNorm: _group_norm,
    nn.LayerNorm: _layer_norm,
}
LAYERS = tuple(_RUN)


def can_run(layer: nn.Module) -> bool:
    """Whether this layer's output is known here as a function of its weight."""
    if isinstance(layer, nn.Conv2d):
        return layer.groups == 1 and layer.padding_mode == "zeros"
    return isinstance(layer, LAYERS)
