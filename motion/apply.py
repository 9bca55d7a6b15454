"""Attaching a motion module to a model: one clone, two keyed wrappers, one additional model."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

from .config import MotionConfig
from .cross_frame_norm import cross_frame_norms
from .errors import AnimateDiffError
from .extras import MotionCall, RunningExtra, extras_of
from .load import MotionModule
from .placement import require_fit, require_sd15
from .report import RunReport
from .sharing import patcher_beside
from .slots import SLOT_PATCH, ActiveMotion, MotionSlot, activated, inserted
from .step_range import StepRange

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
    steps = StepRange(start_percent, end_percent)
    patched = model.clone()
    if strength == 0:
        return patched
    modules = patched.get_additional_models_with_key(KEY)
    slots = tuple(MotionSlot(len(modules), site) for site in module.config.sites)
    application = Application(len(modules), module.file, module.config, slots, strength, steps)
    own = patcher_beside(module.patcher, module.config, modules)
    patched.set_additional_models(KEY, [*modules, own])
    patched.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, application.outer_sample)
    patched.add_wrapper_with_key(WrappersMP.APPLY_MODEL, KEY, application.apply_model)
    _route_slots(patched)
    return patched


def _route_slots(model: ModelPatcher) -> None:
    """Register the slots' handler, once."""
    patches = model.model_options["transformer_options"].get("patches", {})
    if SLOT_PATCH not in patches.get(SLOT_HOOK, []):
        model.set_model_patch(SLOT_PATCH, SLOT_HOOK)


def applications(model: ModelPatcher) -> list[Application]:
    """The motion modules that were applied to the model, in order, with their settings."""
    wrappers = model.get_wrappers(WrappersMP.APPLY_MODEL, KEY)
    return [wrapper.__self__ for wrapper in wrappers]


@dataclass(frozen=True, eq=False)
class Application:
    """One use of a motion module on a model. It holds settings only: the UNet and the network
    are taken from the running model, which the host may have cloned or moved meanwhile."""

    order: int
    file: str
    config: MotionConfig
    slots: tuple[MotionSlot, ...]
    strength: float
    steps: StepRange

    @property
    def run_key(self) -> str:
        return f"{KEY}_run_{self.order}"

    @property
    def extras_key(self) -> str:
        return f"{KEY}_extras_{self.order}"

    def outer_sample(self, executor, noise, *args, **kwargs):
        """Host wrapper around one sampling run: refuse what cannot work, then say what happened."""
        guider = executor.class_obj
        report = RunReport(
            f"{self.file} ({self.config.version.value})",
            len(self.config.channels),
            noise.shape[0],
            self.strength,
            self.steps.start_percent,
            self.steps.end_percent,
        )
        self._require_positions(report.frames, guider.model_options.get("context_handler"))
        report.warn_if_short()
        options = guider.model_options["transformer_options"]
        options[self.run_key] = report
        options[self.extras_key] = self._extras(guider.model_patcher, report.frames)
        try:
            result = executor(noise, *args, **kwargs)
        finally:
            del options[self.extras_key]
        report.log()
        return result

    def _require_positions(self, frames: int, context_handler) -> None:
        at_once = min(frames, getattr(context_handler, "context_length", frames))
        limit = self.config.position_length
        if at_once > limit:
            raise AnimateDiffError(
                f"{'this clip' if context_handler is None else 'a context window'} has {at_once} "
                f"frames, and '{self.file}' can see {limit} at once.",
                f"at most {limit} frames at once",
                "set context_length of the node Context Windows to 16; where there is no such "
                "node on the model, add one, or lower batch_size of the latent.",
            )

    def apply_model(self, executor, x, t, c_concat=None, c_crossattn=None, control=None,
                    transformer_options=None, *args, **kwargs):  # fmt: skip
        """Host wrapper around one UNet call: slots in, forward, slots out."""
        options = {} if transformer_options is None else transformer_options
        model = executor.class_obj
        report: RunReport | None = options.get(self.run_key)
        active = self.steps.contains(model.model_sampling, t)
        if report is not None:
            report.sigma_max = report.sigma_max or float(model.model_sampling.sigma_max)
            report.count(active, _windows_in(options))
        with ExitStack() as scope:
            if active:
                frames = self._frames(x, options, report)
                hooked = self._enter_extras(scope, model, frames, t, options)
                self._activate(scope, model, frames, hooked, options)
            return executor(x, t, c_concat, c_crossattn, control, options, *args, **kwargs)

    def _activate(self, scope: ExitStack, model, frames: int, hooked: bool, options: dict) -> None:
        network = self._patcher(model.current_patcher).model
        motion = ActiveMotion(network, frames, self.strength, hooked)
        scope.enter_context(activated(options, self.order, motion))
        scope.enter_context(inserted(model.diffusion_model, self.slots))
        if self.config.cross_frame_norm:
            scope.enter_context(cross_frame_norms(model.diffusion_model, frames))

    def _enter_extras(self, scope: ExitStack, model, frames: int, sigmas, options: dict) -> bool:
        """Whether there are any. Outside of a sampling run, a call is a run of its own."""
        patcher = self._patcher(model.current_patcher)
        extras = options.get(self.extras_key)
        if extras is None:
            extras = self._extras(model.current_patcher, frames)
        windows = _windows_in(options) or [range(frames)]
        call = MotionCall(patcher.model, windows, model.model_sampling, sigmas)
        for extra in extras:
            scope.enter_context(extra.around(call))
        return bool(extras)

    def _extras(self, model: ModelPatcher, frames: int) -> list[RunningExtra]:
        return [extra.for_run(frames) for extra in extras_of(self._patcher(model))]

    def _patcher(self, model: ModelPatcher) -> ModelPatcher:
        """This application's motion network, as the running model has it."""
        return model.get_additional_models_with_key(KEY)[self.order]

    def _frames(self, x, options: dict, report: RunReport | None) -> int:
        """Frames per clip in this call, whose batch is one clip per conditioning."""
        batch, conds = x.shape[0], len(options.get("cond_or_uncond") or [0])
        clip = batch // conds
        window = options.get("context_window")
        if window is not None:  # ours can be several side by side, and say how long each is
            clip = getattr(window, "clip_length", clip)
        elif report is not None:
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


def _windows_in(options: dict) -> list[tuple[int, ...]]:
    """The windows of this call, as frames of the clip; none where the clip is whole."""
    window = options.get("context_window")
    if window is None:
        return []
    frames = window.index_list
    length = getattr(window, "clip_length", len(frames))
    return [tuple(frames[i : i + length]) for i in range(0, len(frames), length)]
