"""How much each window has to say about each of its frames.

The fused prediction of a frame is the weighted mean of the windows' predictions,
sum(w eps) / sum(w): the minimum of sum(w |eps_fused - eps|^2), which MultiDiffusion
(Bar-Tal et al. 2023, eq. 3-5) defines, and which Lumiere (Bar-Tal et al. 2024, section 3.2)
uses along time.
"""

from enum import Enum

import torch

from .windows import Schedule, Window, WindowPlan

FAINTEST = 1e-2  # of a window's middle: no frame is ever without weight
NOTHING = 1e-37  # as ComfyUI's own ramps begin


class Fuse(str, Enum):
    """How weight falls off towards a window's ends."""

    PYRAMID = "pyramid"
    FLAT = "flat"
    OVERLAP_LINEAR = "overlap-linear"
    RELATIVE = "relative"


def weights(fuse: Fuse, window: Window, frames: int, plan: WindowPlan) -> torch.Tensor:
    """[len(window)] positive weights, by place in the window and so right where it wraps.

    With AnimateDiff-Evolved's schedules they are its weights, which know a window by its frames.
    """
    place = torch.arange(len(window), dtype=torch.float64)
    from_end = len(window) - 1 - place
    if fuse is Fuse.PYRAMID:
        return torch.minimum(place, from_end) + 1
    if fuse is Fuse.RELATIVE:
        if plan.schedule.evolved:
            place = torch.tensor(window, dtype=torch.float64)
        first, last = place[0], place[-1]
        distance = (place - (first + last) / 2).abs() / ((last - first + FAINTEST) / 2)
        return (1 - distance).clamp(min=FAINTEST)
    if fuse is Fuse.OVERLAP_LINEAR:
        return _ramps(window, frames, plan, place, from_end)
    return torch.ones_like(place)


def _ramps(window: Window, frames: int, plan: WindowPlan, place, from_end) -> torch.Tensor:
    """Up and down over the overlap, so that two ramps sum to 1; none at the clip's own ends."""
    ramp = torch.ones_like(place)
    closed = plan.schedule is Schedule.LOOPED and frames > plan.length
    for edge, at_an_end in ((place, min(window) == 0), (from_end, max(window) == frames - 1)):
        if closed or not at_an_end:
            if plan.schedule.evolved:
                up = (edge / max(1, plan.overlap - 1)).clamp(min=NOTHING)
                ramp = torch.where(edge < plan.overlap, up, ramp)
            else:
                ramp = torch.minimum(ramp, (edge + 1) / (plan.overlap + 1))
    return ramp


def shares(fuse: Fuse, windows: list[Window], frames: int, plan: WindowPlan) -> list[torch.Tensor]:
    """Per window the weights divided by their sum at each frame: fused = sum of share * eps. Of a
    frame that a window holds twice only the last has a share."""
    own = [weights(fuse, window, frames, plan) * _last_ones(window) for window in windows]
    total = torch.zeros(frames, dtype=torch.float64)
    for window, weight in zip(windows, own, strict=True):
        total.index_add_(0, torch.tensor(window), weight)
    return [weight / total[list(window)] for window, weight in zip(windows, own, strict=True)]


def _last_ones(window: Window) -> torch.Tensor:
    """1 where a frame does not come again in a window, 0 where it does."""
    last = {frame: place for place, frame in enumerate(window)}
    counts = [float(last[frame] == place) for place, frame in enumerate(window)]
    return torch.tensor(counts, dtype=torch.float64)
