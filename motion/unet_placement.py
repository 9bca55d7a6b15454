"""The UNet of Stable Diffusion as a place for motion modules, and SD1.5's.

AnimateDiff puts a temporal block after each attention (or ResBlock, where there is no
attention) of the down and up blocks, before a trailing upsampler, and in v2 after the mid
block's attention. ComfyUI keeps the same layers in `input_blocks`, `middle_block` and
`output_blocks`: see guoyww/AnimateDiff `unet_blocks.py` and comfy's `openaimodel.py`.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import comfy.supported_models
from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock, UNetModel, Upsample
from torch import nn

from .config import DOWN_LEVELS, ENTRY, MotionConfig, Site, unet_sites
from .cross_frame_norm import pooling
from .frame_sharing import FrameSharing
from .placement import require_kind
from .slots import SLOT_HOOK, SLOT_PATCH, MotionSlot, Spot, inserted
from .unet_sharing import with_resolutions


@dataclass(eq=False)
class UNetPlacement:
    """The Placement of checkpoints whose UNet has so many levels.

    checkpoints: the host's class of them; module: a motion module file for them.
    """

    expected: str
    checkpoints: type
    levels: int
    module: str

    def takes(self, config: MotionConfig) -> bool:
        return config.levels == self.levels

    def accepts(self, model: Any) -> bool:
        config = getattr(model.model, "model_config", None)
        unet = getattr(model.model, "diffusion_model", None)
        return isinstance(config, self.checkpoints) and isinstance(unet, UNetModel)

    def host(self, model: Any) -> nn.Module:
        return model.diffusion_model

    def channels(self, host: nn.Module) -> dict[Site, int]:
        found = {}
        for site in unet_sites(self.levels, mid_block=True):
            sequential = _sequential_at(host, site)
            if sequential is not None:
                found[site] = getattr(sequential[0], "out_channels", 0)
        return found

    def inserted(
        self, host: nn.Module, slots: Iterable[MotionSlot]
    ) -> AbstractContextManager[None]:
        return inserted((slot, _spot(host, slot.site)) for slot in slots)

    def routed(self, transformer_options: dict) -> dict:
        """With our handler for the layers that the host does not know."""
        patches = transformer_options.get("patches", {})
        handlers = patches.get(SLOT_HOOK, [])
        if SLOT_PATCH in handlers:
            return transformer_options
        patches = {**patches, SLOT_HOOK: [*handlers, SLOT_PATCH]}
        return {**transformer_options, "patches": patches}

    def pooled_over_frames(
        self, host: nn.Module, frames: int, sharing: FrameSharing | None = None
    ) -> AbstractContextManager[None]:
        return pooling(_with_pooled_norm(host, frames, sharing))


SD15_UNET = UNetPlacement(
    "an SD1.5 checkpoint", comfy.supported_models.SD15, DOWN_LEVELS, "v3_sd15_mm.ckpt"
)


def require_sd15(model: Any) -> None:
    """Raise AnimateDiffError unless the patched model is an SD1.5 UNet."""
    require_kind(model, SD15_UNET)


def _sequential_at(unet: Any, site: Site) -> nn.Sequential | None:
    """The UNet's sequential that a site belongs to; None where it has no such place."""
    if site.block == "mid":
        return unet.middle_block
    if site == ENTRY:
        return unet.input_blocks[0]
    # block 0 is conv_in, every third one a downsampler
    down = site.block == "down"
    blocks = unet.input_blocks if down else unet.output_blocks
    index = 3 * site.level + site.index + (1 if down else 0)
    return blocks[index] if index < len(blocks) else None


def _spot(unet: nn.Module, site: Site) -> Spot:
    sequential = _sequential_at(unet, site)
    if sequential is None:  # refused when the motion module was applied
        raise LookupError(f"this UNet has no place for {site.key}")
    last = next(reversed(sequential._modules.values()))
    return Spot(sequential, 1 if site.block == "mid" or isinstance(last, Upsample) else 0)


def _with_pooled_norm(
    unet: Any, frames: int, sharing: FrameSharing | None
) -> Iterator[tuple[nn.Sequential, int]]:
    """The sequentials whose first layer is a norm that v1 pools, two of each ResBlock and the last
    one, and how many frames each has."""
    for level, part in with_resolutions(unet):
        there = frames if sharing is None else sharing.frames_at(level, frames)
        for block in part.children():
            if isinstance(block, ResBlock):
                yield block.in_layers, there
                yield block.out_layers, there
    yield unet.out, frames
