"""PIA: a motion module that animates a picture, whose latent and mask the UNet's first layer sees.

Zhang et al., "PIA", CVPR 2024. The first layer takes 9 channels there: the noisy latent, a mask
and the picture's latent. A convolution is linear in its channels, so what the last five add is
added behind the user's own first layer, which stays as it is, LoRAs included.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ..motion.beside import LATENT_CHANNELS, PIA_CHANNELS
from ..motion.config import Version
from ..motion.effects import Effect
from ..motion.errors import AnimateDiffError, counted
from ..motion.frame_strengths import FrameStrengths
from ..motion.managed import managed
from .companion import CompanionNetwork
from .pia_masks import PiaMotion, pia_mask
from .picture import Picture

if TYPE_CHECKING:
    from ..motion.call import MotionCall
    from ..motion.run import MotionRun

NODE = "PIA Image"


class PiaConv(CompanionNetwork):
    """What mask [n, 1, h, w] and picture [n, 4, h, w] add to the first layer's output."""

    def __init__(self, channels: int, ops: Any, dtype=None, device=None):
        super().__init__(dtype)
        added = PIA_CHANNELS - LATENT_CHANNELS
        self.conv = ops.Conv2d(
            added, channels, 3, padding=1, bias=False, dtype=dtype, device=device
        )

    def forward(self, mask: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
        return self.conv(torch.cat((mask, picture), dim=1))


class PiaImage(Effect):
    """beside: of the motion module; motion or values: of the mask, by frame; image_frame: which
    frame the picture is, negative from the end."""

    picture_for = Version.PIA

    def __init__(
        self,
        beside: Mapping[str, torch.Tensor],
        picture: Picture,
        motion: PiaMotion = PiaMotion.SMALL,
        image_frame: int = 0,
        values: FrameStrengths | None = None,
    ):
        weight = beside["conv_in.weight"]
        self.channels = weight.shape[0]
        own = {"conv.weight": weight[:, LATENT_CHANNELS:].clone()}
        self.companion = managed(partial(PiaConv, self.channels), own)
        self.picture, self.motion = picture, motion
        self.image_frame, self.values = image_frame, values
        self.said = f"{NODE} ({'frame_strengths' if values else motion.value})"

    def require_host(self, file: str, host: nn.Module) -> None:
        first: Any = host.input_blocks[0][0]  # type: ignore[index]
        if first.in_channels != LATENT_CHANNELS:
            raise AnimateDiffError(
                f"the model takes {first.in_channels} channels: it is an inpainting checkpoint, "
                f"and '{file}' brings its own picture to the first layer.",
                "an SD1.5 checkpoint that is not for inpainting",
                "load another checkpoint; for an inpainting checkpoint, Clip Condition and any "
                "other motion module animate a picture.",
            )
        if first.out_channels != self.channels:
            raise AnimateDiffError(
                f"the first layer of '{file}' has {self.channels} channels where the UNet has "
                f"{first.out_channels}.",
                "a motion module and a checkpoint of the same architecture",
                "use a full SD1.5 checkpoint.",
            )

    def for_run(self, run: MotionRun) -> RunningPia:
        mask = torch.tensor(self.mask(run.frames))
        return RunningPia(self, run, mask, self.picture.latents(run))

    def mask(self, frames: int) -> list[float]:
        """A value per frame; AnimateDiffError where the settings are not for such a clip."""
        if self.values is not None:
            return self.values.over(frames)
        frame = self.image_frame + (frames if self.image_frame < 0 else 0)
        if not 0 <= frame < frames:
            raise AnimateDiffError(
                f"image_frame of {NODE} is {self.image_frame}, and the clip has "
                f"{counted(frames, 'frame')}.",
                f"a frame from 0 to {frames - 1}, or from -{frames} to -1 counted from the end",
                "set image_frame to 0, or make the clip longer.",
            )
        return pia_mask(self.motion, frames, frame)


class RunningPia(Effect):
    """The same in one sampling run. mask: [frames]; picture: latents [clips, 4, h, w]."""

    def __init__(
        self, settings: PiaImage, run: MotionRun, mask: torch.Tensor, picture: torch.Tensor
    ):
        self.settings, self.run = settings, run
        self.mask, self.picture = mask, picture

    def entry(self, call: MotionCall, x: torch.Tensor) -> torch.Tensor:
        self.settings.picture.require_whole(x, self.run.size)
        key = (id(self), x.device, x.dtype)
        picture, mask = self.run.kept(key, lambda: self._terms(call, x))
        values = call.per_frame(self.mask).to(x)[..., None, None, None]  # [parts, F, 1, 1, 1]
        of_part = picture[[part.clip for part in call.parts]].unsqueeze(1)
        added = of_part + values * mask  # [parts, F, C, h, w]
        added = added.flatten(0, 1)  # the same for every conditioning
        return (x.unflatten(0, (-1, len(added))) + added).flatten(0, 1)

    def _terms(self, call: MotionCall, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What the pictures add, [clips, C, h, w], and what a mask of ones does, [1, C, h, w]: all
        that depends on the frame is a factor of the latter."""
        conv: Any = call.companion(self.settings.companion)
        picture = self.picture.to(x)
        ones = torch.ones_like(picture[:1, :1])
        of_pictures = conv(torch.zeros_like(picture[:, :1]), picture)
        return of_pictures, conv(ones, torch.zeros_like(picture[:1]))
