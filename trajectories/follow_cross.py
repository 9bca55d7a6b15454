"""Where a subject is: TrailBlazer's edit of cross-attention, along paths.

Ma et al., "TrailBlazer" (arXiv 2401.00896), section 3.2. A: the probabilities of a prompt's tokens
at the pixels of a frame. Of the tokens T of a subject, inside of its box
A + strength g max A, outside of it A outside; g is 1 in the middle of the box and falls as a
Gaussian. max A is of the frame's pixels and heads and of all tokens that are changed: a frame does
not depend on which others are at hand. Nothing is made to sum to 1 again, as there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from .follow_boxes import WHOLE, View, inside, nearness, there
from .trajectory import Trajectory

AT_ONCE = 1 << 24  # probabilities that are in memory at the same time


@dataclass(frozen=True)
class Columns:
    """Tokens that follow the same paths: their places in the prompt, and the paths."""

    tokens: tuple[int, ...]
    paths: tuple[int, ...]


def columns_of(subjects: Sequence[Sequence[int]], tail: Sequence[int]) -> tuple[Columns, ...]:
    """The tokens of each path's subject, and those that follow all of them; a token of several
    subjects follows all of their paths."""
    paths: dict[int, list[int]] = {}
    for path, tokens in enumerate(subjects):
        for token in {*tokens, *tail}:
            paths.setdefault(token, []).append(path)
    groups: dict[tuple[int, ...], list[int]] = {}
    for token in sorted(paths):
        groups.setdefault(tuple(paths[token]), []).append(token)
    return tuple(Columns(tuple(tokens), which) for which, tokens in groups.items())


@dataclass(frozen=True, eq=False)
class Edit:
    """What becomes of the probabilities A [rows, heads, pixels, tokens] of the tokens that change:
    A + A scale + peak add, where peak is the greatest of a row's A.

    tokens: their places; kind: of each token, which of the maps is its own; scale, add:
    [rows, pixels, maps].
    """

    tokens: torch.Tensor
    kind: torch.Tensor
    scale: torch.Tensor
    add: torch.Tensor

    def to(self, device: torch.device) -> Edit:
        each = (self.tokens, self.kind, self.scale, self.add)
        return Edit(*(tensor.to(device) for tensor in each))

    def rows(self, rows: slice | Sequence[int]) -> Edit:
        return replace(self, scale=self.scale[rows], add=self.add[rows])

    def repeated(self, times: int, period: int) -> Edit:
        """For a prompt that stands several times in a row, as the host makes prompts equally
        long. Into what A is split, its greatest is too: the sum stays."""
        tokens = torch.cat([self.tokens + period * each for each in range(times)])
        return replace(self, tokens=tokens, kind=self.kind.repeat(times))


def edit_of(
    trajectory: Trajectory,
    columns: Sequence[Columns],
    size: tuple[int, int],
    strength: float,
    outside: float,
    view: View = WHOLE,
) -> Edit:
    """One row per frame of the trajectory, on a grid of this size. In a frame without any box of
    its paths a token stays as it is."""
    within = inside(trajectory, *size, view)  # [F, N, h, w]
    near = within * nearness(trajectory, *size, view)
    shown = there(trajectory)
    scale, add, tokens, kind = [], [], [], []
    for number, group in enumerate(columns):
        of = list(group.paths)
        kept = within[:, of].max(1)
        asked = shown[:, of].max(1)[:, None, None]
        scale.append(np.where(asked, (kept - 1) * (1 - outside), 0.0))
        add.append(strength * near[:, of].max(1))
        tokens += group.tokens
        kind += [number] * len(group.tokens)
    return Edit(torch.tensor(tokens), torch.tensor(kind), _stacked(scale), _stacked(add))


def _stacked(maps: list[np.ndarray]) -> torch.Tensor:
    """[F, pixels, maps] of maps [F, h, w]."""
    return torch.from_numpy(np.stack(maps, axis=-1)).float().flatten(1, 2)


def change(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int, edit: Edit
) -> torch.Tensor:
    """What the edit adds to the attended values, [rows, pixels, C]; q: of that shape, k and v:
    [rows, tokens of the prompt, C]."""
    size = max(1, AT_ONCE // (heads * q.shape[1] * k.shape[1]))
    parts = [
        _change(q[rows], k[rows], v[rows], heads, edit.rows(rows))
        for rows in (slice(i, i + size) for i in range(0, len(q), size))
    ]
    return torch.cat(parts)


def _change(q, k, v, heads: int, edit: Edit) -> torch.Tensor:
    q, k, v = (each.unflatten(-1, (heads, -1)).transpose(1, 2).float() for each in (q, k, v))
    logits = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    found = torch.softmax(logits, dim=-1)[..., edit.tokens]  # [rows, heads, pixels, tokens]
    peak = found.amax((1, 2, 3), keepdim=True)
    scale, add = edit.scale[:, None, :, edit.kind], edit.add[:, None, :, edit.kind]
    changed = found * scale + peak * add
    return (changed @ v[:, :, edit.tokens]).transpose(1, 2).flatten(2)
