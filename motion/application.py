"""One use of a motion module on a model: its settings, the same for every run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .config import MotionConfig
from .effects import CallEffects, Effect
from .errors import AnimateDiffError
from .placement import Placement, Slot
from .step_range import ALL_STEPS, StepRange

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

KEY = "animatediff_native"


@dataclass(frozen=True, eq=False)
class Application:
    """The UNet and the network are not held: they are taken from the running model, which the
    host may have cloned, or moved to another device, meanwhile.

    id: of this use; clips: how many clips the batch of a latent is, one after the other.
    """

    id: str
    file: str
    config: MotionConfig
    placement: Placement
    slots: tuple[Slot, ...]
    strength: float = 1.0
    steps: StepRange = ALL_STEPS
    effects: tuple[Effect, ...] = ()
    clips: int = 1

    @property
    def model_key(self) -> str:
        """Under which a patched model has this application's network."""
        return f"{KEY}_{self.id}"

    def patcher(self, model: ModelPatcher) -> ModelPatcher:
        """The motion network, as this model has it."""
        found = model.get_additional_models_with_key(self.model_key)
        if not found:
            raise AnimateDiffError(
                f"the model that runs has lost the network of '{self.file}'.",
                "a model as Apply Motion Module gave it out",
                "put Apply Motion Module behind the node that changes or splits the model.",
            )
        return found[0]

    def frames_of(self, batch: int) -> int:
        """How long each clip is in a batch of latents."""
        if batch % self.clips:
            raise AnimateDiffError(
                f"the latent has {batch} entries, and clips of Apply Motion Module is "
                f"{self.clips}.",
                f"a batch_size that is a multiple of {self.clips}",
                "make batch_size the number of frames times the number of clips, or set clips "
                "to 1.",
            )
        return batch // self.clips

    def require_positions(self, frames: int, at_once: int | None) -> None:
        """AnimateDiffError for more frames at once than the position table has rows.

        at_once: of a context window; None without windows.
        """
        seen = frames if at_once is None else min(frames, at_once)
        limit = frames_at_once(self.config, self.effects)
        if seen > limit:
            raise AnimateDiffError(
                f"{'this clip' if at_once is None else 'a context window'} has {seen} "
                f"frames, and '{self.file}' can see {limit} at once.",
                f"at most {limit} frames at once",
                "set context_length of the node Context Windows to 16; where there is no such "
                "node on the model, add one, or lower batch_size of the latent.",
            )

    def require_rows(self, name: str, length: int) -> None:
        """AnimateDiffError for an effect that shows an attention more frames than the position
        table has rows. name: of the node's input."""
        rows = table_rows(self.config, self.effects)
        if length > rows:
            raise AnimateDiffError(
                f"{name} is {length}, and '{self.file}' has positions for {rows} frames.",
                f"a {name} of at most {rows}",
                f"set {name} to 16, which motion modules were trained on.",
            )


def table_rows(config: MotionConfig, effects: Iterable[Effect]) -> int:
    """Rows of the position table, as the effects that change it leave it."""
    return frames_at_once(config, CallEffects(effects).rows)


def frames_at_once(config: MotionConfig, effects: Iterable[Effect]) -> int:
    """How many frames a motion module can see at once with these effects."""
    limit = config.position_length
    for effect in effects:
        limit = effect.frames_at_once(limit)
    return limit


def applications(model: ModelPatcher | None) -> tuple[Application, ...]:
    """The motion modules that were applied to the model, in order, with their settings."""
    return () if model is None else model.get_attachment(KEY) or ()


def clips_of(model: ModelPatcher | None) -> int:
    """How many clips the batch of a latent is for this model."""
    return next((application.clips for application in applications(model)), 1)


def frames_of(model: ModelPatcher | None, batch: int) -> int:
    """How long each clip is in a batch of latents that this model samples."""
    first = next(iter(applications(model)), None)
    return batch if first is None else first.frames_of(batch)
