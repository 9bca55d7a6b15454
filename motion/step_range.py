"""A part of the sampling, between two percents."""

from dataclasses import dataclass

from .errors import AnimateDiffError


@dataclass(frozen=True)
class StepRange:
    """The steps from start_percent up to, not including, end_percent; all of them by default."""

    start_percent: float = 0.0
    end_percent: float = 1.0

    def __post_init__(self):
        if not self.start_percent < self.end_percent:
            raise AnimateDiffError(
                f"start_percent is {self.start_percent:g} and end_percent {self.end_percent:g}.",
                "a start before the end",
                "raise end_percent, or lower start_percent.",
            )

    @property
    def whole(self) -> bool:
        return self.start_percent <= 0.0 and self.end_percent >= 1.0

    def contains(self, model_sampling, sigmas) -> bool:
        """Whether a model call at these sigmas, [batch], lies within."""
        if self.whole:
            return True  # spares the device a synchronisation
        sigma = float(sigmas[0])
        first = model_sampling.percent_to_sigma(self.start_percent)
        behind_last = model_sampling.percent_to_sigma(self.end_percent)
        return first >= sigma > behind_last


ALL_STEPS = StepRange()
