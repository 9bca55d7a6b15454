"""A model whose subjects follow paths.

Attention of the UNet is changed in its calls (follow_call.py), attention of motion modules by an
effect (follow_temporal.py).
"""

from __future__ import annotations

import logging

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

from ..motion.apply import attach_effect, reach_second_models
from ..motion.run import in_options, require_alike
from .follow_call import KEY, apply_model, require_cross_attention
from .follow_run import Follow, FollowRun
from .follow_temporal import FollowInTime

log = logging.getLogger("animatediff_native")


def follow_trajectory(model: ModelPatcher, follow: Follow, temporal: float = 0.0) -> ModelPatcher:
    """A clone of the model that follows; the model as it was where nothing is asked."""
    patched = model.clone()
    if not follow.trajectory.visible.any():
        log.info("AnimateDiff: the trajectory has no points: Follow Trajectory changes nothing.")
        return patched
    if follow.changes_cross_attention or follow.spatial:
        require_cross_attention(model)
        present = follows(model)
        patched.set_attachments(KEY, (*present, follow))
        if not present:
            patched.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, _outer_sample)
            patched.add_wrapper_with_key(WrappersMP.APPLY_MODEL, KEY, _apply_model)
            reach_second_models(patched, KEY, _apply_model)
    if temporal:
        patched = attach_effect(patched, FollowInTime(follow.trajectory, temporal, follow.steps))
    return patched


def follows(model: ModelPatcher | None) -> tuple[Follow, ...]:
    return () if model is None else model.get_attachment(KEY) or ()


def _outer_sample(executor, noise, *args, **kwargs):
    """Host wrapper around one sampling run: refuse what cannot work, and keep nothing behind it."""
    guider = executor.class_obj
    require_alike(guider, follows, "follows this trajectory", "Follow Trajectory")
    model = guider.model_patcher
    run = FollowRun(model, noise.shape[0], (noise.shape[-2], noise.shape[-1]), lambda: guider.conds)
    run.require(follows(model))
    with in_options(guider, KEY, run):
        return executor(noise, *args, **kwargs)


def _apply_model(executor, x, t, c_concat=None, c_crossattn=None, control=None,
                 transformer_options=None, *args, **kwargs):  # fmt: skip
    """Host wrapper around one UNet call. Outside of a sampling run, a call is a run of its own."""
    options = {} if transformer_options is None else transformer_options
    model = executor.class_obj
    run = options.get(KEY)
    if run is None:
        window = options.get("context_window")
        batch = x.shape[0] // len(options.get("cond_or_uncond") or [0])
        batch = getattr(window, "total_frames", batch)
        run = FollowRun(model.current_patcher, batch, (x.shape[-2], x.shape[-1]))
    with apply_model(run, follows(model.current_patcher), model, x, t, options) as changed:
        return executor(x, t, c_concat, c_crossattn, control, changed, *args, **kwargs)
