"""Classifier-free guidance whose scale differs by frame and by step.

denoised_f = uncond_f + s_f (cond_f - uncond_f), through the host's own place for such a function.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

from ..motion.application import clips_of, frames_of
from ..motion.call import percent_of
from ..motion.errors import AnimateDiffError
from ..motion.frame_strengths import along_clip
from ..motion.keyframes import Keyframes, value_at

log = logging.getLogger("animatediff_native")

NODE = "CFG by Frame and Step"
KEY = "animatediff_native_frame_guidance"
FUNCTION = "sampler_cfg_function"  # the host's name for it in a model's options
CALLS_KEY = f"{KEY}_calls"  # in transformer_options, for the length of a run
CfgFunction = Callable[[dict[str, Any]], torch.Tensor]


class Calls:
    """Whether the function was called in a run."""

    any = False

    def __deepcopy__(self, memo: dict) -> "Calls":
        """Itself: it hangs in the model's options, which other nodes may copy in a run."""
        return self


@dataclass(frozen=True, eq=False)
class FrameGuidance:
    """What the host calls in place of its own guidance.

    scales: one per frame of a clip, or one for all; steps: factors by percent of the sampling;
    before: what the model had there, which gets the scale by frame.
    """

    scales: tuple[float, ...]
    steps: Keyframes = ()
    before: CfgFunction | None = None

    def __deepcopy__(self, memo: dict) -> "FrameGuidance":
        return self

    def __call__(self, args: dict[str, Any]) -> torch.Tensor:
        """x minus the guided prediction, as the host has it; all [(clips F), C, h, w]."""
        if not _has_negative(args):
            raise AnimateDiffError(
                "CFG by Frame and Step was given to a sampler without a negative prompt.",
                "a guider with a positive and a negative prompt",
                "use KSampler or CFGGuider, or take the node out.",
            )
        calls = args["model_options"].get("transformer_options", {}).get(CALLS_KEY)
        if calls is not None:
            calls.any = True
        scale = self.scale(args)
        if self.before is not None:
            return self.before({**args, "cond_scale": scale})
        cond, uncond = args["cond_denoised"], args["uncond_denoised"]
        return args["input"] - (uncond + (cond - uncond) * scale)

    def scale(self, args: dict[str, Any]) -> torch.Tensor:
        """[(clips F), 1, 1, 1]."""
        model, x = args["model"], args["input"]
        clips = clips_of(model.current_patcher)
        scales = x.new_tensor(along_clip(self.scales, x.shape[0] // clips, NODE) * clips)
        if self.steps:
            scales = scales * value_at(self.steps, percent_of(model.model_sampling, args["sigma"]))
        return scales.reshape(-1, *[1] * (x.ndim - 1))


def _has_negative(args: dict[str, Any]) -> bool:
    """Whether there was a negative prompt: older hosts do not say, and predict 0 without one."""
    if "input_uncond" in args:
        return args["input_uncond"] is not None
    return bool(args["uncond_denoised"].any())


def with_frame_guidance(
    model: ModelPatcher, scales: Sequence[float], steps: Keyframes = ()
) -> ModelPatcher:
    """A clone of the model that is guided like this, whatever cfg the sampler has. Given to it a
    second time, the last one counts."""
    before: Any = model.model_options.get(FUNCTION)
    if isinstance(before, FrameGuidance):
        before = before.before
    guided = model.clone()
    function = FrameGuidance(tuple(scales), steps, before)
    guided.set_model_sampler_cfg_function(function, disable_cfg1_optimization=True)
    if not guided.get_wrappers(WrappersMP.OUTER_SAMPLE, KEY):
        guided.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, _outer_sample)
    return guided


def _outer_sample(executor, noise, *args, **kwargs):
    """Host wrapper around one sampling run: refuse what cannot work, say what did not."""
    guider = executor.class_obj
    function = guider.model_options.get(FUNCTION)
    if isinstance(function, FrameGuidance):
        along_clip(function.scales, frames_of(guider.model_patcher, noise.shape[0]), NODE)
    options = guider.model_options["transformer_options"]
    options[CALLS_KEY] = calls = Calls()
    try:
        result = executor(noise, *args, **kwargs)
    finally:
        options.pop(CALLS_KEY, None)
    if not calls.any:
        log.warning(
            "AnimateDiff: CFG by Frame and Step had no part in this run: a node behind it put its "
            "own guidance in its place, or the sampler has none. Put that node before CFG by "
            "Frame and Step, which then takes it along."
        )
    return result
