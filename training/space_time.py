"""A space-time U-Net's motion module to begin with: it changes nothing but how many frames the deep
levels compute (Bar-Tal et al., "Lumiere", 2024, section 3.1). MotionModuleTraining trains it."""

import torch
from comfy.model_patcher import ModelPatcher

from ..motion.config import Layout, MotionConfig, Version, unet_sites
from ..motion.load import MotionModule, build_patcher
from ..motion.unet_placement import SD15_UNET, require_sd15
from .motion_module import first_weights


def new_space_time_module(
    model: ModelPatcher, file: str, seed: int, positions: int = 32
) -> MotionModule:
    """For this SD1.5 model; in fp32."""
    require_sd15(model)
    found = SD15_UNET.channels(SD15_UNET.host(model.model))
    channels = {site: found[site] for site in unet_sites(SD15_UNET.levels, mid_block=True)}
    config = MotionConfig(
        Version.SPACE_TIME, Layout.ORIGINAL, channels, positions, False, space_time=True
    )
    weights = first_weights(config, seed)
    return MotionModule(file, config, build_patcher(config, weights, torch.float32))
