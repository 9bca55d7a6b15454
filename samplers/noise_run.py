"""What a model does with the noise of a run: another in its place, and rounds of FreeInit.

Both are one wrapper, which stands around all others: the noise is exchanged once, before the
first round, and motion modules, windows and other extensions see each round as a run of its own.
"""

from dataclasses import dataclass, replace
from typing import Any

import comfy.sample
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

from ..motion.errors import AnimateDiffError
from .frame_noise import FrameNoise, NoiseSource, require_frames, same_noise
from .free_init import FreeInit
from .free_init_run import in_rounds

KEY = "animatediff_native_noise"
AROUND_A_RUN = WrappersMP.OUTER_SAMPLE


def frame_noise(**settings: Any) -> FrameNoise:
    """Drawn as the host draws, to the bit."""
    draw: Any = comfy.sample.prepare_noise
    return FrameNoise(draw, **settings)


@dataclass(frozen=True, eq=False)
class NoiseRun:
    """The host's wrapper around a sampling run."""

    noise: NoiseSource | None = None
    free_init: FreeInit | None = None

    def __call__(self, executor, noise, latent_image, *args, **kwargs):
        if self.noise is not None:
            noise = _exchanged(self.noise, noise, latent_image)
        if self.free_init is None:
            return executor(noise, latent_image, *args, **kwargs)
        return in_rounds(self.free_init, executor, noise, latent_image, *args, **kwargs)


def use_noise(model: ModelPatcher, noise: NoiseSource) -> ModelPatcher:
    """A clone whose runs start from this noise, wherever a sampler adds noise at all."""
    return _with(model, noise=noise)


def use_free_init(model: ModelPatcher, settings: FreeInit) -> ModelPatcher:
    """A clone whose runs are sampled in rounds; one round is a run as it was."""
    return _with(model, free_init=settings if settings.iterations > 1 else None)


def _with(model: ModelPatcher, **changed: Any) -> ModelPatcher:
    """A clone with our wrapper before all others; the last node of a kind decides."""
    model = model.clone()
    present: list[Any] = model.get_wrappers(AROUND_A_RUN, KEY)
    run: NoiseRun = replace(present[0] if present else NoiseRun(), **changed)
    model.remove_wrappers_with_key(AROUND_A_RUN, KEY)
    others = dict(model.wrappers.get(AROUND_A_RUN, {}))
    for key in others:
        model.remove_wrappers_with_key(AROUND_A_RUN, key)
    if run.noise is not None or run.free_init is not None:
        model.add_wrapper_with_key(AROUND_A_RUN, KEY, run)
    for key, wrappers in others.items():
        for wrapper in wrappers:
            model.add_wrapper_with_key(AROUND_A_RUN, key, wrapper)
    return model


def _exchanged(source: NoiseSource, noise: torch.Tensor, latent_image: torch.Tensor):
    """All zeros are a sampler's that adds no noise. Frames to which the sampler gave one noise
    (FreeNoise) stay alike."""
    if not noise.count_nonzero():
        return noise
    require_frames(latent_image)
    latent: dict[str, Any] = {"samples": latent_image.cpu()}
    order = same_noise(noise)
    if order != list(range(len(order))):
        latent["batch_index"] = order
    made = source.generate_noise(latent)
    if made.shape != noise.shape:
        raise AnimateDiffError(
            f"the noise of Noise for KSampler is {_size(made)}, and the latent {_size(noise)}.",
            "noise of the latent's size",
            "connect another noise to Noise for KSampler.",
        )
    return made.to(noise)


def _size(latent: torch.Tensor) -> str:
    return " x ".join(map(str, latent.shape))
