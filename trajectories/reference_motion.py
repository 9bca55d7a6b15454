"""Motion taken from a video, without training: guidance by its temporal attention.

MotionClone (Ling et al. 2024, arXiv 2406.05338). The video's latents are noised once and seen by
the animated model; where its temporal attention is strongest there, it is drawn to in the first
steps of a sampling.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import comfy.sampler_helpers
import comfy.samplers
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

from ..motion.application import applications, attached_effects, frames_of
from ..motion.apply import attach_effect
from ..motion.call_frames import windows_in
from ..motion.errors import AnimateDiffError, counted
from ..motion.run import in_options
from ..motion.step_range import StepRange
from .reference_clip import ReferenceClip, noisy
from .reference_maps import RESOLUTION, Maps, ObservedAttention, observed_sites
from .reference_pass import compare, note, passed
from .reference_steps import GuidedSteps, guided_steps, takes_whole

log = logging.getLogger("animatediff_native")

NODE = "Reference Motion"
KEY = "animatediff_native_reference_motion"
RUNS_KEY = f"{KEY}_runs"  # in transformer_options, for the length of a run
FIRST_STEPS = StepRange(0.0, 0.3)
MOST_WINDOWS = 64  # whose maps are kept: of 16 frames at 512 x 512, 1 MB each


@dataclass(frozen=True, eq=False)
class ReferenceMotion:
    """conditioning: of the reference, as the host has it; timestep: of its noise, of 1000;
    resolution: at which attention is looked at, in halvings of the latents' size."""

    clip: ReferenceClip
    conditioning: list
    strength: float = 1.0
    steps: StepRange = FIRST_STEPS
    timestep: int = 400
    resolution: int = RESOLUTION


def with_reference_motion(model: ModelPatcher, reference: ReferenceMotion) -> ModelPatcher:
    """A clone of the animated model that moves as the reference; at strength 0 the model as it
    was. Given to it a second time, both references draw."""
    _require_motion(model, reference.resolution)
    if reference.strength == 0:
        return model.clone()
    if any(isinstance(effect, ObservedAttention) for effect in attached_effects(model)):
        guided = model.clone()
    else:
        guided = attach_effect(model, ObservedAttention())
    present = guided.get_attachment(KEY) or ()
    guided.set_attachments(KEY, (*present, reference))
    if not present:
        guided.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, _outer_sample)
        guided.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, KEY, _predict_noise)
    return guided


def _require_motion(model: ModelPatcher, resolution: int) -> None:
    present = applications(model)
    if not present:
        raise AnimateDiffError(
            f"{NODE} was given a model without a motion module.",
            "an animated model: motion is taken from a video by its motion module",
            f"put Apply Motion Module before {NODE}.",
        )
    if not any(observed_sites(each.config, resolution) for each in present):
        raise AnimateDiffError(
            f"'{present[0].file}' has no attention along the frames where {NODE} looks for it, at "
            "a quarter of the latent's size on the way up.",
            "a motion module with temporal attention there, as those for SD1.5 and SDXL have it",
            "choose v3_sd15_mm.ckpt, or another motion module that is no space-time U-Net's.",
        )


@dataclass(eq=False)
class ReferenceRun:
    """One reference in one sampling run. latents: [F, C, h, w] with their noise, sigma: of it;
    batch, frames: of the run, of each clip; losses: one per guided call."""

    reference: ReferenceMotion
    latents: torch.Tensor
    sigma: float
    steps: GuidedSteps
    batch: int
    frames: int
    conds: list | None = None
    maps: OrderedDict[Any, Maps] = field(default_factory=OrderedDict)
    losses: dict[int, float] = field(default_factory=dict)

    def added(
        self, guider: Any, x: torch.Tensor, sigmas: torch.Tensor, model_options: dict
    ) -> torch.Tensor | None:
        """What goes to the prediction for x [(clips F), C, h, w], from a guider's run; None in
        steps that are not guided."""
        sigma = float(sigmas[0])
        step = self.steps.step_of(sigma)
        factor = 0.0 if step is None else self.steps.push(sigma, step)
        if step is None or factor == 0:
            return None
        model = guider.inner_model
        self._see_reference(model, x, sigmas, model_options)
        losses: list[float] = []
        resolution = self.reference.resolution

        def call(apply_model, x, t, **c) -> torch.Tensor:
            self._require_whole(x)
            compared = compare(model, apply_model, x, t, self.maps[_windows(c)], resolution, **c)
            if compared.gradient is None:
                return torch.zeros_like(x)
            losses.append(compared.loss)
            return compared.gradient

        positive = guider.conds.get("positive") or next(iter(guider.conds.values()))
        gradient = passed(model, positive, x, sigmas, model_options, call)
        if losses:
            self.losses.setdefault(step, sum(losses) / len(losses))
        return -self.reference.strength * factor * gradient

    def _see_reference(self, model: Any, x, sigmas, model_options: dict) -> None:
        """What its attention does in every window of this step, once per window. The windows are
        those of the step, the noise is the reference's."""
        if self.conds is None:
            self.conds = _prepared(model, self.reference.conditioning, x)
        seen, resolution = [], self.reference.resolution

        def call(apply_model, x, t, **c) -> torch.Tensor:
            windows = _windows(c)
            seen.append(windows)
            if windows not in self.maps:
                t = torch.full_like(t, self.sigma)
                c["transformer_options"] = {**c["transformer_options"], "sigmas": t}
                self.maps[windows] = note(apply_model, x, t, resolution, **c).maps
            self.maps.move_to_end(windows)
            return torch.zeros_like(x)

        clips = self.latents.repeat(self.batch // self.frames, 1, 1, 1).to(x)
        passed(model, self.conds, clips, sigmas, model_options, call)
        while len(self.maps) > max(MOST_WINDOWS, len(seen)):
            self.maps.popitem(last=False)

    def _require_whole(self, x: torch.Tensor) -> None:
        if x.shape[-2:] != self.latents.shape[-2:]:
            raise AnimateDiffError(
                f"the model was given latents of {x.shape[-2]} x {x.shape[-1]} in a run of "
                f"{self.latents.shape[-2]} x {self.latents.shape[-1]} (height x width): {NODE} "
                "cannot tell which part of its video that is.",
                "latents of one size in a run",
                "take prompts for areas, and tiles, out of the workflow; prompts with masks "
                "(set_cond_area 'default') work.",
            )

    def log(self) -> None:
        """The line of this run; a warning where nothing was guided."""
        found = [loss for _, loss in sorted(self.losses.items())]
        if found:
            log.info(
                "AnimateDiff: %s: %s guided, loss %.3g -> %.3g",
                NODE, counted(len(found), "step"), found[0], found[-1],
            )  # fmt: skip
            return
        steps = self.reference.steps
        log.warning(
            "AnimateDiff: %s took no part in this run: no step of it lies between start_percent "
            "%g and end_percent %g, or none in which the motion module takes part. Widen the "
            "range.",
            NODE, steps.start_percent, steps.end_percent,
        )  # fmt: skip

    def end(self) -> None:
        self.maps.clear()
        self.conds = None
        self.latents = self.latents[:0]

    def __deepcopy__(self, memo: dict) -> ReferenceRun:
        """Itself: it hangs in the model's options, which other nodes may copy in a run."""
        return self


class ReferenceRuns(tuple[ReferenceRun, ...]):
    """Those of one sampling run."""

    def end(self) -> None:
        for run in self:
            run.end()


def _windows(c: dict) -> tuple:
    """Of a call: which frames it holds."""
    return tuple(windows_in(c["transformer_options"]))


def _prepared(model: Any, conditioning: list, x: torch.Tensor) -> list:
    """The reference's conditioning as the host takes it in a run; of everything that can be in it
    only the text counts."""
    texts = [
        [text, {name: more[name] for name in ("pooled_output",) if name in more}]
        for text, more in conditioning[:1]
    ]
    conds = {"positive": comfy.sampler_helpers.convert_cond(texts)}
    return comfy.samplers.process_conds(model, x, conds, x.device)["positive"]


def _begun(guider: Any, noise: torch.Tensor, sampler: Any, sigmas: torch.Tensor) -> Iterator:
    """The runs of a guider's model; AnimateDiffError, before sampling, where one cannot be."""
    model = guider.model_patcher
    schedule = model.get_model_object("model_sampling")
    frames = frames_of(model, noise.shape[0])
    for reference in model.get_attachment(KEY) or ():
        reference.clip.require_frames(frames)
        sigma = float(schedule.sigma(torch.tensor(float(reference.timestep))))
        _require_seen(model, schedule, sigma, reference)
        steps = guided_steps(
            sigmas.tolist(),
            schedule.timestep(sigmas).tolist(),
            float(schedule.percent_to_sigma(reference.steps.start_percent)),
            float(schedule.percent_to_sigma(reference.steps.end_percent)),
            takes_whole(sampler),
        )
        latents = noise[:0]
        if steps.count:
            latents = reference.clip.latents(frames, noise.shape[1:], model.model)
        latents = noisy(latents, sigma)
        yield ReferenceRun(reference, latents, sigma, steps, noise.shape[0], frames)


def _require_seen(
    model: ModelPatcher, schedule: Any, sigma: float, reference: ReferenceMotion
) -> None:
    sites, timestep = reference.resolution, reference.timestep
    looked_at = [each for each in applications(model) if observed_sites(each.config, sites)]
    if not any(each.steps.contains(schedule, torch.tensor([sigma])) for each in looked_at):
        steps = looked_at[0].steps
        raise AnimateDiffError(
            f"'{looked_at[0].file}' moves from start_percent {steps.start_percent:g} to "
            f"end_percent {steps.end_percent:g}, and timestep {timestep} of {NODE} is at "
            f"{1 - timestep / 999:.2f}: it takes no part in seeing the video.",
            "a timestep at which the motion module takes part",
            f"widen the range in Apply Motion Module, or change timestep of {NODE}.",
        )


def _outer_sample(executor, noise, latent_image, sampler, sigmas, *args, **kwargs):
    """Host wrapper around one sampling run: refuse what cannot work, then say what happened."""
    guider = executor.class_obj
    runs = ReferenceRuns(_begun(guider, noise, sampler, sigmas))
    with in_options(guider, RUNS_KEY, runs):
        result = executor(noise, latent_image, sampler, sigmas, *args, **kwargs)
        for run in runs:
            run.log()
        return result


def _predict_noise(executor, x, timestep, model_options=None, *args, **kwargs):
    """Host wrapper around one prediction of a guider, whatever it guides with."""
    model_options = model_options or {}
    denoised = executor(x, timestep, model_options, *args, **kwargs)
    for run in model_options.get("transformer_options", {}).get(RUNS_KEY, ()):
        added = run.added(executor.class_obj, x, timestep, model_options)
        if added is not None:
            denoised = denoised + added
    return denoised
