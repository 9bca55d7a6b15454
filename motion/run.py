"""A motion module's part in one sampling run: its report, its effects and what it keeps for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .application import NO_WINDOWS, Application, Windows, applications, attached_effects
from .effects import Effect
from .errors import AnimateDiffError
from .report import RunReport

RUNS_KEY = "animatediff_native_runs"  # in transformer_options, for the length of a run


class MotionRun:
    """One application of a motion module in one sampling run.

    batch: latents of the run; size: their height and width; frames: of each clip in the batch;
    attached: effects of the model that runs, beside the application's own.
    """

    def __init__(
        self,
        application: Application,
        batch: int,
        size: tuple[int, int],
        attached: Sequence[Effect] = (),
    ):
        self.application = application
        self.batch = batch
        self.size = size
        self.frames = application.frames_of(batch)
        effects = (*application.effects, *attached)
        self.report = RunReport(
            f"{application.file} ({application.config.version.value})",
            len(application.config.channels),
            self.frames,
            application.clips,
            application.strength,
            application.steps.start_percent,
            application.steps.end_percent,
            [
                *([str(application.sharing)] if application.sharing else []),
                *(effect.said for effect in effects if effect.said),
            ],
        )
        self._lock = threading.Lock()
        self._kept: dict[Hashable, Any] = {}
        self.effects = tuple(effect.for_run(self) for effect in effects)

    def kept(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What was made under this key before in the run, or is now."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
            return self._kept[key]

    def end(self) -> None:
        """Let go of what was made for the run."""
        with self._lock:
            self._kept.clear()
        self.effects = ()

    def count(self, active: bool, sigma_max: Callable[[], float], windows: list) -> None:
        """Record one call of the UNet and the windows that it held."""
        with self._lock:
            self.report.sigma_max = self.report.sigma_max or sigma_max()
            self.report.count(active, windows)

    def __deepcopy__(self, memo: dict) -> MotionRun:
        """Itself: it hangs in the model's options, which other nodes may copy in a run."""
        return self


class MotionRuns:
    """The runs of one sampling, by application.

    shape: of the run's latents; windows: context windows, in which the UNet sees the clips.
    """

    def __init__(self, shape: Sequence[int], windows: Windows = NO_WINDOWS):
        self.batch = shape[0]
        self.size = (shape[-2], shape[-1])
        self.windows = windows
        self._lock = threading.Lock()
        self._runs: dict[str, MotionRun] = {}

    def of(self, application: Application, attached: Sequence[Effect]) -> MotionRun:
        """Begins when it is first asked for: a guider can run a second model with applications
        of its own. attached: that model's effects. AnimateDiffError where such a run cannot
        work."""
        with self._lock:
            if application.id not in self._runs:
                run = MotionRun(application, self.batch, self.size, attached)
                application.require_positions(run.frames, self.windows)
                run.report.warn_if_short()
                self._runs[application.id] = run
            return self._runs[application.id]

    def end(self) -> None:
        """Nothing is kept any longer, whoever holds a copy of the options."""
        for run in self:
            run.end()
        self._runs.clear()

    def __iter__(self) -> Iterator[MotionRun]:
        return iter(list(self._runs.values()))

    def __deepcopy__(self, memo: dict) -> MotionRuns:
        return self


def twins(guider: Any) -> Iterator[Any]:
    """The patched models of a guider that are one checkpoint in memory with its main one: the host
    cannot tell which of them is at work."""
    main = guider.model_patcher
    for other in vars(guider).values():
        if getattr(other, "model", None) is main.model and hasattr(other, "model_options"):
            yield other


@contextmanager
def in_options(guider: Any, key: str, run: Any) -> Iterator[None]:
    """Has the calls of a sampling find what is kept for it, in its options, for as long as the
    block lasts. Then it ends."""
    options = guider.model_options["transformer_options"]
    options[key] = run
    try:
        yield
    finally:
        options.pop(key, None)
        run.end()


def require_alike(guider: Any, of: Callable[[Any], Any], what: str, node: str) -> None:
    """AnimateDiffError where a guider runs two models that are one in memory, and only one of them
    has what a node gave it. of: what that is, of a patched model."""
    for other in twins(guider):
        if of(other) != of(guider.model_patcher):
            raise AnimateDiffError(
                "this guider runs two models that are one checkpoint in memory, and only one of "
                f"them {what}: ComfyUI cannot run them side by side.",
                "two models that were loaded apart, or one model for both",
                "load the checkpoint a second time for the other model, or connect the model of "
                f"{node} to both inputs.",
            )


def require_one_model(guider: Any) -> None:
    """AnimateDiffError where a guider runs two models that are one in memory, and their motion
    differs."""
    wanted = _motion_of(guider.model_patcher)
    for other in twins(guider):
        if _motion_of(other) != wanted:
            raise AnimateDiffError(
                "this guider runs two models that are one checkpoint in memory, and their motion "
                "modules differ: ComfyUI cannot run them side by side.",
                "two models that were loaded apart, or one animated model for both",
                "load the checkpoint a second time for the other model, or connect the animated "
                "model to both inputs.",
            )


def _motion_of(model: Any) -> tuple[set[str], tuple[Effect, ...]]:
    """Which motion modules and effects a model has. Effects without a motion module are none."""
    ids = {application.id for application in applications(model)}
    return ids, attached_effects(model) if ids else ()
