"""A space-time U-Net's motion module to begin with: it changes nothing but how many frames the deep
levels compute (Bar-Tal et al., "Lumiere", 2024, section 3.1). MotionModuleTraining trains it."""

from comfy.model_patcher import ModelPatcher

from ..motion.config import Version
from ..motion.load import MotionModule
from .motion_module import new_module


def new_space_time_module(
    model: ModelPatcher, file: str, seed: int, positions: int = 32
) -> MotionModule:
    """For this SD1.5 model; in fp32."""
    return new_module(model, file, seed, Version.SPACE_TIME, True, positions, space_time=True)
