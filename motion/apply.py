"""Attaching a motion module to a model: one clone, two keyed wrappers, one additional model."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

from .config import MotionConfig
from .cross_frame_norm import cross_frame_norms
from .errors import AnimateDiffError
from .load import MotionModule
from .placement import require_fit, require_sd15
from .report import RunReport
from .slots import SLOT_PATCH, ActiveMotion, MotionSlot, activated, inserted

KEY = "animatediff_native"
SLOT_HOOK = "forward_timestep_embed_patch"


def apply_motion_module(
    model: ModelPatcher,
    module: MotionModule,
    strength: float = 1.0,
    start_percent: float = 0.0,
    end_percent: float = 1.0,
) -> ModelPatcher:
    """A clone of the model that moves; applied to a model that moves already, both take part.

    strength scales what every temporal block adds; at 0 the clone is the model as it was.
    The module takes part in the steps from start_percent up to, not including, end_percent.
    """
    require_sd15(model)
    require_fit(model.model.diffusion_model, module.config, module.file)
    if not start_percent < end_percent:
        raise AnimateDiffError(
            f"start_percent is {start_percent:g} and end_percent {end_percent:g}.",
            "a start before the end",
            "raise end_percent, or lower start_percent.",
        )
    patched = model.clone()
    if strength == 0:
        return patched
    modules = patched.get_additional_models_with_key(KEY)
    slots = tuple(MotionSlot(len(modules), site) for site in module.config.sites)
    application = _Application(
        len(modules), module.file, module.config, slots, strength, start_percent, end_percent
    )
    patched.set_additional_models(KEY, [*modules, module.patcher.clone()])
    patched.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, application.outer_sample)
    patched.add_wrapper_with_key(WrappersMP.APPLY_MODEL, KEY, application.apply_model)
    _route_slots(patched)
    return patched


def _route_slots(model: ModelPatcher) -> None:
    """Register the slots' handler, once."""
    patches = model.model_options["transformer_options"].get("patches", {})
    if SLOT_PATCH not in patches.get(SLOT_HOOK, []):
        model.set_model_patch(SLOT_PATCH, SLOT_HOOK)


@dataclass(frozen=True, eq=False)
class _Application:
    """One use of a motion module on a model. It holds settings only: the UNet and the network
    are taken from the running model, which the host may have cloned or moved meanwhile."""

    order: int
    file: str
    config: MotionConfig
    slots: tuple[MotionSlot, ...]
    strength: float
    start_percent: float
    end_percent: float

    @property
    def run_key(self) -> str:
        return f"{KEY}_run_{self.order}"

    def outer_sample(self, executor, noise, *args, **kwargs):
        """Host wrapper around one sampling run: refuse what cannot work, then say what happened."""
        guider = executor.class_obj
        report = RunReport(
            f"{self.file} ({self.config.version.value})",
            len(self.config.channels),
            noise.shape[0],
            self.strength,
            self.start_percent,
            self.end_percent,
        )
        self._require_positions(report.frames, guider.model_options.get("context_handler"))
        report.warn_if_short()
        guider.model_options["transformer_options"][self.run_key] = report
        result = executor(noise, *args, **kwargs)
        report.log()
        return result

    def _require_positions(self, frames: int, context_handler) -> None:
        at_once = min(frames, getattr(context_handler, "context_length", frames))
        limit = self.config.position_length
        if at_once > limit:
            windows = "this clip" if context_handler is None else "a context window"
            raise AnimateDiffError(
                f"{windows} has {at_once} frames, and '{self.file}' can see {limit} at once.",
                f"at most {limit} frames at once",
                "add the node Context Windows to the model (context_length 16), "
                "or lower batch_size of the latent.",
            )

    def apply_model(self, executor, x, t, c_concat=None, c_crossattn=None, control=None,
                    transformer_options=None, *args, **kwargs):  # fmt: skip
        """Host wrapper around one UNet call: slots in, forward, slots out."""
        options = {} if transformer_options is None else transformer_options
        model = executor.class_obj
        report: RunReport | None = options.get(self.run_key)
        active = self._in_range(model.model_sampling, t)
        if report is not None:
            report.sigma_max = report.sigma_max or float(model.model_sampling.sigma_max)
            window = options.get("context_window")
            report.count(active, window.index_list if window is not None else None)
        with ExitStack() as scope:
            if active:
                self._activate(scope, model, self._frames(x, options, report), options)
            return executor(x, t, c_concat, c_crossattn, control, options, *args, **kwargs)

    def _in_range(self, model_sampling, sigmas) -> bool:
        if self.start_percent <= 0.0 and self.end_percent >= 1.0:
            return True  # spares the device a synchronisation
        sigma = float(sigmas[0])
        first = model_sampling.percent_to_sigma(self.start_percent)
        behind_last = model_sampling.percent_to_sigma(self.end_percent)
        return first >= sigma > behind_last

    def _activate(self, scope: ExitStack, model, frames: int, options: dict) -> None:
        patcher = model.current_patcher.get_additional_models_with_key(KEY)[self.order]
        scope.enter_context(
            activated(options, self.order, ActiveMotion(patcher.model, frames, self.strength))
        )
        scope.enter_context(inserted(model.diffusion_model, self.slots))
        if self.config.cross_frame_norm:
            scope.enter_context(cross_frame_norms(model.diffusion_model, frames))

    def _frames(self, x, options: dict, report: RunReport | None) -> int:
        """Frames per clip in this call, whose batch is one clip per conditioning."""
        batch, conds = x.shape[0], len(options.get("cond_or_uncond") or [0])
        clip = batch // conds
        if report is not None and "context_window" not in options:
            clip = report.frames  # also right where another node splits the call by conditioning
        if clip < 1 or batch % clip:
            raise AnimateDiffError(
                f"the model was called with {batch} latents for a clip of {clip} frames.",
                "whole clips",
                "remove the node that splits or merges the model's batch.",
            )
        if clip > self.config.position_length:
            self._require_positions(clip, None)
        return clip
