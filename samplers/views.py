"""Views: a motion module sees a long clip in overlapping windows, the UNet sees all of it.

Qiu et al., "FreeNoise", ICLR 2024, section 3.3 (window-based attention fusion): at every
temporal block, both attentions of each window with positions from 0, then the weighted mean.
The feed-forward that follows takes each frame by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..motion.application import require_rows
from ..motion.call import MotionCall, SiteCall
from ..motion.effects import NO_LIMIT, AlongFrames, Effect, Rows
from .fuse import Fuse, shares
from .windows import Window, WindowPlan


class Views(Effect):
    """Of one motion module; plan: how the views lie along the frames of a call."""

    def __init__(self, plan: WindowPlan, fuse: Fuse = Fuse.PYRAMID):
        self.plan = plan
        self.fuse = fuse

    def frames_at_once(self, frames: int) -> int:
        return NO_LIMIT

    def require(self, file: str, rows: int) -> None:
        require_rows("view_length of Views", self.plan.length, file, rows)

    def for_call(self, call: MotionCall) -> CallViews | None:
        """None where one view would be the whole clip."""
        if call.frames <= self.plan.length:
            return None
        step = call.step if self.plan.schedule.moves else 0
        return CallViews(self, step)

    def views(self, frames: int, step: int) -> list[View]:
        """Of so many frames; one where it is all of them."""
        views = self.plan.windows(frames, step)
        own = shares(self.fuse, views, frames, self.plan)
        return [View(*each) for each in zip(views, own, strict=True)]


@dataclass(frozen=True)
class View:
    """frames: of a call; share: [len(frames)], how much of each it has in the mean."""

    frames: Window
    share: torch.Tensor


class CallViews(Effect):
    """The same in one call, in which blocks can be shown other numbers of frames."""

    def __init__(self, settings: Views, step: int):
        self.settings, self.step = settings, step
        self._kept: dict[int, list[View]] = {}

    def attentions(
        self, site: SiteCall, attentions: AlongFrames, x: torch.Tensor, rows: Rows
    ) -> torch.Tensor:
        count = x.shape[1]
        if count <= self.settings.plan.length:
            return attentions(site, x, rows)
        if count not in self._kept:
            self._kept[count] = self.settings.views(count, self.step)
        total = torch.zeros_like(x)
        for frames, share in ((list(view.frames), view.share) for view in self._kept[count]):
            seen = attentions(site.in_view(tuple(frames)), x[:, frames], None)
            total[:, frames] += seen * share.to(seen)[:, None]
        return total
