"""Which strengths of noise a training sees."""

from enum import Enum

import torch


class Timesteps(str, Enum):
    """How a step draws the timestep of a clip.

    UNIFORM: all alike (Ho et al. 2020, algorithm 1).
    V_LOSS: in proportion to 1 / abar = 1 + sigma^2. With v = sqrt(abar) eps - sqrt(1 - abar) x0,
    the error of v is that of eps over sqrt(abar); so the mean noise loss over these timesteps is,
    but for a factor, the loss of v over all alike (Salimans & Ho 2022, section 4). It counts an
    error of the clip alike wherever it is decided, where the noise loss all but leaves out what
    the strongest noise decides: where things are and where they move.
    """

    UNIFORM = "uniform"
    V_LOSS = "v loss"


def drawn(
    kind: Timesteps, sigmas: torch.Tensor, least: int, count: int, generator: torch.Generator
) -> torch.Tensor:
    """[count], from `least` on. sigmas: [timesteps], the noise's deviation over the signal's."""
    if kind is Timesteps.UNIFORM:
        return torch.randint(least, len(sigmas), (count,), generator=generator)
    weights = 1 + sigmas[least:].double() ** 2
    return least + torch.multinomial(weights, count, replacement=True, generator=generator)
