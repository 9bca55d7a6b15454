"""A guider that runs two models, and a run of it."""

# The host is typed loosely.
# pyright: reportArgumentType=false

import comfy.sampler_helpers
import comfy.samplers
import torch

from . import tiny


def sample_two(model, other, frames: int = 8, steps: int = 3) -> torch.Tensor:
    """Euler steps from seeded noise, the positive prompt on one model, the negative on the other."""
    guider = TwoModels(model, other)
    guider.set_conds(tiny.conditioning(1), tiny.conditioning(3))
    guider.set_cfg(4.0)
    noise = tiny.noise(frames)
    sampler = comfy.samplers.sampler_object("euler")
    sampling = model.get_model_object("model_sampling")
    sigmas = comfy.samplers.calculate_sigmas(sampling, "normal", steps)
    return guider.sample(noise, torch.zeros_like(noise), sampler, sigmas, disable_pbar=True)


class TwoModels(comfy.samplers.CFGGuider):
    """The negative prompt on a model of its own, as the host's DualModelGuider does it."""

    def __init__(self, model, other):
        super().__init__(model)
        self.other = other

    def outer_sample(self, noise, *args, **kwargs):
        negative = {"negative": [dict(c) for c in self.conds["negative"]]}
        self.inner_other, negative, _ = comfy.sampler_helpers.prepare_sampling(
            self.other, noise.shape, negative, self.other.model_options
        )
        self.negative = negative["negative"]
        self.other.pre_run()
        try:
            return super().outer_sample(noise, *args, **kwargs)
        finally:
            self.other.cleanup()

    def predict_noise(self, x, timestep, model_options=None, seed=None):
        negative = comfy.samplers.process_conds(
            self.inner_other, x, {"negative": [dict(c) for c in self.negative]}, x.device
        )["negative"]
        calculate = comfy.samplers.calc_cond_batch
        positive = self.conds["positive"]
        (cond,) = calculate(self.inner_model, [positive], x, timestep, model_options)
        (uncond,) = calculate(self.inner_other, [negative], x, timestep, model_options)
        return uncond + self.cfg * (cond - uncond)
