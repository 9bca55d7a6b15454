"""Seeded random weights for modules built on the meta device."""

import math

import torch

NORMS = (torch.nn.GroupNorm, torch.nn.LayerNorm)
EMBEDDING_STD = 0.02


def random_state_dict(
    module: torch.nn.Module, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """fp16 weights that keep a signal's scale.

    Norms pass it on; the weights of products shrink with the root of their fan-in.
    """
    weights = {}
    for name, part in module.named_modules():
        for key, parameter in part.named_parameters(recurse=False):
            value = _draw(part, key, parameter.shape, generator)
            weights[f"{name}.{key}" if name else key] = value.half()
    return weights


def _draw(
    part: torch.nn.Module, key: str, shape: torch.Size, generator: torch.Generator
) -> torch.Tensor:
    if len(shape) < 2:
        return (
            torch.ones(shape) if isinstance(part, NORMS) and key == "weight" else torch.zeros(shape)
        )
    std = (
        EMBEDDING_STD if isinstance(part, torch.nn.Embedding) else 1 / math.sqrt(shape[1:].numel())
    )
    return torch.randn(shape, generator=generator).mul_(std)
