"""SparseCtrl's encoder as a place for motion modules, and a call of both."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn

from ..motion.call import MotionCall
from ..motion.call_frames import Part
from ..motion.config import MotionConfig, Site
from ..motion.effects import CallEffects
from ..motion.frame_sharing import FrameSharing
from ..motion.network import MotionNetwork
from ..motion.slots import (
    ACTIVE_KEY,
    SLOT_HOOK,
    SLOT_PATCH,
    ActiveMotion,
    MotionSlot,
    Spot,
    inserted,
)
from .sparse_network import Residuals, SparseEncoder

OWN = "sparse_ctrl"  # its motion modules', among those of a call


class SparseCtrlEncoder:
    """The Placement of SparseCtrl: at the end of every layer of the way down, as in AnimateDiff's
    `unet_blocks.py`; the middle has none."""

    expected = "a SparseCtrl model"

    def takes(self, config: MotionConfig) -> bool:
        return all(site.block == "down" for site in config.channels)

    def accepts(self, model: Any) -> bool:
        return isinstance(model.model, SparseEncoder)

    def host(self, model: Any) -> nn.Module:
        return model

    def channels(self, host: nn.Module) -> dict[Site, int]:
        return dict(host.config.motion.channels)  # type: ignore[union-attr]

    def inserted(
        self, host: nn.Module, slots: Iterable[MotionSlot]
    ) -> AbstractContextManager[None]:
        return inserted((slot, _spot(host, slot.site)) for slot in slots)

    def routed(self, transformer_options: dict) -> dict:
        """The blocks get nothing of what was put into the UNet's."""
        return {**transformer_options, "patches": {SLOT_HOOK: [SLOT_PATCH]}}

    def pooled_over_frames(
        self, host: nn.Module, frames: int, sharing: FrameSharing | None = None
    ) -> AbstractContextManager[None]:
        return nullcontext()


SPARSE_CTRL_ENCODER = SparseCtrlEncoder()


def _spot(encoder: Any, site: Site) -> Spot:
    return Spot(encoder.input_blocks[3 * site.level + site.index + 1], 0)


def residuals(
    encoder: SparseEncoder,
    motion: MotionNetwork,
    hint: torch.Tensor,
    timesteps: torch.Tensor,
    context: torch.Tensor,
    parts: Sequence[Part],
    rows: torch.Tensor | None = None,
    strength: float = 1.0,
) -> Residuals:
    """What SparseCtrl adds to the UNet, differentiable; see SparseEncoder.forward.

    parts: of each conditioning in the batch, frames that see each other; strength: of the motion
    modules.
    """
    if strength == 0:
        return encoder(None, hint, timesteps, context, rows)
    frames = len(parts[0].frames)
    call = MotionCall(motion, frames, tuple(parts), frames, (), timesteps, None)
    motions = {OWN: ActiveMotion(call, strength, CallEffects(()))}
    slots = [MotionSlot(OWN, site) for site in motion.config.sites]
    options = SPARSE_CTRL_ENCODER.routed({ACTIVE_KEY: motions})
    with SPARSE_CTRL_ENCODER.inserted(encoder, slots):
        return encoder(None, hint, timesteps, context, rows, transformer_options=options)
