"""Text embeddings of a clip: one per frame, from one per prompt."""

import math
from collections.abc import Callable, Sequence

import torch

from .prompt_schedule import Blend

NEARLY_ALIKE = 0.9995  # a cosine above which slerp is lerp, as AnimateDiff-Evolved has it


def same_length(
    embeddings: Sequence[torch.Tensor], empty: Callable[[], torch.Tensor]
) -> list[torch.Tensor]:
    """[1, tokens, dim] each, all as long as the longest.

    Whole repetitions change nothing: attention to tokens that all stand equally often is attention
    to each of them once. What then is missing is filled with chunks of the empty prompt, as the
    host fills up a prompt that has fewer chunks than another.
    """
    tokens = max(e.shape[1] for e in embeddings)
    return [_repeated(e, tokens, empty) for e in embeddings]


def _repeated(embedding: torch.Tensor, tokens: int, empty: Callable) -> torch.Tensor:
    whole, rest = divmod(tokens, embedding.shape[1])
    repeated = embedding if whole == 1 else embedding.repeat(1, whole, 1)
    if not rest:
        return repeated
    filler = empty()
    filler = filler.repeat(1, math.ceil(rest / filler.shape[1]), 1)[:, :rest]
    return torch.cat([repeated, filler], dim=1)


def between_zeros(embeddings: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The same as AnimateDiff-Evolved and FizzNodes do it: zeros on both sides."""
    tokens = max(e.shape[1] for e in embeddings)
    missing = [tokens - e.shape[1] for e in embeddings]
    return [
        torch.nn.functional.pad(e, (0, 0, n // 2, n - n // 2))
        for e, n in zip(embeddings, missing, strict=True)
    ]


def per_frame(embeddings: Sequence[torch.Tensor], blends: Sequence[Blend]) -> torch.Tensor:
    """[F, ...] linear blends of embeddings [1, ...] of one shape; at a key exactly its own."""
    first = embeddings[0]
    found = first.new_empty(len(blends), *first.shape[1:])
    for frame, (before, after, share) in enumerate(blends):
        old, new = embeddings[before][0], embeddings[after][0]
        weight = torch.tensor(share, dtype=first.dtype, device=first.device)
        found[frame] = torch.lerp(old, new, weight) if share else old
    return found


def compounded(
    embeddings: Sequence[torch.Tensor], blends: Sequence[Blend], frames: int, slerp: bool = False
) -> torch.Tensor:
    """[F, ...]: each frame blends what the frame before it got with the prompt that comes, as
    AnimateDiff-Evolved does; with constant prompts, the share of the old one is prod(1 - share).

    blends: from a key's frame on, the last `frames` of which are wanted. Where the old prompt is
    another than in the frame before, it begins anew.
    """
    mix = _slerp if slerp else _lerp
    first = embeddings[0]
    found = first.new_empty(frames, *first.shape[1:])
    carried, old = first, -1
    for number, blend in enumerate(blends, start=frames - len(blends)):
        if blend.before != old or blend.share == 0:
            carried, old = embeddings[blend.before], blend.before
        if blend.share:
            carried = mix(carried, embeddings[blend.after], blend.share)
        if number >= 0:
            found[number] = carried[0]
    return found


def _lerp(before: torch.Tensor, after: torch.Tensor, share: float) -> torch.Tensor:
    return before * (1 - share) + after * share


def _slerp(before: torch.Tensor, after: torch.Tensor, share: float) -> torch.Tensor:
    """Along the arc between two embeddings, each taken as one vector."""
    cosine = (before / before.norm() * (after / after.norm())).sum()
    if not cosine.abs() <= NEARLY_ALIKE:  # also where one is all zeros
        return _lerp(before, after, share)
    angle = cosine.acos()
    weights = ((1 - share) * angle).sin(), (share * angle).sin()
    return (before * weights[0] + after * weights[1]) / angle.sin()
