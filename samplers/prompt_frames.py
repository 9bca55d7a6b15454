"""Text embeddings of a clip: one per frame, from one per prompt."""

import math
from collections.abc import Sequence

import torch

from .prompt_schedule import Blend


def same_length(embeddings: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """[1, tokens, dim] each, repeated to one token count: attention to tokens that all stand
    equally often is attention to each of them once, so no prompt changes its meaning."""
    tokens = math.lcm(*(e.shape[1] for e in embeddings))
    return [e.repeat(1, tokens // e.shape[1], 1) for e in embeddings]


def per_frame(embeddings: Sequence[torch.Tensor], blends: Sequence[Blend]) -> torch.Tensor:
    """[F, ...] linear blends of embeddings [1, ...] of one shape; at a key exactly its own."""
    stacked = torch.cat(list(embeddings))
    before = stacked[[blend.before for blend in blends]]
    after = stacked[[blend.after for blend in blends]]
    share = torch.tensor([blend.share for blend in blends], dtype=stacked.dtype).to(stacked.device)
    return torch.lerp(before, after, share.reshape(-1, *[1] * (stacked.ndim - 1)))
