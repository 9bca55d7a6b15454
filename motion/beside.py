"""What stands in a file beside its motion modules, where the motion begins with a picture.

PIA (open-mmlab/PIA) brings the UNet's first layer for 9 channels, AnimateLCM-I2V
(G-U-N/AnimateLCM) a network whose features of the picture are added on the way down.
"""

import re
from collections.abc import Mapping

from .config import MotionConfig, Site, Version
from .formats import StateDict

LATENT_CHANNELS, PIA_CHANNELS = 4, 9  # PIA's: latent 4, mask 1, latent of the picture 4
BODIES = 2  # of each level of AnimateLCM-I2V's encoder

_KEY = re.compile(
    r"(?:module\.|unet\.|motion_module\.)*(?P<name>(?P<part>conv_in|img_encoder)\..+)",
    re.ASCII | re.DOTALL,
)


def beside(tensors: StateDict) -> tuple[Version | None, StateDict]:
    """Which kind of file these tensors are of, and what it has beside the motion modules, under
    the original names; None and nothing for a file that is no picture's."""
    named = {(m["part"], m["name"]): key for key in tensors if (m := _KEY.fullmatch(key))}
    parts = {
        part: {name: tensors[key] for (of, name), key in named.items() if of == part}
        for part in ("conv_in", "img_encoder")
    }
    first = parts["conv_in"].get("conv_in.weight")
    if first is not None and first.ndim > 1 and first.shape[1] == PIA_CHANNELS:
        return Version.PIA, parts["conv_in"]
    if parts["img_encoder"]:
        return Version.ANIMATE_LCM_I2V, parts["img_encoder"]
    return None, {}


def shapes_beside(config: MotionConfig) -> Mapping[str, tuple[int, ...]]:
    """Key and shape of every tensor that a file of this structure has beside."""
    if config.version is Version.PIA:
        first = _levels(config)[0]
        return {"conv_in.weight": (first, PIA_CHANNELS, 3, 3), "conv_in.bias": (first,)}
    return _encoder_shapes(_levels(config)) if config.version is Version.ANIMATE_LCM_I2V else {}


def _levels(config: MotionConfig) -> list[int]:
    """Channels of each level of the UNet."""
    return [config.channels[Site("down", level, 0)] for level in range(config.levels)]


def _encoder_shapes(levels: list[int]) -> dict[str, tuple[int, ...]]:
    shapes = _conv("img_encoder.conv_in", LATENT_CHANNELS, levels[0], 3)
    before = levels[0]
    for number in range(BODIES * len(levels)):
        c, body = levels[number // BODIES], f"img_encoder.body.{number}"
        if c != before:
            shapes |= _conv(f"{body}.in_conv", before, c, 1)
        shapes |= _conv(f"{body}.block1", c, c, 3) | _conv(f"{body}.block2", c, c, 1)
        before = c
    return shapes


def _conv(name: str, given: int, made: int, size: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (made, given, size, size), f"{name}.bias": (made,)}
