"""The kinds of UNets that motion modules go into."""

from typing import Any

from .config import MotionConfig
from .known_files import where_from
from .placement import Placement, wrong_kind
from .sdxl_placement import SDXL_UNET
from .unet_placement import SD15_UNET, UNetPlacement

UNETS: tuple[UNetPlacement, ...] = (SD15_UNET, SDXL_UNET)


def placement_for(config: MotionConfig) -> Placement:
    """Of the UNets that motion modules of this structure are made for."""
    return next(placement for placement in UNETS if placement.takes(config))


def unet_of(model: Any) -> UNetPlacement:
    """Of the patched model; AnimateDiffError where it has another kind of UNet."""
    for placement in UNETS:
        if placement.accepts(model):
            return placement
    raise wrong_kind(model, SD15_UNET)


def placement_on(model: Any, config: MotionConfig, file: str) -> Placement:
    """The same; AnimateDiffError where the patched model is of another kind."""
    placement = placement_for(config)
    if not placement.accepts(model):
        fitting = [where_from(other.module) for other in UNETS if other.accepts(model)]
        raise wrong_kind(model, placement, file, *fitting)
    return placement
