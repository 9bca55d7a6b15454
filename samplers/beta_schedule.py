"""The noise schedules of Stable Diffusion and AnimateDiff, and switching a model between them.

Trap: ComfyUI calls `linear` what diffusers calls `scaled_linear`, and `sqrt_linear` the truly
linear one that AnimateDiff was trained with.
"""

import copy
import logging
from enum import Enum

import torch
from comfy.ldm.modules.diffusionmodules.util import make_beta_schedule
from comfy_extras import nodes_model_advanced

from ..motion.config import Version
from ..motion.errors import AnimateDiffError

log = logging.getLogger("animatediff_native")

BETA_START, BETA_END, TIMESTEPS = 0.00085, 0.012, 1000
SAME_SIGMA = 1e-3  # relative; neighbouring entries of a table differ by more
CHOSEN = "animatediff_native_beta_schedule"  # what a patched model was given last


class BetaSchedule(str, Enum):
    """Choices of the node; for `auto` see `trained_with`."""

    AUTO = "auto"
    LINEAR = "linear (AnimateDiff)"
    SCALED_LINEAR = "scaled_linear (Stable Diffusion)"
    KEEP = "keep"
    AVERAGE = "average of linear and scaled_linear"
    SDXL = "scaled_linear to 0.020 (AnimateDiff-SDXL)"
    LCM_100 = "lcm of 100 timesteps (scaled_linear)"
    SQRT = "sqrt"
    COSINE = "cosine"
    SQUARED_COSINE = "squaredcos_cap_v2"
    LINEAR_I2V = "linear to 0.014 (AnimateLCM-I2V)"


HOST_NAMES = {  # and beta_end; the usual ones first, since models are held against them in order
    BetaSchedule.SCALED_LINEAR: ("linear", BETA_END),
    BetaSchedule.LINEAR: ("sqrt_linear", BETA_END),
    BetaSchedule.LCM_100: ("linear", BETA_END),
    BetaSchedule.SDXL: ("linear", 0.020),
    BetaSchedule.SQRT: ("sqrt", BETA_END),
    BetaSchedule.COSINE: ("cosine", BETA_END),
    BetaSchedule.SQUARED_COSINE: ("squaredcos_cap_v2", BETA_END),
    BetaSchedule.LINEAR_I2V: ("sqrt_linear", 0.014),
}
TRAINED_WITH = {  # guoyww/AnimateDiff, branch sdxl; HotshotXL: SDXL's own; G-U-N/AnimateLCM
    Version.SDXL_BETA: BetaSchedule.SDXL,
    Version.HOTSHOT_XL: BetaSchedule.SCALED_LINEAR,
    Version.ANIMATE_LCM_I2V: BetaSchedule.LINEAR_I2V,
}


def trained_with(version: Version) -> BetaSchedule:
    """What `auto` is for a motion module: linear for nearly all of SD1.5's."""
    return TRAINED_WITH.get(version, BetaSchedule.LINEAR)


def sigmas_of(schedule: BetaSchedule) -> torch.Tensor:
    """[1000] sigma_t = sqrt((1 - abar_t) / abar_t), abar_t = prod(1 - beta_s) for s <= t, in
    float64 on the CPU, as some devices have none."""
    if schedule is BetaSchedule.AUTO:
        return sigmas_of(BetaSchedule.LINEAR)
    if schedule is BetaSchedule.AVERAGE:
        return (sigmas_of(BetaSchedule.LINEAR) + sigmas_of(BetaSchedule.SCALED_LINEAR)) / 2
    name, end = HOST_NAMES[schedule]
    betas = torch.as_tensor(make_beta_schedule(name, TIMESTEPS, BETA_START, end), device="cpu")
    abar = torch.cumprod(1.0 - betas.double(), dim=0)
    return ((1.0 - abar) / abar) ** 0.5


def timesteps_of(sigmas: torch.Tensor) -> torch.Tensor | None:
    """The timestep of each sigma in one of the schedules; None where none holds them all."""
    for schedule in (*HOST_NAMES, BetaSchedule.AVERAGE):
        steps = _timesteps_in(schedule, sigmas)
        if steps is not None:
            return steps
    return None


def _timesteps_in(schedule: BetaSchedule, sigmas: torch.Tensor) -> torch.Tensor | None:
    sigmas, table = sigmas.detach().cpu().double(), sigmas_of(schedule)
    steps = (sigmas.log()[:, None] - table.log()[None]).abs().argmin(dim=1)
    return steps if ((table[steps] - sigmas).abs() <= SAME_SIGMA * sigmas).all() else None


def set_beta_schedule(
    model, schedule: BetaSchedule, auto: BetaSchedule = BetaSchedule.LINEAR
) -> None:
    """Give a cloned ModelPatcher the schedule, timestep by timestep. auto: what `auto` is.

    Works on what is there, so that a prediction type or a shortened table (LCM) set by another
    node stays; the schedule of LCM alone replaces the sampling. `auto` leaves a schedule it does
    not know alone, with a warning.
    """
    if schedule is BetaSchedule.KEEP:
        return
    sampling = model.get_model_object("model_sampling")
    steps = timesteps_of(sampling.sigmas) if hasattr(sampling, "set_sigmas") else None
    if steps is None:
        _refuse_unknown(schedule, sampling)
        return
    target = auto if schedule is BetaSchedule.AUTO else schedule
    if target is BetaSchedule.LCM_100:
        sampling = _Distilled(model.model.model_config)
    else:
        sampling = copy.deepcopy(sampling)
        sampling.set_sigmas(sigmas_of(target)[steps])
    model.add_object_patch("model_sampling", sampling)
    model.set_attachments(CHOSEN, target)


class _Distilled(nodes_model_advanced.ModelSamplingDiscreteDistilled, nodes_model_advanced.LCM):
    """LCM sampling, as ComfyUI's ModelSamplingDiscrete sets it up, at 100 timesteps of 1000."""

    original_timesteps = 100


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
            "a model with a schedule of Stable Diffusion 1.5 or XL",
            "set beta_schedule to 'keep', or remove the node that changes the model's sampling.",
        )
    log.warning(
        "AnimateDiff: another node gave this model its own schedule (%s); it is kept. "
        "Set beta_schedule to 'keep' to say that this is wanted.",
        found,
    )
