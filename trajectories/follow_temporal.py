"""FreeTraj's edit of attention along the frames: an effect of the motion modules of a model.

Qiu et al., "FreeTraj" (arXiv 2406.16863), section 4.3: at a pixel, a logit of two frames, in one of
which the pixel is in the box and in the other not, is multiplied by LITTLE. With several boxes, of
two frames in which it is not in the same ones.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator

import torch

from ..motion.call import MotionCall, SiteCall
from ..motion.effects import Attend, Effect
from ..motion.errors import counted
from ..motion.run import MotionRun
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

    def for_run(self, run: MotionRun) -> RunInTime:
        return RunInTime(self, run.frames)


class RunInTime(Effect):
    """The same in a run; frames: of a clip."""

    def __init__(self, settings: FollowInTime, frames: int):
        self.settings = settings
        self.frames = frames
        self.factor = factor_of(settings.amount)
        self._lock = threading.Lock()
        self._labels: dict[Hashable, torch.Tensor] = {}

    def for_call(self, call: MotionCall) -> RunInTime | None:
        joined = self.settings.steps.contains(call.model_sampling, call.sigmas)
        return self if joined else None

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
        whole = self._of_clip(site.height, site.width, device)
        parts = [whole[pixels][:, frames] for pixels, frames in self._pieces(site)]
        return torch.cat(parts)

    def _pieces(self, site: SiteCall) -> Iterator[tuple[slice, list[int]]]:
        """Of each part of the batch in the slice: its pixels, and its frames of the clip."""
        begin = site.first
        while begin < site.behind_last:
            clip = begin // site.pixels
            start = clip * site.pixels
            end = min(start + site.pixels, site.behind_last)
            frames = site.call.parts[site.call.part_of(clip)].frames
            at_hand = range(len(frames)) if site.view is None else site.view
            yield slice(begin - start, end - start), [frames[number] for number in at_hand]
            begin = end

    def _of_clip(self, height: int, width: int, device: torch.device) -> torch.Tensor:
        """[pixels, F] of the whole clip."""
        key = (height, width, device)
        with self._lock:
            if key not in self._labels:
                path = self.settings.trajectory.at(range(self.frames))
                found = torch.from_numpy(labels(path, height, width)).flatten(1).t()
                self._labels[key] = found.contiguous().to(device)
            return self._labels[key]
