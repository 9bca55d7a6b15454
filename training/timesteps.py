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


class TimestepDraw:
    """The timesteps of one training, from `least` on.

    sigmas: [timesteps], the noise's deviation over the signal's.
    """

    def __init__(self, kind: Timesteps, sigmas: torch.Tensor, least: int):
        self.kind = kind
        self.least = least
        self.timesteps = len(sigmas)
        even = (torch.arange(10_000) + 0.5) / 10_000
        one_over_signal = 1 + sigmas.double() ** 2
        self._weights = one_over_signal / one_over_signal[self._cubic(even)].mean()

    def draw(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """[count]"""
        if self.kind is Timesteps.UNIFORM:
            return torch.randint(self.least, self.timesteps, (count,), generator=generator)
        return self._cubic(torch.rand(count, generator=generator))

    def weights(self, t: torch.Tensor) -> torch.Tensor | None:
        """[clips] for t [clips], 1 in the mean over what is drawn; None: all alike."""
        return None if self.kind is Timesteps.UNIFORM else self._weights[t].float()

    def _cubic(self, even: torch.Tensor) -> torch.Tensor:
        """From numbers in [0, 1)."""
        span = self.timesteps - self.least
        return self.least + (span * (1 - even.double() ** 3)).ceil().long().clamp(1, span) - 1
