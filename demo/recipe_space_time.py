"""How the miniature's space-time U-Net is made, and the motion module that it is compared with."""

from dataclasses import replace

from animatediff_native.training.motion_module import new_motion_module
from animatediff_native.training.space_time import new_space_time_module

from .recipe import MOTION, Workshop, train_motion

SHORT = replace(MOTION, steps=800, ema=0.99)  # a third of the motion module's own steps


def make_space_time(shop: Workshop, name: str) -> None:
    """Convolutions along space and time, attention in the coarsest resolution alone."""
    train_motion(shop, name, SHORT, new_space_time_module)


def make_motion_short(shop: Workshop, name: str) -> None:
    """AnimateDiff's layout, trained alike."""
    train_motion(shop, name, SHORT, new_motion_module)
