"""FreeTraj's edit of attention along the frames: an effect of the motion modules of a model.

Qiu et al., "FreeTraj" (arXiv 2406.16863), section 4.3: at a pixel, a logit of two frames, in one of
which the pixel is in the box and in the other not, is multiplied by LITTLE. With several boxes, of
two frames in which it is not in the same ones.
"""

from __future__ import annotations

from collections.abc import Hashable

import torch

from ..motion.call import MotionCall, SiteCall
from ..motion.effects import Attend, Effect
from ..motion.errors import counted
from ..motion.step_range import StepRange
from .follow_boxes import labels
from .follow_spatial import factor_of
from .trajectory import Trajectory

AT_ONCE = 1 << 24  # logits that are in memory at the same time


class FollowInTime(Effect):
    """amount: 0 to 1, how little a pixel sees frames in which it is elsewhere."""

    def __init__(self, trajectory: Trajectory, amount: float, steps: StepRange):
        self.trajectory = trajectory
        self.amount = amount
        self.steps = steps
        self.said = f"frames by the boxes of {counted(trajectory.paths, 'path')}"

    def for_call(self, call: MotionCall) -> CallInTime | None:
        joined = self.steps.contains(call.model_sampling, call.sigmas)
        return CallInTime(self) if joined else None


class CallInTime(Effect):
    """The same in a call, which keeps what its blocks have in common."""

    def __init__(self, settings: FollowInTime):
        self.trajectory = settings.trajectory
        self.factor = factor_of(settings.amount)
        self._labels: dict[Hashable, torch.Tensor] = {}

    def attend(self, site: SiteCall, index: int, attend: Attend, q, k, v) -> torch.Tensor:
        found = self._of_slice(site, q.device)  # [S, F]
        across = (found[:, 1:] != found[:, :-1]).any(1)
        sequences = across.nonzero()[:, 0]
        out = attend(q, k, v)
        if len(sequences):
            size = max(1, AT_ONCE // (q.shape[1] * q.shape[2] ** 2))
            out = out.clone()
            for some in sequences.split(size):
                out[some] = self._edited(q[some], k[some], v[some], found[some]).to(out)
        return out

    def _edited(self, q, k, v, found: torch.Tensor) -> torch.Tensor:
        """found: [S, F], labels of the boxes."""
        same = found[:, :, None] == found[:, None]
        factors = torch.where(same, 1.0, self.factor)[:, None]
        logits = (q.float() * q.shape[-1] ** -0.5) @ k.float().transpose(-1, -2)
        return torch.softmax(logits * factors, dim=-1) @ v.float()

    def _of_slice(self, site: SiteCall, device: torch.device) -> torch.Tensor:
        """[S, F], labels of the frames at hand at the pixels of the slice at work."""
        parts = []
        for _, part, pixels in site.pieces():
            frames = site.call.parts[part].frames
            at_hand = range(len(frames)) if site.view is None else site.view
            own = tuple(frames[number] for number in at_hand)
            parts.append(self._of_frames(own, site, device)[pixels])
        return torch.cat(parts)

    def _of_frames(
        self, frames: tuple[int, ...], site: SiteCall, device: torch.device
    ) -> torch.Tensor:
        """[pixels, F]"""
        key = (frames, site.height, site.width, device)
        if key not in self._labels:
            found = labels(self.trajectory.at(frames), site.height, site.width)
            self._labels[key] = torch.from_numpy(found).flatten(1).t().contiguous().to(device)
        return self._labels[key]
