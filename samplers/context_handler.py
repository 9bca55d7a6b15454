"""Long clips in the host's sampling: one prediction from overlapping windows.

The host calls a context handler in place of a whole model call (`calc_cond_batch`). Each window
goes through the host's own executor with its part of everything that has a frame axis, so
wrappers, batching of cond and uncond, and memory decisions stay the host's.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import comfy.model_management
import torch
from comfy.context_windows import ContextHandlerABC

from ..motion.application import clips_of
from ..motion.call import nearest_step
from .control_slicing import HintCount
from .foreign_control import any_foreign
from .frame_window import FrameWindow, WindowCall, WindowShare
from .fuse import Fuse, shares
from .kept_hints import KeptHints
from .reference import Reference
from .run_progress import RunProgress
from .self_attention_guidance import WindowedGuidance, windowed_guidance
from .slicing import sliced_conds
from .windows import WindowPlan

RUN_KEY = "animatediff_native_window_run"  # in transformer_options, for the length of a run
# More fill a device hardly better, and the memory of a run would grow with its clip.
MOST_WINDOWS_PER_CALL = 2
HEADROOM = 1.5  # the host's own factor when it decides how much to batch


@dataclass(frozen=True)
class ContextWindows(ContextHandlerABC):
    """The settings of a model's windows. State of a run lives in its WindowRun.

    whole_up_to: clips of up to this many frames are not cut, where that is more than a window;
    automatic: set by Apply Motion Module, and given up for any other handler; batch: of the
    latent, where it is known before the sampling.
    """

    plan: WindowPlan = field(default_factory=WindowPlan)
    fuse: Fuse = Fuse.PYRAMID
    hint_count: HintCount = HintCount.ERROR
    reference: Reference = field(default_factory=Reference)
    whole_up_to: int = 0
    automatic: bool = False
    batch: int = 0

    # Names that the host's wrappers and other nodes read off any handler.
    dim = 0
    freenoise = False

    @property
    def context_length(self) -> int:
        return self.plan.length

    @property
    def context_overlap(self) -> int:
        return self.plan.overlap

    def cuts(self, frames: int) -> bool:
        """Whether a clip of this length is cut into windows."""
        return frames > max(self.plan.length, self.whole_up_to)

    def turns(self, frames: int) -> bool:
        """Whether one window holds the whole clip and begins elsewhere in every step."""
        return self.plan.turns(frames) and not self.cuts(frames)

    def handles(self, frames: int) -> bool:
        return self.cuts(frames) or self.turns(frames)

    def __str__(self) -> str:
        plan = self.plan
        automatic = ", automatic" if self.automatic else ""
        return (
            f"{plan.schedule.value} windows of {plan.length} frames, overlap {plan.overlap}, "
            f"fused by {self.fuse.value}{self.reference}{automatic}"
        )

    def should_use_context(self, model, conds, x_in, timestep, model_options) -> bool:
        return self.handles(x_in.shape[0] // clips_of(model.current_patcher))

    def get_resized_cond(self, cond_in, x_in, window: Any, device=None) -> Any:
        return sliced_conds([cond_in], window)[0]

    def execute(self, calc_cond_batch, model, conds, x_in, timestep, model_options):
        """Per conditioning sum(share * prediction) over the windows; x_in: [(clips F), C, h, w]."""
        options = model_options.get("transformer_options", {})
        run: WindowRun = options.get(RUN_KEY) or WindowRun()
        if run.per_call is None:
            devices = model_options.get("multigpu_clones", ())
            run.per_call = windows_per_call(model, conds, x_in, self.plan.length, devices)
        moves = self.plan.schedule.moves
        step = nearest_step(options.get("sample_sigmas"), timestep) if moves else 0
        fused = [torch.zeros_like(x_in) for _ in conds]
        guidance = _begun_guidance(model_options, conds, x_in)
        clips = clips_of(model.current_patcher)
        reference = self.reference.begin(model.model_sampling, timestep, x_in.shape[0] // clips)
        calls = run.calls(self, x_in, step, clips)
        for call in calls:
            comfy.model_management.throw_exception_if_processing_interrupted()
            window = call.window
            x, sigmas = window.pick(x_in), window.pick(timestep)
            told = _with_window(model_options, options, window)
            with run.hints.in_use(window) as on_copy:
                sliced = sliced_conds(conds, window, on_copy)
                predicted = calc_cond_batch(model, sliced, x, sigmas, told)
                for added in guidance:
                    added.after(call, _guidance_args(model, sliced, predicted, x, sigmas, told))
            if reference is not None:
                predicted = reference.given(call, predicted)
            for total, part in zip(fused, predicted, strict=True):
                call.add(total, part)
            run.tell(call, calls)
        return fused


@dataclass
class WindowRun:
    """What one sampling run lays out once: windows, their indices and shares on the device.

    hints: what ControlNets made of theirs; progress: told of every window, where somebody looks.
    """

    per_call: int | None = None
    laid_out: dict[tuple, list[WindowCall]] = field(default_factory=dict)
    hints: KeptHints = field(default_factory=KeptHints)
    progress: RunProgress | None = None

    def __deepcopy__(self, memo: dict) -> "WindowRun":
        """Itself: it hangs in the model's options, which other nodes may copy in a run."""
        return self

    def calls(
        self, handler: ContextWindows, x: torch.Tensor, step: int, clips: int = 1
    ) -> list[WindowCall]:
        """The UNet calls of a step; x: [(clips F), C, h, w]."""
        key = (x.shape[0], x.device, x.dtype, step, clips)
        if key not in self.laid_out:
            self.laid_out[key] = _calls(handler, x, step, self.per_call or 1, clips)
        return self.laid_out[key]

    def tell(self, call: WindowCall, calls: list[WindowCall]) -> None:
        """That one of a step's calls is done."""
        if self.progress is not None:
            self.progress.windows_done(len(call.parts), sum(len(other.parts) for other in calls))


def _calls(
    handler: ContextWindows, x: torch.Tensor, step: int, per_call: int, clips: int
) -> list[WindowCall]:
    """Windows of equal length, up to per_call of them together, in the order of the schedule,
    clip by clip."""
    batch, frames = x.shape[0], x.shape[0] // clips
    of_a_clip = handler.plan.windows(frames, step)
    own = shares(handler.fuse, of_a_clip, frames, handler.plan)
    own = [share.to(x)[:, None, None, None] for share in own] * clips
    windows = [
        tuple(first + frame for frame in window)
        for first in range(0, batch, frames)
        for window in of_a_clip
    ]
    calls = []
    while windows:
        count = per_call if len({len(w) for w in windows[:per_call]}) == 1 else 1
        parts = [FrameWindow([window], batch) for window in windows[:count]]
        together = parts[0] if len(parts) == 1 else FrameWindow(windows[:count], batch)
        calls.append(WindowCall(together, list(map(WindowShare, parts, own[:count]))))
        windows, own = windows[count:], own[count:]
    return calls


def windows_per_call(
    model: Any, conds: list, x: torch.Tensor, length: int, devices: Collection[torch.device] = ()
) -> int:
    """How many windows go through the UNet together: as many as the host would batch.

    devices: all that take part, where they are more than that of x.
    """
    if x.device.type == "cpu":
        return 1  # gains nothing there
    if any_foreign(conds):
        return 1  # a frame that two windows share must not come twice in a call for them
    entries = sum(len(cond) for cond in conds if cond is not None)
    free = min(_free_memory(model.current_patcher, device) for device in devices or [x.device])
    for count in range(MOST_WINDOWS_PER_CALL, 1, -1):
        needed = model.memory_required([entries * count * length, *x.shape[1:]])
        if needed * HEADROOM < free:
            return count
    return 1


def _free_memory(patcher: Any, device: torch.device) -> float:
    """As the host counts it where it decides how much to batch: weights that newer hosts can
    move out of the way are free memory to them."""
    count: Any = getattr(patcher, "get_free_memory", comfy.model_management.get_free_memory)
    return count(device)


def _begun_guidance(model_options: dict, conds: list, x: torch.Tensor) -> list[WindowedGuidance]:
    """What has to see each window, where the call is one for guidance: [positive, negative]."""
    if len(conds) != 2 or None in conds:
        return []
    guidance = windowed_guidance(model_options)
    for added in guidance:
        added.begin(x)
    return guidance


def _guidance_args(model, conds: list, predicted: list, x, sigmas, model_options: dict) -> dict:
    """A window's, as the host gives those of a clip to what comes after guidance."""
    return {
        "model": model,
        "cond": conds[0],
        "uncond": conds[1],
        "cond_denoised": predicted[0],
        "uncond_denoised": predicted[1],
        "input": x,
        "sigma": sigmas,
        "model_options": {**model_options, "context_handler": None},
    }


def _with_window(model_options: dict, options: dict, window: FrameWindow) -> dict:
    """The options of one call. `ad_params` is what attention patches with an embedding per frame
    (IPAdapter) look for since AnimateDiff-Evolved."""
    ad_params = {
        "sub_idxs": window.index_list,
        "full_length": window.total_frames,
        "context_length": window.clip_length,
    }
    told = {**options, "context_window": window, "ad_params": ad_params}
    return {**model_options, "transformer_options": told}
