"""FreeInit around the host's sampling: the run in rounds, each as fresh as the first."""

import logging
import math
from typing import Any

import comfy.sample
import torch

from ..motion.application import clips_of
from ..motion.errors import AnimateDiffError
from .frame_noise import SEEDS_BEYOND, require_frames, same_noise
from .free_init import FreeInit, next_noise
from .run_progress import ROUND_KEY, Round

log = logging.getLogger("animatediff_native")

SAME_SIGMA = 1e-5  # relative, as the host tells a run from the start of the schedule from others


def in_rounds(settings: FreeInit, executor, noise, latent_image, sampler, sigmas,
              denoise_mask=None, callback=None, disable_pbar=False, seed=None,
              *args, **kwargs):  # fmt: skip
    """The rest of the host's chain, as often as there are rounds."""
    guider = executor.class_obj
    _require_a_whole_run(guider.model_patcher, noise, sigmas)
    conds, start = guider.conds, noise
    options = guider.model_options["transformer_options"]
    result = noise
    try:
        for index in range(settings.iterations):
            part = Round(index, settings.iterations)
            log.info("AnimateDiff: FreeInit, round %d of %d", index + 1, settings.iterations)
            # the host fits conditionings to a run in place: areas, encodings, controls
            guider.conds = {name: [cond.copy() for cond in conds[name]] for name in conds}
            options[ROUND_KEY] = part
            if index:
                clean, seed = result, _seed_of(settings, seed)
                start = _next_start(settings, guider, clean, noise, latent_image, sigmas, seed)
            result = executor(start, latent_image, sampler, sigmas, denoise_mask,
                              part.callback(callback), disable_pbar, seed,
                              *args, **kwargs)  # fmt: skip
    finally:
        options.pop(ROUND_KEY, None)
    return result


def _seed_of(settings: FreeInit, seed: int | None) -> int:
    return ((seed or 0) + settings.seed_offset) % SEEDS_BEYOND


def _next_start(
    settings: FreeInit, guider: Any, clean: torch.Tensor, noise: torch.Tensor, latent_image, sigmas,
    seed: int,
) -> torch.Tensor:  # fmt: skip
    """The noise with which the host arrives at sqrt(1 + sigma^2) x the mix.

    Frames that started from one noise (FreeNoise) get one fresh noise too. All on the CPU, where
    the host draws noise, so that a clip is the same on every device.
    """
    process_in = guider.model_patcher.get_model_object("process_latent_in")
    sigma, first = float(sigmas[0]), noise.cpu()
    drawn: Any = comfy.sample.prepare_noise(first, seed)
    fresh = drawn[same_noise(first)]
    clean = process_in(clean.cpu().float())
    clips = clips_of(guider.model_patcher)
    start = next_noise(settings, clean, first, fresh, sigma, clips)
    if latent_image.count_nonzero():  # the host adds it to the noise
        start -= process_in(latent_image.cpu().float()) / (1 + sigma**2) ** 0.5
    return start.to(noise)


def _require_a_whole_run(model: Any, noise: torch.Tensor, sigmas: torch.Tensor) -> None:
    """AnimateDiffError where a run cannot be begun again from its own result."""
    require_frames(noise)
    sampling = model.get_model_object("model_sampling")
    first, last, largest = float(sigmas[0]), float(sigmas[-1]), float(sampling.sigma_max)
    if not noise.count_nonzero():
        raise AnimateDiffError(
            "the sampler adds no noise, and FreeInit begins every round from noise.",
            "a sampler that adds noise",
            "turn add_noise on, or connect RandomNoise instead of DisableNoise; in a chain of "
            "samplers give the model with FreeInit to none.",
        )
    if first < largest and not math.isclose(first, largest, rel_tol=SAME_SIGMA):
        raise AnimateDiffError(
            f"this run begins at sigma {first:.4g}, and the model's schedule at {largest:.4g}.",
            "a run from pure noise, as FreeInit begins every round",
            "set denoise to 1 and start_at_step to 0, and choose a scheduler that begins at the "
            "top, such as normal or karras (ddim_uniform does not); or remove FreeInit.",
        )
    _require_noise_over_clip(sampling, sigmas)
    if last > float(sampling.sigma_min) * (1 + SAME_SIGMA):
        raise AnimateDiffError(
            f"this run ends at sigma {last:.4g}, with noise left in the clip.",
            "a run to the end (sigma 0), whose result FreeInit begins again from",
            "turn return_with_leftover_noise off, or sample all steps in one sampler.",
        )


def _require_noise_over_clip(sampling: Any, sigmas: torch.Tensor) -> None:
    """The host must start from sqrt(1 + sigma^2) x noise, which flow models do not."""
    one = torch.ones(1, 1, 1, 1)
    sigma = sigmas[0].detach().cpu().float()
    start = float(sampling.noise_scaling(sigma, one, torch.zeros_like(one), True))
    wanted = float((1 + sigma**2).sqrt())
    if not math.isclose(start, wanted, rel_tol=1e-4):
        raise AnimateDiffError(
            f"this model starts from {start:.4g} times its noise at sigma {float(sigma):.4g}, "
            f"and Stable Diffusion from {wanted:.4g} times.",
            "a model that is sampled like Stable Diffusion 1.5 or XL",
            "remove FreeInit from this model.",
        )
