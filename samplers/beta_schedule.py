"""The noise schedules of Stable Diffusion and AnimateDiff, and switching a model between them.

Trap: ComfyUI calls `linear` what diffusers calls `scaled_linear`, and `sqrt_linear` the truly
linear one that AnimateDiff was trained with.
"""

import copy
import logging
from enum import Enum

import torch

from ..motion.errors import AnimateDiffError

log = logging.getLogger("animatediff_native")

BETA_START, BETA_END, TIMESTEPS = 0.00085, 0.012, 1000
SAME_SIGMA = 1e-3  # relative; neighbouring entries of a table differ by more
CHOSEN = "animatediff_native_beta_schedule"  # what a patched model was given last


class BetaSchedule(str, Enum):
    """Choices of the node; `auto` is linear for every SD1.5 motion module."""

    AUTO = "auto"
    LINEAR = "linear (AnimateDiff)"
    SCALED_LINEAR = "scaled_linear (Stable Diffusion)"
    KEEP = "keep"


def sigmas_of(schedule: BetaSchedule) -> torch.Tensor:
    """[1000] sigma_t = sqrt((1 - abar_t) / abar_t), abar_t = prod(1 - beta_s) for s <= t."""
    if schedule is BetaSchedule.SCALED_LINEAR:
        root = torch.linspace(BETA_START**0.5, BETA_END**0.5, TIMESTEPS, dtype=torch.float64)
        betas = root**2
    else:
        betas = torch.linspace(BETA_START, BETA_END, TIMESTEPS, dtype=torch.float64)
    abar = torch.cumprod(1.0 - betas, dim=0)
    return ((1.0 - abar) / abar) ** 0.5


def timesteps_of(sigmas: torch.Tensor) -> torch.Tensor | None:
    """The timestep of each sigma in one of the two schedules; None where neither holds them all."""
    for schedule in (BetaSchedule.SCALED_LINEAR, BetaSchedule.LINEAR):
        steps = _timesteps_in(schedule, sigmas)
        if steps is not None:
            return steps
    return None


def _timesteps_in(schedule: BetaSchedule, sigmas: torch.Tensor) -> torch.Tensor | None:
    sigmas, table = sigmas.detach().double().cpu(), sigmas_of(schedule)
    steps = (sigmas.log()[:, None] - table.log()[None]).abs().argmin(dim=1)
    return steps if ((table[steps] - sigmas).abs() <= SAME_SIGMA * sigmas).all() else None


def set_beta_schedule(model, schedule: BetaSchedule) -> None:
    """Give a cloned ModelPatcher the schedule, timestep by timestep.

    Works on what is there, so that a prediction type or a shortened table (LCM) set by another
    node stays. `auto` leaves a schedule it does not know alone, with a warning.
    """
    if schedule is BetaSchedule.KEEP:
        return
    sampling = model.get_model_object("model_sampling")
    steps = timesteps_of(sampling.sigmas) if hasattr(sampling, "set_sigmas") else None
    if steps is None:
        _refuse_unknown(schedule, sampling)
        return
    target = BetaSchedule.LINEAR if schedule is BetaSchedule.AUTO else schedule
    sampling = copy.deepcopy(sampling)
    sampling.set_sigmas(sigmas_of(target)[steps])
    model.add_object_patch("model_sampling", sampling)
    model.set_attachments(CHOSEN, target)


def warn_if_replaced(model) -> None:
    """Say so where another node has replaced the schedule that a patched model was given."""
    chosen: BetaSchedule | None = model.get_attachment(CHOSEN)
    if chosen is None:
        return
    sampling = model.get_model_object("model_sampling")
    sigmas = getattr(sampling, "sigmas", None)
    if sigmas is not None and _timesteps_in(chosen, sigmas) is not None:
        return
    log.warning(
        "AnimateDiff: another node replaced the noise schedule after Apply Motion Module: sigma "
        "max is %.4g, and '%s' was set. Put that node (ModelSamplingDiscrete or the like) before "
        "Apply Motion Module, which keeps its sampling and sets the schedule; or set "
        "beta_schedule to 'keep' if this is wanted.",
        float(sampling.sigma_max),
        chosen.value,
    )


def _refuse_unknown(schedule: BetaSchedule, sampling) -> None:
    found = f"sigmas {float(sampling.sigma_min):.4g} to {float(sampling.sigma_max):.4g}"
    if schedule is not BetaSchedule.AUTO:
        raise AnimateDiffError(
            f"beta_schedule '{schedule.value}' was asked of a model with {found}.",
            "a model with a Stable Diffusion 1.5 schedule",
            "set beta_schedule to 'keep', or remove the node that changes the model's sampling.",
        )
    log.warning(
        "AnimateDiff: another node gave this model its own schedule (%s); it is kept. "
        "Set beta_schedule to 'keep' to say that this is wanted.",
        found,
    )
