"""AnimateLCM-I2V: a motion module that animates a picture by features added on the way down.

Wang et al., "AnimateLCM", 2024, and G-U-N/AnimateLCM's `models/adapter.py`. The features of
level i go in before the last temporal block of the down level, and with its output into the skip
connection. They do not depend on the step. Positions count from the first frame that is at hand,
as those of the motion module do.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from ..motion.beside import BODIES, LATENT_CHANNELS
from ..motion.config import DOWN_SITES, Version
from ..motion.effects import Effect
from ..motion.managed import managed
from ..motion.positions import sinusoidal_positions
from .companion import CompanionNetwork
from .picture import Picture

if TYPE_CHECKING:
    from ..motion.call import MotionCall, SiteCall
    from ..motion.run import MotionRun

NODE = "AnimateLCM-I2V Image"
PREFIX = "img_encoder."


class Body(nn.Module):
    """Two layers around a ReLU, added to what came in; halves the size first where a level
    begins."""

    def __init__(self, given: int, channels: int, halves: bool, ops: Any, **kwargs):
        super().__init__()
        self.halves = halves
        if given != channels:
            self.in_conv = ops.Conv2d(given, channels, 1, **kwargs)
        self.block1 = ops.Conv2d(channels, channels, 3, padding=1, **kwargs)
        self.block2 = ops.Conv2d(channels, channels, 1, **kwargs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.avg_pool2d(_even(x), 2) if self.halves else x
        x = self.in_conv(x) if hasattr(self, "in_conv") else x
        return x + self.block2(F.relu(self.block1(x)))


def _even(x: torch.Tensor) -> torch.Tensor:
    """With its last row and column once more where their number is odd: the UNet's way down gives
    half of it rounded up."""
    return F.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2), mode="replicate")


class ImageEncoder(CompanionNetwork):
    """levels: channels of each level of the UNet."""

    def __init__(self, levels: tuple[int, ...], ops: Any, dtype=None, device=None):
        super().__init__(dtype)
        kwargs = {"dtype": dtype, "device": device}
        self.conv_in = ops.Conv2d(LATENT_CHANNELS, levels[0], 3, padding=1, **kwargs)
        self.body = nn.ModuleList()
        given = levels[0]
        for number in range(BODIES * len(levels)):
            level, halves = number // BODIES, number >= BODIES and number % BODIES == 0
            self.body.append(Body(given, levels[level], halves, ops, **kwargs))
            given = levels[level]

    def forward(self, picture: torch.Tensor, frames: int, motion_scale: float):
        """Features of each level, [(n frames), C, h, w], for pictures [n, 4, h, w]."""
        x = self.conv_in(picture)
        positions = sinusoidal_positions(frames, x.shape[1])[0].to(x)[:, :, None, None]
        x = (x.unsqueeze(1) + motion_scale * positions).flatten(0, 1)
        features = []
        for number, body in enumerate(self.body):
            x = body(x)
            if number % BODIES == BODIES - 1:
                features.append(x)
        return features


class I2VImage(Effect):
    """beside: of the motion module; motion_scale: how much the frames' features differ."""

    picture_for = Version.ANIMATE_LCM_I2V

    def __init__(
        self, beside: Mapping[str, torch.Tensor], picture: Picture, motion_scale: float = 0.8
    ):
        own = {key.removeprefix(PREFIX): tensor for key, tensor in beside.items()}
        levels = tuple(
            t.shape[0] for k, t in own.items()
            if k.endswith("block2.bias") and int(k.split(".")[1]) % BODIES == 0
        )  # fmt: skip
        self.companion = managed(partial(ImageEncoder, levels), own)
        self.picture, self.motion_scale = picture, motion_scale
        self.said = f"{NODE} (motion_scale {motion_scale:g})"

    def for_run(self, run: MotionRun) -> RunningI2V:
        return RunningI2V(self, run, self.picture.latents(run))


class RunningI2V(Effect):
    """The same in one sampling run; picture: latents [clips, 4, h, w]."""

    def __init__(self, settings: I2VImage, run: MotionRun, picture: torch.Tensor):
        self.settings, self.run, self.picture = settings, run, picture

    def entry(self, call: MotionCall, x: torch.Tensor) -> torch.Tensor:
        self.settings.picture.require_whole(x, self.run.size)
        return x

    def before(self, site: SiteCall, x: torch.Tensor) -> torch.Tensor:
        at = site.site
        if at.block != "down" or at.index != DOWN_SITES - 1:
            return x
        features = self._features(site.call, x)[at.level]  # [clips, F, C, h, w]
        clips = [part.clip for part in site.call.parts]
        features = site.at_hand(features)
        added = features[0] if set(clips) == {0} else features[clips].flatten(0, 1)
        if added.shape[-2:] != x.shape[-2:]:  # another node made this part of the UNet smaller
            added = F.interpolate(added, x.shape[-2:], mode="bilinear", antialias=True)
        return (x.unflatten(0, (-1, len(added))) + added).flatten(0, 1)

    def _features(self, call: MotionCall, x: torch.Tensor) -> list[torch.Tensor]:
        key = (id(self), call.frames, x.device, x.dtype)
        return self.run.kept(key, lambda: self._encoded(call, x))

    def _encoded(self, call: MotionCall, x: torch.Tensor) -> list[torch.Tensor]:
        encoder: Any = call.companion(self.settings.companion)
        features = encoder(self.picture.to(x), call.frames, self.settings.motion_scale)
        return [each.unflatten(0, (-1, call.frames)) for each in features]
