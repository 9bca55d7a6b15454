"""What a clip needs around the host's sampling: lengths that fit, and room for a window."""

import logging
from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

from ..motion.application import Windows, applications, clips_of
from ..motion.errors import AnimateDiffError
from .beta_schedule import warn_if_replaced
from .context_handler import RUN_KEY, ContextWindows, WindowRun
from .foreign_control import foreign_controls
from .run_display import run_display
from .self_attention_guidance import by_window
from .slicing import fitted_conds
from .windows import Schedule, WindowPlan

log = logging.getLogger("animatediff_native")

KEY = "animatediff_native_clip"
HANDLER = "context_handler"
AUTOMATIC_LENGTH, AUTOMATIC_OVERLAP = 16, 4  # what the modules were trained on, and a quarter


def set_windows(model: ModelPatcher, windows: ContextWindows) -> None:
    """Give a cloned model these windows, in place of any that it had."""
    _options(model)[HANDLER] = windows
    _add_wrappers(model)


def set_automatic_windows(model: ModelPatcher, limit: int) -> None:
    """Give a cloned model windows for clips that its motion modules cannot see at once.

    limit: frames that the module applied last can see at once. Another handler stays, and of
    several modules the one that sees least decides.
    """
    present = _options(model).get(HANDLER)
    replaceable = present is None
    if isinstance(present, ContextWindows) and present.automatic:
        replaceable, limit = True, min(limit, present.whole_up_to)
    if replaceable:
        length = min(AUTOMATIC_LENGTH, limit)
        plan = WindowPlan(length, min(AUTOMATIC_OVERLAP, length - 1), 1, Schedule.STATIC)
        _options(model)[HANDLER] = ContextWindows(plan, whole_up_to=limit, automatic=True)
    elif isinstance(present, ContextWindows):
        require_seen(model, present)
    _add_wrappers(model)


def require_seen(model: ModelPatcher, windows: ContextWindows) -> None:
    """AnimateDiffError where a motion module of the model cannot see a window, or the clip, and
    its length is known before the sampling."""
    for application in applications(model) if windows.batch else ():
        frames = application.frames_of(windows.batch)
        application.require_positions(frames, Windows(windows.context_length, ours=True))


def _options(model: ModelPatcher) -> dict[str, Any]:
    return model.model_options


def _add_wrappers(model: ModelPatcher) -> None:
    if not model.get_wrappers(WrappersMP.SAMPLER_SAMPLE, KEY):
        model.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, KEY, _sampler_sample)
        model.add_wrapper_with_key(WrappersMP.PREPARE_SAMPLING, KEY, _prepare_sampling)


def _windows_of(model_options: dict) -> ContextWindows | None:
    handler = model_options.get(HANDLER)
    return handler if isinstance(handler, ContextWindows) else None


def _prepare_sampling(executor, model, noise_shape, *args, **kwargs):
    """Host wrapper around loading the models: make room for a window, not for the clip."""
    windows = _windows_of(kwargs.get("model_options") or {})
    if windows is not None and windows.cuts(noise_shape[0] // clips_of(model)):
        noise_shape = [windows.context_length, *noise_shape[1:]]
    return executor(model, noise_shape, *args, **kwargs)


def _sampler_sample(executor, guider, sigmas, extra_args, callback, noise, latent_image=None,
                    denoise_mask=None, disable_pbar=False, *args, **kwargs):  # fmt: skip
    """Host wrapper around the sampler: the run's conditionings, fitted to the clip, in place of
    the guider's, which the host still has to clean up afterwards; and what the page shows."""
    model_options = extra_args["model_options"]
    windows = _windows_of(model_options)
    conds = guider.conds
    clips = clips_of(guider.model_patcher)
    frames = noise.shape[0] // clips
    warn_if_replaced(guider.model_patcher)
    with run_display(guider, callback, len(sigmas) - 1, disable_pbar) as display:
        run = WindowRun(progress=display.progress)
        if windows is not None:
            _announce(windows, noise, frames)
            model_options["transformer_options"][RUN_KEY] = run
            if windows.handles(frames):
                by_window(model_options)
        policy = None if windows is None or windows.automatic else windows.hint_count
        guider.conds = fitted_conds(conds, frames, policy, clips)
        try:
            with foreign_controls(conds.values(), frames, policy, run.hints, clips):
                return executor(guider, sigmas, extra_args, display.callback, noise, latent_image,
                                denoise_mask, disable_pbar, *args, **kwargs)  # fmt: skip
        finally:
            guider.conds = conds


def _announce(windows: ContextWindows, noise, frames: int) -> None:
    if noise.ndim != 4:
        raise AnimateDiffError(
            f"the latent is one of a video model (it has {noise.ndim} dimensions), and Context "
            "Windows are for models of pictures.",
            "frames in the batch of a latent with 4 dimensions",
            "take Context Windows off this model; ComfyUI has nodes of its own for the windows of "
            "video models.",
        )
    if windows.cuts(frames):
        log.info("AnimateDiff: %d frames in %s", frames, windows)
        _announce_stride(windows, frames)
    elif windows.turns(frames):
        log.info(
            "AnimateDiff: %d frames in one looped window, which begins at another frame in every "
            "step",
            frames,
        )


def _announce_stride(windows: ContextWindows, frames: int) -> None:
    asked, used = windows.plan.stride, windows.plan.fitted(frames).stride
    if windows.plan.schedule.moves and used < asked:
        log.warning(
            "AnimateDiff: context_stride of Context Windows is %d, and a clip of %d frames in "
            "windows of %d has room for %d: that is used. Lower context_stride, or make the clip "
            "longer.",
            asked,
            frames,
            windows.plan.length,
            used,
        )
