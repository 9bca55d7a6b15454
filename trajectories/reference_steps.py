"""How far each step of a sampling goes down the loss of a reference motion.

MotionClone (Ling et al. 2024, arXiv 2406.05338) adds the loss's gradient to the noise that a DDIM
step goes back along, not to what it takes for the clean clip. In the host's scale, x = x0 + s eps,
a step from s to s' so ends lower by s s' dloss/dx. The host's samplers are only told `denoised`:
Euler's x' = (s'/s) x + (1 - s'/s) denoised ends there with

    denoised -= s s' s / (s - s') dloss/dx.

A step counts as many of the authors' steps as it covers timesteps: however many steps a sampling
has, it is pushed as far altogether.

A step that ends at s' = 0 is `denoised` itself: nothing is added. Samplers that use `denoised` in
other weights push by theirs: ancestral ones 1 + s'/s times as far, since their step goes further
down before new noise; multi-step ones extrapolate, and what one step has too much the next has too
little; those that call the model twice in a step push about as far, on the mean of both calls.
Those that take `denoised` whole (LCM, CFG++) are given s s' dloss/dx itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

JUMPS = "cfg_pp", "sample_lcm"  # in the names of samplers that take `denoised` whole
STEP_OF_PAPER = 6.0  # of 1000 timesteps: 50 guided steps of 100 over 0.3 of them
RAMP = 0.2  # of the guided steps: 10 of 50 at either end, where the push grows and fades
NEARLY = 1 - 1e-4  # sigmas of a call and of the step that it is in


def takes_whole(sampler: object) -> bool:
    """Whether the host's sampler lands on `denoised`, and adds noise to it."""
    name = getattr(getattr(sampler, "sampler_function", None), "__name__", "")
    return any(mark in name for mark in JUMPS)


@dataclass(frozen=True)
class GuidedSteps:
    """The steps of a run that are guided. sigmas, timesteps: [n + 1] of the run; first,
    behind_last: of its n steps; whole: see takes_whole."""

    sigmas: Sequence[float]
    timesteps: Sequence[float]
    first: int
    behind_last: int
    whole: bool = False

    @property
    def count(self) -> int:
        return self.behind_last - self.first

    def step_of(self, sigma: float) -> int | None:
        """Of a call at this sigma, which may lie between two; None where none is guided."""
        step = max(sum(each >= sigma * NEARLY for each in self.sigmas) - 1, 0)
        return step if self.first <= step < self.behind_last else None

    def ramp(self, step: int) -> float:
        """MotionClone's: grows over the first fifth of the guided steps, fades over the last."""
        length = max(1, round(RAMP * self.count))
        number = step - self.first
        return min(1.0, (number + 1) / length, (self.count - number) / length)

    def push(self, sigma: float, step: int) -> float:
        """Of dloss/dx, in what is taken from `denoised` in a call of a step."""
        authors = (self.timesteps[step] - self.timesteps[step + 1]) / STEP_OF_PAPER
        return self.ramp(step) * authors * self.factor(sigma, step)

    def factor(self, sigma: float, step: int) -> float:
        """The same of a full step of the authors'."""
        begin, end = self.sigmas[step], self.sigmas[step + 1]
        return sigma * end if self.whole else sigma * sigma * end / (begin - end)


def guided_steps(
    sigmas: Sequence[float],
    timesteps: Sequence[float],
    first_sigma: float,
    behind_last_sigma: float,
    whole: bool = False,
) -> GuidedSteps:
    """Of a run's sigmas, with their timesteps, those steps that begin at first_sigma or below and
    above behind_last_sigma; none where the run goes up, to noise."""
    steps = range(len(sigmas) - 1)
    guided = [
        n for n in steps
        if first_sigma >= sigmas[n] > behind_last_sigma and sigmas[n] > sigmas[n + 1]
    ]  # fmt: skip
    if not guided:
        return GuidedSteps(sigmas, timesteps, 0, 0, whole)
    return GuidedSteps(sigmas, timesteps, guided[0], guided[-1] + 1, whole)
