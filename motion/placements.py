"""The kinds of UNets that motion modules go into."""

from .config import MotionConfig
from .placement import Placement
from .unet_placement import SD15_UNET

UNETS: tuple[Placement, ...] = (SD15_UNET,)


def placement_for(config: MotionConfig) -> Placement:
    """Of the UNets that motion modules of this structure are made for."""
    return next(placement for placement in UNETS if placement.takes(config))
