"""Tora beside a motion module: an effect that shows every temporal block where things are to go.

What goes into a block becomes x + e d(x, f): d is what the block's fuser adds, f the extractor's
features of the block's size, e the strength. Flow is that of the frames that see each other: it
tells the way from each to the next, and the first of them has none, as in training.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from ..conditions.camera_control import MOST_KEPT, Kept, Maps
from ..conditions.camera_encoder import PATCH
from ..motion.call import MotionCall, SiteCall
from ..motion.effects import Effect
from ..motion.errors import AnimateDiffError, counted
from ..motion.frame_strengths import FrameStrengths
from ..motion.load import MotionModule
from ..motion.run import MotionRun
from .flow import path_flow
from .tora_network import ToraNetwork
from .trajectory import Trajectory


class ToraControl(Effect):
    """companion: the network of a file, in a patcher; amount: e; frames: factors of it by
    frame."""

    def __init__(
        self,
        companion: Any,
        trajectory: Trajectory,
        amount: float = 1.0,
        frames: FrameStrengths | None = None,
    ):
        self.companion = companion
        self.trajectory = trajectory
        self.amount = amount
        self.frames = frames
        self.said = f"{counted(trajectory.paths, 'path')} to follow (Tora)"

    def for_run(self, run: MotionRun) -> RunTora:
        factors = [1.0] * run.frames if self.frames is None else self.frames.over(run.frames)
        self.trajectory.warn_if_short(run.frames, "frame")
        return RunTora(self, torch.tensor(factors) * self.amount)


class RunTora(Effect):
    """The same in a run; strengths: [frames of a clip]."""

    def __init__(self, settings: ToraControl, strengths: torch.Tensor):
        self.settings = settings
        self.strengths = strengths
        self.maps = Kept(MOST_KEPT)

    def for_call(self, call: MotionCall) -> CallTora | None:
        """None where no frame of the call has any strength, and where there is no path."""
        strengths = call.per_frame(self.strengths)
        if not strengths.any() or not self.settings.trajectory.paths:
            return None
        network: Any = call.companion(self.settings.companion)
        return CallTora(self, network, strengths)

    def maps_of(self, network: ToraNetwork, frames: tuple[int, ...], x: torch.Tensor) -> Maps:
        """The extractor's maps of frames of a clip, for latents of the size of x [.., .., h, w]."""

        def make() -> Maps:
            size = [PATCH * side for side in x.shape[-2:]]
            flow = path_flow(self.settings.trajectory.at(frames), *size)
            return network(torch.from_numpy(flow).movedim(-1, 1).to(x))

        key = (frames, tuple(x.shape[-2:]), x.device, x.dtype)
        return self.maps.get(key, make)


class CallTora(Effect):
    """The same in a call; strengths: [parts, F]."""

    def __init__(self, run: RunTora, network: ToraNetwork, strengths: torch.Tensor):
        self.run = run
        self.network = network
        self.strengths = strengths
        self._maps: list[Maps] = []  # by part

    def entry(self, call: MotionCall, x: torch.Tensor) -> torch.Tensor:
        """x has the latents' size; it goes on as it is."""
        self._maps = [self.run.maps_of(self.network, part.frames, x) for part in call.parts]
        return x

    def before(self, site: SiteCall, x: torch.Tensor) -> torch.Tensor:
        fuser = self.network.fuser(site.site)
        if fuser is None:
            return x
        strengths = site.at_hand(self.strengths).to(x)
        level, frames = self.network.level(site.site), strengths.shape[1]
        seen = torch.empty_like(x)  # laid out as x is: kernels choose their sums by that
        for clip in range(len(x) // frames):
            own, part = slice(clip * frames, (clip + 1) * frames), site.call.part_of(clip)
            added = fuser(x[own], self._features(site, part, level))
            seen[own] = torch.addcmul(x[own], added, strengths[part, :, None, None, None])
        return seen

    def _features(self, site: SiteCall, part: int, level: int) -> torch.Tensor:
        """[F, features, h, w] of the frames at hand."""
        features, size = self._maps[part][level], (site.height, site.width)
        if features.shape[-2:] != size:  # another node has the UNet work at another size there
            features = F.interpolate(features, size, mode="bilinear", align_corners=False)
        return features if site.view is None else features[list(site.view)]


def with_trajectory(module: MotionModule, effect: ToraControl, file: str) -> MotionModule:
    """The motion module also with this effect. file: of the effect's network."""
    require_places(module, effect.companion.model, file)
    return module.with_effect(effect)


def require_places(module: MotionModule, network: ToraNetwork, file: str) -> None:
    """AnimateDiffError unless the motion module has the blocks that the file is for."""
    found = {site: c for site, c in module.config.channels.items() if site.block != "mid"}
    wanted = network.widths_by_site
    if wanted == found and not module.config.space_time:
        return
    mine = [channels for site, channels in found.items() if site.block == "down" and not site.index]
    raise AnimateDiffError(
        f"'{file}' does not fit '{module.file}': it is for levels of "
        f"{_listed(network.structure.widths)} channels, and the motion module has "
        f"{'a space-time U-Net of ' if module.config.space_time else ''}{_listed(mine)}.",
        "a trajectory control file and a motion module of the same structure",
        "choose the motion module that the file was trained with.",
    )


def _listed(widths: Any) -> str:
    return ", ".join(map(str, widths))
