"""FreeTraj's edit of spatial self-attention: what is in a box sees little of what is not.

Qiu et al., "FreeTraj" (arXiv 2406.16863), section 4.3: a logit of two pixels of a frame, of which
one is in the box and the other is not, is multiplied by LITTLE. With several boxes, of two pixels
that are not in the same ones. q . (c k) is c (q . k), so no logits are needed: queries of each
kind see keys of which those of other kinds are smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

LITTLE = 0.01
Attention = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def factor_of(amount: float) -> float:
    """What a logit across a box's edge is multiplied by: 1 at an amount of 0, LITTLE at 1."""
    return 1.0 - amount * (1.0 - LITTLE)


@dataclass(frozen=True, eq=False)
class Kinds:
    """The pixels of a frame by the boxes that they are in: of each kind which pixels, and what the
    keys of all pixels [pixels, 1] are multiplied by for them."""

    pixels: tuple[torch.Tensor, ...]
    keys: tuple[torch.Tensor, ...]

    @property
    def one(self) -> bool:
        return len(self.pixels) < 2


def kinds_of(labels: np.ndarray, factor: float, device: torch.device) -> Kinds:
    """labels: [h, w], of a frame, as follow_boxes.labels has them."""
    flat = labels.reshape(-1)
    pixels, keys = [], []
    for label in np.unique(flat):
        same = flat == label
        pixels.append(torch.from_numpy(np.flatnonzero(same)).to(device))
        scale = torch.from_numpy(np.where(same, 1.0, factor)).float()[:, None]
        keys.append(scale.to(device))
    return Kinds(tuple(pixels), tuple(keys))


def edited(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, kinds: Sequence[Kinds], attend: Attention
) -> torch.Tensor:
    """q, k, v: [rows, pixels, C], a kinds for every row."""
    out = torch.empty_like(v[:, : q.shape[1]])
    for row, each in enumerate(kinds):
        one = slice(row, row + 1)
        for pixels, scale in zip(each.pixels, each.keys, strict=True):
            keys = k[one] * scale.to(k.dtype)
            out[row, pixels] = attend(q[one, pixels], keys, v[one])[0]
    return out
