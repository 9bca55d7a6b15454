"""One use of a motion module on a model: its settings, the same for every run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from .config import MotionConfig
from .effects import CallEffects, Effect
from .errors import AnimateDiffError, counted
from .frame_sharing import FrameSharing
from .placement import Placement, Slot
from .step_range import ALL_STEPS, StepRange

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

KEY = "animatediff_native"
EFFECTS_KEY = f"{KEY}_effects"


@dataclass(frozen=True)
class Windows:
    """What a motion module has to know of context windows: frames of each, None where a clip is
    seen whole; ours: whether Context Windows made them, and no node of somebody else."""

    length: int | None = None
    ours: bool = False

    def said(self) -> tuple[str, str]:
        """What has too many frames, and what to do."""
        if self.length is None:
            return "this clip", (
                "put Context Windows between the model and the sampler, or make the clip shorter: "
                "at most {limit} frames."
            )
        if self.ours:
            return "a context window", "set context_length of Context Windows to {length}."
        return "a context window", (
            "set the length of the node that makes the windows to {length}, or put Context "
            "Windows in its place."
        )


NO_WINDOWS = Windows()


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

    @property
    def sharing(self) -> FrameSharing | None:
        """How the frames are shared where the motion module is a space-time U-Net's."""
        levels = self.config.levels
        return FrameSharing(levels, levels - 1) if self.config.space_time else None

    @property
    def companions(self) -> Iterator[tuple[ModelPatcher, str]]:
        """The effects' own models, and under which key a patched model has each."""
        for number, effect in enumerate(self.effects):
            if effect.companion is not None:
                yield effect.companion, f"{self.model_key}_{number}"

    def networks_beside(self, model: ModelPatcher) -> dict[ModelPatcher, nn.Module]:
        """What MotionCall.companions is to be."""
        return {own: self._found(model, key).model for own, key in self.companions}

    def patcher(self, model: ModelPatcher) -> ModelPatcher:
        """The motion network, as this model has it."""
        return self._found(model, self.model_key)

    def _found(self, model: ModelPatcher, key: str) -> ModelPatcher:
        found = model.get_additional_models_with_key(key)
        if not found:
            raise AnimateDiffError(
                f"the model that runs has lost its motion module, '{self.file}'.",
                "a model as Apply Motion Module gave it out",
                "put Apply Motion Module behind the node that changes or splits the model.",
            )
        return found[0]

    def frames_of(self, batch: int) -> int:
        """How long each clip is in a batch of latents."""
        if batch % self.clips:
            raise AnimateDiffError(
                f"the latent has {counted(batch, 'frame')}, and clips of Apply Motion Module is "
                f"{self.clips}.",
                f"a number of frames that {self.clips} divides, the same for each clip",
                "set clips of Apply Motion Module to 1, or give the latent as many frames as all "
                "clips have together (batch_size, where Empty Latent Image makes it).",
            )
        return batch // self.clips

    def require_positions(self, frames: int, windows: Windows = NO_WINDOWS) -> None:
        """AnimateDiffError for more frames at once than the position table has rows."""
        seen = frames if windows.length is None else min(frames, windows.length)
        limit = frames_at_once(self.config, self.effects)
        if seen > limit:
            what, remedy = windows.said()
            raise AnimateDiffError(
                f"{what} has {counted(seen, 'frame')}, and '{self.file}' can see {limit} at once.",
                f"at most {limit} frames at once",
                remedy.format(length=min(16, limit), limit=limit),
            )


def require_rows(name: str, length: int, file: str, rows: int) -> None:
    """AnimateDiffError for an effect that shows an attention more frames than the position table
    of the file has rows. name: of the input, with its node."""
    if length > rows:
        raise AnimateDiffError(
            f"{name} is {length}, and '{file}' has positions for {rows} frames.",
            f"at most {rows} for {name}",
            f"set {name} to {min(16, rows)}; motion modules were trained on 16 frames.",
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


def attached_effects(model: ModelPatcher | None) -> tuple[Effect, ...]:
    """What takes part in every motion module of the model, behind the module's own effects."""
    return () if model is None else model.get_attachment(EFFECTS_KEY) or ()


def clips_of(model: ModelPatcher | None) -> int:
    """How many clips the batch of a latent is for this model."""
    return next((application.clips for application in applications(model)), 1)


def frames_of(model: ModelPatcher | None, batch: int) -> int:
    """How long each clip is in a batch of latents that this model samples."""
    first = next(iter(applications(model)), None)
    return batch if first is None else first.frames_of(batch)
