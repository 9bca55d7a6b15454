"""Clips longer than a motion module can see, in overlapping windows."""

from comfy_api.latest import io

from ..motion.application import frames_of
from ..motion.step_range import StepRange
from ..samplers.clip_run import require_seen, set_windows
from ..samplers.context_handler import ContextWindows as Windows
from ..samplers.control_slicing import HintCount
from ..samplers.fuse import Fuse
from ..samplers.reference import Reference
from ..samplers.windows import Schedule, WindowPlan
from ..samplers.windows_plot import plot_windows
from .advanced import advanced
from .folders import CATEGORY
from .plot import on_node
from .search_aliases import search_aliases

LONGEST = 4096  # frames; far beyond what any clip needs
EXAMPLE = 2  # times a window is the clip that is shown where none is given


class ContextWindows(io.ComfyNode):
    @classmethod
    @advanced("context_stride", "hint_count", "reference", "reference_start", "reference_end")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_ContextWindows",
            display_name="Context Windows (loop/sliding options, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_ContextWindows"),
            description="Samples a clip of any length in overlapping windows. ControlNet images, "
            "masks and prompts that have one entry per frame follow the frames.",
            inputs=[
                io.Model.Input("model", tooltip="An SD1.5 or SDXL model, animated or not."),
                io.Int.Input(
                    "context_length",
                    default=16,
                    min=2,
                    max=LONGEST,
                    tooltip="Frames per window. 16 is what motion modules were trained on; at "
                    "most what the module can see at once.",
                ),
                io.Int.Input(
                    "context_overlap",
                    default=4,
                    min=0,
                    max=LONGEST,
                    tooltip="Frames that neighbouring windows share. More is smoother and slower.",
                ),
                io.Int.Input(
                    "context_stride",
                    default=1,
                    min=1,
                    max=12,
                    tooltip="Schedules that move only: above 1, further windows take every "
                    "2nd, 4th ... frame, which ties distant frames together and costs time. As "
                    "much of it as the clip has room for.",
                ),
                io.Combo.Input(
                    "schedule",
                    options=[schedule.value for schedule in Schedule],
                    default=Schedule.STATIC.value,
                    tooltip="static: the same windows at every step. uniform: they move from "
                    "step to step, so that no join stays in place. looped: the same, and the end "
                    "joins the beginning. batched: side by side without overlap. looped open and "
                    "uniform (Evolved): what AnimateDiff-Evolved lays with closed_loop off, and as "
                    "its standard uniform.",
                ),
                io.Combo.Input(
                    "fuse",
                    options=[fuse.value for fuse in Fuse],
                    default=Fuse.PYRAMID.value,
                    tooltip="How windows are weighed where they overlap. pyramid and relative: by "
                    "distance from the window's middle. overlap-linear: a cross-fade over the "
                    "overlap. flat: all alike.",
                ),
                io.Combo.Input(
                    "hint_count",
                    options=[policy.value for policy in HintCount],
                    default=HintCount.ERROR.value,
                    optional=True,
                    tooltip="When a ControlNet has more or fewer images than the clip has frames. "
                    "error: say so. hold: repeat the last one. loop: begin again. Too many are "
                    "cut by the last two.",
                ),
                io.Float.Input(
                    "reference",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip="How far all windows take on the colours and the contrast of the "
                    "first one, in every step. 0: each has its own.",
                ),
                io.Float.Input(
                    "reference_start",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.001,
                    optional=True,
                    tooltip="Where in the sampling they begin to.",
                ),
                io.Float.Input(
                    "reference_end",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.001,
                    optional=True,
                    tooltip="Where in the sampling they stop.",
                ),
                io.Latent.Input(
                    "latent",
                    optional=True,
                    tooltip="The clip's latent: the node then shows its windows, and a "
                    "context_length that the motion module cannot see is an error here, before "
                    "the sampling. Without it, windows of an example are shown.",
                ),
            ],
            outputs=[
                io.Model.Output(
                    display_name="model",
                    tooltip="The model with these windows, for KSampler and other samplers.",
                )
            ],
        )

    @classmethod
    def execute(cls, model, context_length, context_overlap, context_stride, schedule, fuse,
                hint_count=HintCount.ERROR.value, reference=0.0, reference_start=0.0,
                reference_end=1.0, latent=None) -> io.NodeOutput:  # fmt: skip
        look = Reference(reference, StepRange(reference_start, reference_end))
        plan = WindowPlan(context_length, context_overlap, context_stride, Schedule(schedule))
        batch = 0 if latent is None else latent["samples"].shape[0]
        windows = Windows(plan, Fuse(fuse), HintCount(hint_count), look, batch=batch)
        windowed = model.clone()
        set_windows(windowed, windows)
        require_seen(windowed, windows)
        frames = frames_of(model, batch) if batch else EXAMPLE * context_length
        picture = plot_windows(plan, windows.fuse, frames, bool(batch), "window")
        return io.NodeOutput(windowed, ui=on_node(picture, cls))


NODES = [ContextWindows]
