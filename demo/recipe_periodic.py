"""How the motion modules of swinging shapes are made: all from the same clips, with about as many
frames in all."""

from animatediff_native.motion.load import load_motion_module
from animatediff_native.samplers.beta_schedule import BetaSchedule, set_beta_schedule
from animatediff_native.training.settings import TrainingSettings

from . import models, periodic_clips, periodic_module
from .recipe import Workshop

LOOPS = 160
PREFIX = "swing_"
NAMES = tuple(PREFIX + layout for layout in periodic_module.LAYOUTS)


def make(shop: Workshop, name: str) -> None:
    """On the base model, without the adapter. name: PREFIX and the layout's."""
    layout = periodic_module.LAYOUTS[name.removeprefix(PREFIX)]
    model = shop.unet()
    set_beta_schedule(model, BetaSchedule.LINEAR)
    data = periodic_clips.data(shop.vae(), LOOPS, 91, layout.times)
    settings = TrainingSettings(
        steps=layout.steps, learning_rate=1e-3, seed=92, clips_per_step=layout.clips_per_step,
        warm_up=20, ema=0.98, least_timestep=350,
    )  # fmt: skip
    module = load_motion_module(shop.file("motion"))
    hooks = shop.supervised(name, settings.steps)
    found = periodic_module.train(model, module, layout, data, settings, hooks)
    models.save_weights(found, shop.file(name))
