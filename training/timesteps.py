"""Which strengths of noise a training sees, and how much each counts."""

from enum import Enum

import torch


class Timesteps(str, Enum):
    """How a step draws the timestep of a clip.

    UNIFORM: all alike, and each loss counts as it is (Ho et al. 2020, algorithm 1).
    STRONG_NOISE: t = (1 - u^3) T for an even u, half of them in the strongest eighth (Mou et al.,
    "T2I-Adapter", 2023, "Non-uniform time step sampling"). A loss counts 1 / abar = 1 + sigma^2
    times, which makes it the loss of v = sqrt(abar) eps - sqrt(1 - abar) x0 (Salimans & Ho 2022,
    section 4): an error of the clip counts alike wherever it is decided. The noise loss all but
    leaves out what the strongest noise decides, where things are and where they move.
    """

    UNIFORM = "uniform"
    STRONG_NOISE = "strong noise"


def drawn(
    kind: Timesteps, timesteps: int, least: int, count: int, generator: torch.Generator
) -> torch.Tensor:
    """[count], from `least` on."""
    if kind is Timesteps.UNIFORM:
        return torch.randint(least, timesteps, (count,), generator=generator)
    return _cubic(torch.rand(count, generator=generator), timesteps, least)


def weights(
    kind: Timesteps, sigmas: torch.Tensor, least: int, t: torch.Tensor
) -> torch.Tensor | None:
    """[clips], 1 in the mean over what is drawn; None: all alike.

    sigmas: [timesteps], the noise's deviation over the signal's; t: [clips].
    """
    if kind is Timesteps.UNIFORM:
        return None
    even = (torch.arange(10_000) + 0.5) / 10_000
    mean = _one_over_signal(sigmas, _cubic(even, len(sigmas), least)).mean()
    return (_one_over_signal(sigmas, t) / mean).float()


def _cubic(even: torch.Tensor, timesteps: int, least: int) -> torch.Tensor:
    """From numbers in [0, 1)."""
    span = timesteps - least
    return least + (span * (1 - even.double() ** 3)).ceil().long().clamp(1, span) - 1


def _one_over_signal(sigmas: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    return 1 + sigmas.double()[t] ** 2
