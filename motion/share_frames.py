"""Attaching frame sharing to a model, and what of it takes part in a call.

A space-time U-Net's motion module brings its own, with resamplers that were trained; without one,
nearest neighbours are what the deep levels share. One of them takes part in a model.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .application import KEY, Application, applications, clips_of
from .attention_guidance import GUIDANCE, POST_CFG, looks_at_attention
from .call import MotionCall
from .call_frames import require_whole_clips, windows_in
from .errors import AnimateDiffError
from .frame_sharing import FrameSharing, Nearest, SharedFrames
from .placements import unet_of
from .step_range import StepRange

SHARING_KEY = f"{KEY}_sharing"
NODE = "Frame Sharing"


@dataclass(frozen=True)
class SharingUse:
    """Frame sharing of a patched model, without a network."""

    sharing: FrameSharing
    steps: StepRange

    def __str__(self) -> str:
        steps = f"{self.steps.start_percent:.0%} to {self.steps.end_percent:.0%}"
        return f"{self.sharing}, {steps}"


def sharing_use(model: Any) -> SharingUse | None:
    return None if model is None else model.get_attachment(SHARING_KEY)


def new_sharing(model: Any, halvings: int, steps: StepRange) -> SharingUse | None:
    """For this patched model; None where nothing is shared. AnimateDiffError for one that cannot
    be."""
    levels = unet_of(model).levels
    if not 0 <= halvings < levels:
        raise AnimateDiffError(
            f"levels of {NODE} is {halvings}, and this checkpoint's UNet halves its size "
            f"{levels - 1} times.",
            f"0 to {levels - 1}",
            f"set levels to {levels - 1} or less.",
        )
    if halvings == 0:
        return None
    require_none(model)
    return SharingUse(FrameSharing(levels, halvings), steps)


def require_none(model: Any) -> None:
    """AnimateDiffError where the patched model shares frames already."""
    trained = next((each.file for each in applications(model) if each.sharing), None)
    what = f"its motion module '{trained}'" if trained else f"{NODE} before"
    if trained or sharing_use(model):
        raise AnimateDiffError(
            f"the deep levels of this model share frames already, by {what}.",
            "one way of sharing frames for a model",
            f"take one of the two out of the model's way: a second {NODE}, or a space-time motion "
            "module.",
        )


def shared_frames(
    model: Any, calls: Iterable[tuple[Application, MotionCall]], x: Any, sigmas, options: dict
) -> SharedFrames | None:
    """In a call of the model that runs, in which these motion modules take part; None where no
    frames are shared. x: the call's latents."""
    for application, call in calls:
        if application.sharing is not None:
            return SharedFrames(application.sharing, call.frames, call.network)
    use = sharing_use(model.current_patcher)
    if use is None or not use.steps.contains(model.model_sampling, sigmas):
        return None
    frames = _frames(model, x.shape[0], options)
    return SharedFrames(use.sharing, frames, Nearest()) if frames > 1 else None


def _frames(model: Any, batch: int, options: dict) -> int:
    """How many see each other in a call of so many latents."""
    conds = len(options.get("cond_or_uncond") or [0])
    windows = windows_in(options)
    clips = clips_of(model.current_patcher)
    frames = len(windows[0]) if windows else batch // conds // clips
    require_whole_clips(batch, frames)
    return frames


def require_no_guidance(model: Any) -> None:
    """AnimateDiffError where the deepest level shares frames and the host's Self-Attention
    Guidance, which looks at the attention there, expects all of them."""
    shares = sharing_use(model) or any(each.sharing for each in applications(model))
    if shares and any(map(looks_at_attention, model.model_options.get(POST_CFG, ()))):
        raise AnimateDiffError(
            f"{GUIDANCE} looks at the attention of a level in which frames are shared.",
            "a level that computes all frames, or no such guidance",
            f"remove {GUIDANCE} or set levels of {NODE} to 0; with a space-time motion module "
            f"remove {GUIDANCE}.",
        )
