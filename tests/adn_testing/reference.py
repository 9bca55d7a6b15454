"""Calls of an animated model that are looked at, outside of a sampling run."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportOperatorIssue=false

import torch
from animatediff_native.motion.apply import attach_effect
from animatediff_native.motion.config import Site
from animatediff_native.motion.effects import Effect
from animatediff_native.trajectories.reference_maps import RESOLUTION, ObservedAttention
from animatediff_native.trajectories.reference_pass import compare, note

from . import tiny

FRAMES, SIGMA = 4, 8.0
UP_1 = [Site("up", 1, index) for index in range(3)]


class Bare:
    """A call of an animated model outside of a sampling run."""

    def __init__(self, model):
        self.model = attach_effect(model, ObservedAttention())
        self.base = self.model.model
        self.context = tiny.conditioning(1)[0][0]

    def __enter__(self):
        tiny.sample(self.model, FRAMES, steps=1)  # loads it
        self.model.pre_run()
        return self

    def __exit__(self, *_):
        self.model.cleanup()

    def given(self, frames, **more):
        options = {
            "cond_or_uncond": [0],
            "wrappers": self.model.wrappers,
            **self.model.model_options["transformer_options"],
        }
        context = self.context.repeat(frames, 1, 1)
        return {"c_crossattn": context, "transformer_options": options, **more}

    def sigmas(self, frames, sigma=SIGMA):
        return torch.full((frames,), sigma)

    def noted(self, x, sigma=1.0):
        frames = len(x)
        given = self.given(frames)
        return note(self.base.apply_model, x, self.sigmas(frames, sigma), RESOLUTION, **given).maps

    def compared(self, x, maps, **more):
        frames = len(x)
        given = self.given(frames, **more)
        return compare(self.base, self.base.apply_model, x, self.sigmas(frames), maps, RESOLUTION, **given)


def noise(seed, frames=FRAMES):
    return tiny.noise(frames, seed=seed)


class Recorder(Effect):
    """q and k of every attention, in the order of the calls."""

    def __init__(self):
        self.seen = {}

    def attend(self, site, index, attend, q, k, v):
        self.seen.setdefault((site.site, index), []).append((q.clone(), k.clone()))
        return attend(q, k, v)
