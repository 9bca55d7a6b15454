"""Two sides measured turn by turn, so that a noisy machine disturbs both alike."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch


class Turns(NamedTuple):
    """Seconds of each side, per turn."""

    base: list[float]
    other: list[float]

    @property
    def ratio(self) -> float:
        """Median of the turns' own ratios, other to base."""
        return statistics.median(b / a for a, b in zip(self.base, self.other, strict=True))

    def __str__(self) -> str:
        base, other = statistics.median(self.base), statistics.median(self.other)
        return f"{base:.3f} s, {other:.3f} s, ratio {self.ratio:.3f} (median of {len(self.base)})"


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one run, the accelerator's work included."""
    _synchronize()
    start = time.perf_counter()
    run()
    _synchronize()
    return time.perf_counter() - start


def _synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def take_turns(base: Callable[[], object], other: Callable[[], object], turns: int = 5) -> Turns:
    """One unmeasured run of each, then `turns` of both."""
    base()
    other()
    measured = Turns([], [])
    for _ in range(turns):
        measured.base.append(seconds(base))
        measured.other.append(seconds(other))
    return measured
