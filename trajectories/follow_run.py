"""What following is told, and what of it a sampling run keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from comfy.model_patcher import ModelPatcher

from ..motion.application import frames_of
from ..motion.errors import AnimateDiffError, counted
from ..motion.step_range import ALL_STEPS, StepRange
from .follow_boxes import WHOLE, View
from .follow_cross import Columns
from .trajectory import Trajectory


@dataclass(frozen=True, eq=False)
class Follow:
    """One use of Follow Trajectory. columns: the tokens that follow; length: tokens of the prompt;
    strength, outside: of cross-attention; spatial: how little what is in a box sees the rest."""

    trajectory: Trajectory
    columns: tuple[Columns, ...]
    length: int
    strength: float = 0.15
    outside: float = 0.001
    spatial: float = 0.0
    steps: StepRange = ALL_STEPS

    @property
    def changes_cross_attention(self) -> bool:
        return bool(self.columns) and (self.strength != 0 or self.outside != 1)


class FollowRun:
    """What one sampling run keeps. batch: its latents; size: their height and width; conds: gives
    the run's conditionings, in the host's form."""

    def __init__(
        self,
        model: ModelPatcher,
        batch: int,
        size: tuple[int, int],
        conds: Callable[[], dict[str, list]] = dict,
    ):
        self.batch = batch
        self.size = size
        self.frames = frames_of(model, batch)
        self.conds = conds

    def period(self, follow: Follow) -> int:
        """After how many tokens a positive prompt begins again where the host repeats it."""
        lengths = {entry["cross_attn"].shape[1] for entry in self._positive()}
        return lengths.pop() if len(lengths) == 1 else follow.length

    def view_of(self, uuid: Any, size: tuple[int, int]) -> View:
        """Which part of the picture a conditioning has that is sampled at this size."""
        if size == self.size:
            return WHOLE
        every = [entry for entries in self.conds().values() for entry in entries or ()]
        areas = [(entry.get("uuid"), entry["area"]) for entry in every if "area" in entry]
        same = [area for id, area in areas if id == uuid] or [area for _, area in areas]
        views = {view for area in same if (view := self._view(area, size)) is not None}
        if len(views) != 1:
            raise AnimateDiffError(
                f"the model was given {size[1]} x {size[0]} of {self.size[1]} x {self.size[0]} "
                "latent pixels, and Follow Trajectory does not know which.",
                "whole pictures, or the areas of the positive prompts",
                "take the node that samples the picture in tiles off the model, or set different "
                "areas for prompts of the same size.",
            )
        return views.pop()

    def _view(self, area: Sequence[int], size: tuple[int, int]) -> View | None:
        """None where this is no area of that size."""
        (height, width), (rows, columns) = size, self.size
        if (
            len(area) != 4
            or (min(area[0], rows - area[2]), min(area[1], columns - area[3])) != size
        ):
            return None
        return View(area[3] / columns, area[2] / rows, width / columns, height / rows)

    def _positive(self) -> list[dict]:
        return [entry for entry in self.conds().get("positive") or [] if "cross_attn" in entry]

    def require(self, follows: Iterable[Follow]) -> None:
        """AnimateDiffError for positive prompts that have not the tokens that were looked for."""
        for follow in follows:
            if follow.changes_cross_attention:
                self._require_tokens(follow)
            follow.trajectory.warn_if_short(self.frames)

    def _require_tokens(self, follow: Follow) -> None:
        for entry in self._positive():
            length = entry["cross_attn"].shape[1]
            if length % follow.length:
                raise AnimateDiffError(
                    f"the positive prompt has {counted(length, 'token')}, and that of "
                    f"Follow Trajectory {follow.length}.",
                    "the same text in both, encoded by the same CLIP",
                    "write the positive prompt's text into prompt of Follow Trajectory, and "
                    "connect to it the CLIP of CLIP Text Encode.",
                )

    def end(self) -> None:
        """Nothing is kept any longer, whoever holds a copy of the options."""
        self.conds = dict

    def __deepcopy__(self, memo: dict) -> FollowRun:
        """Itself: it hangs in the model's options, which other nodes may copy in a run."""
        return self
