"""Attaching a motion module to a model: a clone, keyed wrappers, one additional model."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import CallbacksMP, WrappersMP

from .application import (
    EFFECTS_KEY,
    KEY,
    Application,
    Windows,
    applications,
    attached_effects,
)
from .call import MotionCall
from .call_frames import part_of, require_whole_clips, whole_clips, windows_in
from .config import ENTRY
from .effects import CallEffects, Effect
from .errors import AnimateDiffError
from .load import MotionModule, require_picture
from .placement import require_fit
from .placements import placement_on
from .run import RUNS_KEY, MotionRun, MotionRuns, in_options, require_one_model
from .share_frames import (
    SHARING_KEY,
    new_sharing,
    require_no_guidance,
    require_none,
    shared_frames,
    sharing_use,
)
from .sharing import clone_beside, patcher_beside
from .slots import ACTIVE_KEY, ActiveMotion, MotionSlot
from .step_range import StepRange
from .unet_sharing import shared_control, sharing

log = logging.getLogger("animatediff_native")


def apply_motion_module(
    model: ModelPatcher,
    module: MotionModule,
    strength: float = 1.0,
    start_percent: float = 0.0,
    end_percent: float = 1.0,
    clips: int = 1,
) -> ModelPatcher:
    """A clone of the model that moves; applied to a model that moves already, both take part.

    strength scales what every temporal block adds; at 0 the clone is the model as it was.
    The module takes part in the steps from start_percent up to, not including, end_percent.
    clips: how many clips the batch of a latent is.
    """
    placement = placement_on(model, module.config, module.file)
    host = placement.host(model.model)
    require_fit(placement.channels(host), module.config, module.file)
    steps = StepRange(start_percent, end_percent)
    present = applications(model)
    _require_same_clips(present, clips)
    patched = model.clone()
    if strength == 0:
        return patched
    if module.config.space_time:
        require_none(model)
    require_picture(module)
    for effect in module.effects:
        effect.require(module.file, module.table_length)
        effect.require_host(module.file, host)
    id = uuid.uuid4().hex
    application = Application(
        id,
        module.file,
        module.config,
        placement,
        tuple(MotionSlot(id, site) for site in module.config.sites),
        strength,
        steps,
        module.effects,
        clips,
    )
    others = [each.patcher(patched) for each in present]
    own = patcher_beside(module.patcher, module.config, others)
    patched.set_additional_models(application.model_key, [own])
    for companion, key in application.companions:
        patched.set_additional_models(key, [clone_beside(companion)])
    if not present and sharing_use(model) is None:
        _wrap(patched)
    patched.set_attachments(KEY, (*present, application))
    return patched


def attach_effect(model: ModelPatcher, effect: Effect) -> ModelPatcher:
    """A clone of the model with an effect for every motion module of it, whether applied before or
    afterwards. It has no companion, and leaves the position table as it is."""
    assert effect.companion is None
    patched = model.clone()
    patched.set_attachments(EFFECTS_KEY, (*attached_effects(model), effect))
    return patched


def apply_frame_sharing(
    model: ModelPatcher, halvings: int, start_percent: float = 0.0, end_percent: float = 1.0
) -> ModelPatcher:
    """A clone of the model whose deep levels compute fewer frames: see frame_sharing.py.

    halvings: of its UNet's deepest halvings of height and width, how many halve the frames too; at
    0 the clone is the model as it was. In the steps from start_percent up to, not including,
    end_percent.
    """
    use = new_sharing(model, halvings, StepRange(start_percent, end_percent))
    patched = model.clone()
    if use is not None:
        if not applications(model):
            _wrap(patched)
        patched.set_attachments(SHARING_KEY, use)
    return patched


def _wrap(patched: ModelPatcher) -> None:
    patched.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, _outer_sample)
    patched.add_wrapper_with_key(WrappersMP.APPLY_MODEL, KEY, _apply_model)
    reach_second_models(patched, KEY, _apply_model)


def _require_same_clips(present: tuple[Application, ...], clips: int) -> None:
    for application in present:
        if application.clips != clips:
            raise AnimateDiffError(
                f"clips is {clips} here, and {application.clips} where '{application.file}' was "
                "applied to this model before.",
                "one number of clips for all motion modules of a model",
                "set clips alike on every Apply Motion Module of the model.",
            )


def _outer_sample(executor, noise, *args, **kwargs):
    """Host wrapper around one sampling run: refuse what cannot work, then say what happened."""
    guider = executor.class_obj
    require_one_model(guider)
    require_no_guidance(guider.model_patcher)
    handler = guider.model_options.get("context_handler")
    length = getattr(handler, "context_length", None)
    runs = MotionRuns(noise.shape, Windows(length, hasattr(handler, "automatic")))
    for application in applications(guider.model_patcher):
        runs.of(application, attached_effects(guider.model_patcher))
    with in_options(guider, RUNS_KEY, runs):
        result = executor(noise, *args, **kwargs)
        for run in runs:
            run.report.log()
        if (use := sharing_use(guider.model_patcher)) is not None:
            log.info("AnimateDiff: %s", use)
        return result


def reach_second_models(patched: ModelPatcher, key: str, apply_model: Callable) -> None:
    """A guider of two models runs the second one with the options of the first, which need not
    have this wrapper around a call: a host callback before the call puts it there."""

    def prepare_state(_model: Any, _timestep: Any, model_options: dict | None = None) -> None:
        if model_options is None:  # older hosts, which have no such guiders
            return
        wrappers = model_options["transformer_options"].setdefault("wrappers", {})
        wrappers.setdefault(WrappersMP.APPLY_MODEL, {}).setdefault(key, [apply_model])

    patched.add_callback_with_key(CallbacksMP.ON_PREPARE_STATE, key, prepare_state)


def _apply_model(executor, x, t, c_concat=None, c_crossattn=None, control=None,
                 transformer_options=None, *args, **kwargs):  # fmt: skip
    """Host wrapper around one UNet call: slots in, forward, slots out.

    Which motion modules take part is asked of the model that runs: where a guider runs several,
    the options can be those of another one.
    """
    options = {} if transformer_options is None else transformer_options
    model = executor.class_obj
    motions: dict[str, ActiveMotion] = {}
    with ExitStack() as scope:
        scope.callback(motions.clear)  # whoever keeps the options of a call keeps no network
        joined = [
            (application, motion)
            for application in applications(model.current_patcher)
            if (motion := _motion(application, model, x, t, options)) is not None
        ]
        calls = [(application, motion.call) for application, motion in joined]
        shared = shared_frames(model, calls, x, t, options)
        if shared is not None:
            scope.enter_context(sharing(model.diffusion_model, shared, x.shape[0]))
            control = shared_control(model.diffusion_model, control, shared, x.shape[0])
            joined = [(each, motion.sharing(shared.sharing)) for each, motion in joined]
        for application, motion in joined:
            _put_in(scope, application, model, motion)
            motions[application.id] = motion
            options = application.placement.routed({**options, ACTIVE_KEY: motions})
        return executor(x, t, c_concat, c_crossattn, control, options, *args, **kwargs)


def _motion(
    application: Application, model: Any, x: torch.Tensor, sigmas, options: dict
) -> ActiveMotion | None:
    """What this application does in a call; None where its steps leave the call out."""
    run, windows = _run_of(application, model, x, options), windows_in(options)
    motion = None
    if application.steps.contains(model.model_sampling, sigmas):
        call = _call(run, windows, model, x, sigmas, options)
        joined = [each for e in run.effects if (each := e.for_call(call)) is not None]
        if not any(effect.off for effect in joined):
            motion = ActiveMotion(call, application.strength, CallEffects(joined))
    run.count(motion is not None, lambda: float(model.model_sampling.sigma_max), windows)
    return motion


def _put_in(scope: ExitStack, application: Application, model: Any, motion: ActiveMotion) -> None:
    """Its slots, and v1's norms, for as long as the scope lasts."""
    placement, host = application.placement, application.placement.host(model)
    slots = application.slots
    if motion.effects.entry:
        slots = (MotionSlot(application.id, ENTRY), *slots)
    scope.enter_context(placement.inserted(host, slots))
    if application.config.cross_frame_norm:
        call = motion.call
        scope.enter_context(placement.pooled_over_frames(host, call.frames, call.sharing))


def _run_of(application: Application, model: Any, x: torch.Tensor, options: dict) -> MotionRun:
    """Outside of a sampling run, a call is a run of its own."""
    runs: MotionRuns | None = options.get(RUNS_KEY)
    if runs is None:
        window = options.get("context_window")
        batch = x.shape[0] // len(options.get("cond_or_uncond") or [0])
        runs = MotionRuns((getattr(window, "total_frames", batch), *x.shape[1:]))
    return runs.of(application, attached_effects(model.current_patcher))


def _call(
    run: MotionRun, windows: list, model: Any, x: torch.Tensor, sigmas, options: dict
) -> MotionCall:
    application = run.application
    conds = tuple(options.get("cond_or_uncond") or [0])
    frames = len(windows[0]) if windows else run.frames
    require_whole_clips(x.shape[0], frames)
    application.require_positions(frames)
    places = windows or whole_clips(run.batch, run.frames)
    parts = tuple(part_of(window, run.frames, application.clips) for window in places)
    in_order = x.shape[0] == frames * len(parts) * len(conds)  # no other node split the batch
    network = application.patcher(model.current_patcher).model
    return MotionCall(
        network,
        frames,
        parts,
        run.frames,
        conds if in_order else (),
        sigmas,
        model.model_sampling,
        options.get("sample_sigmas"),
        application.networks_beside(model.current_patcher),
    )
