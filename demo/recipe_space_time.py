"""How the miniature's space-time U-Net is made, and the motion module that it is compared with."""

from animatediff_native.motion.load import MotionModule
from animatediff_native.training.motion_module import MotionModuleTraining, new_motion_module
from animatediff_native.training.settings import Decay, TrainingSettings
from animatediff_native.training.space_time import new_space_time_module

from . import clips, models
from .recipe import VIDEOS, Workshop

STEPS = 800  # of each, a third of the motion module's own


def make_space_time(shop: Workshop, name: str) -> None:
    """Convolutions along space and time, attention in the coarsest resolution alone."""
    _make(shop, name, new_space_time_module(shop.adapted(), shop.file(name).name, seed=35))


def make_motion_short(shop: Workshop, name: str) -> None:
    """AnimateDiff's layout, trained alike."""
    _make(shop, name, new_motion_module(shop.adapted(), shop.file(name).name, seed=35))


def _make(shop: Workshop, name: str, module: MotionModule) -> None:
    data = clips.videos(shop.vae(), VIDEOS, seed=25)
    settings = TrainingSettings(
        steps=STEPS, learning_rate=8e-4, seed=45, clips_per_step=4, warm_up=100,
        decay=Decay.COSINE, ema=0.99,
    )  # fmt: skip
    training = MotionModuleTraining(shop.adapted(), module, data, settings)
    models.save_weights(training.run(**shop.supervised(name, settings.steps)), shop.file(name))
