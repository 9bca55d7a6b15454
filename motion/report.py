"""What happened in a sampling run, in one line of the log."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .errors import counted

log = logging.getLogger("animatediff_native")

FEWEST_FRAMES = 8  # fewer give noise or stills: the modules were trained on clips of 16


@dataclass
class RunReport:
    """One motion module's part in one sampling run."""

    module: str  # file and version
    sites: int
    frames: int  # of each clip
    clips: int
    strength: float
    start_percent: float
    end_percent: float
    effects: Sequence[str] = ()
    sigma_max: float = 0.0
    calls: int = 0
    active_calls: int = 0
    windows: set[tuple[int, ...]] = field(default_factory=set)

    def count(self, active: bool, windows: Iterable[tuple[int, ...]]) -> None:
        """Record one model call and the windows of the clip that it held."""
        self.calls += 1
        self.active_calls += active
        self.windows.update(windows)

    def warn_if_short(self) -> None:
        if self.frames < FEWEST_FRAMES:
            log.warning(
                "AnimateDiff: this clip has %s; motion needs at least %d, and 16 is best. "
                "Raise batch_size of the latent.",
                counted(self.frames, "frame"),
                FEWEST_FRAMES,
            )

    def log(self) -> None:
        """The line of this run; a warning where the motion module took no part."""
        log.info("AnimateDiff: %s", self, extra={"on_node": self.short})
        if not self.calls:
            log.warning(
                "AnimateDiff: %s took no part: the sampler called the model without the motion "
                "module's wrappers. Sample with KSampler or SamplerCustomAdvanced, or put Apply "
                "Motion Module behind the node that replaces the model's calls.",
                self.module,
            )
        elif not self.active_calls:
            log.warning(
                "AnimateDiff: %s took no part: no step lies between start_percent %g and "
                "end_percent %g. Widen the range or use more steps.",
                self.module,
                self.start_percent,
                self.end_percent,
            )

    @property
    def short(self) -> str:
        """For the node that samples, beside which its warnings stand."""
        return (
            f"{self._clip}, {self.module}: motion in {self.active_calls} of {self.calls} model "
            "calls"
        )

    @property
    def _clip(self) -> str:
        clips = f"{self.clips} clips of " if self.clips > 1 else ""
        windows = f" in {counted(len(self.windows), 'window')}" if self.windows else ""
        return f"{clips}{counted(self.frames, 'frame')}{windows}"

    def __str__(self) -> str:
        return (
            f"{self.module}: {self.sites if self.active_calls else 0} modules inserted in "
            f"{self.active_calls} of {self.calls} model calls, {self._clip}, "
            f"strength {self.strength:g}{''.join(f', {each}' for each in self.effects)}, "
            f"{self.start_percent:.0%} to {self.end_percent:.0%}, "
            f"sigma max {self.sigma_max:.2f}"
        )
