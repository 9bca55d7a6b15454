"""Views: a long clip at once, whose motion module sees it in overlapping windows."""

from comfy_api.latest import io

from ..samplers.fuse import Fuse
from ..samplers.views import Views as SeenInViews
from ..samplers.windows import Schedule, WindowPlan
from ..samplers.windows_plot import plot_windows
from .advanced import advanced
from .context_windows import EXAMPLE, LONGEST
from .folders import CATEGORY
from .motion_module import MotionModuleIO
from .plot import on_node
from .search_aliases import search_aliases


class Views(io.ComfyNode):
    @classmethod
    @advanced("fuse")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_Views",
            display_name="Views (view options, long clips, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_Views"),
            description="Samples a long clip at once, in which only the motion module sees "
            "overlapping views of the frames, block by block. Needs memory for all frames.",
            inputs=[
                MotionModuleIO.Input("motion_module", tooltip="From Load Motion Module."),
                io.Int.Input(
                    "view_length",
                    default=16,
                    min=2,
                    max=LONGEST,
                    tooltip="Frames per view. 16 is what motion modules were trained on; at most "
                    "what the module can see at once. Shorter clips are seen whole.",
                ),
                io.Int.Input(
                    "view_overlap",
                    default=4,
                    min=0,
                    max=LONGEST,
                    tooltip="Frames that neighbouring views share. The FreeNoise paper has 12.",
                ),
                io.Combo.Input(
                    "schedule",
                    options=[schedule.value for schedule in Schedule],
                    default=Schedule.STATIC.value,
                    tooltip="static: the same views at every step. uniform: they move from step "
                    "to step. looped: the same, and the end joins the beginning. batched: side "
                    "by side without overlap. looped open and uniform (Evolved): as "
                    "AnimateDiff-Evolved lays them.",
                ),
                io.Combo.Input(
                    "fuse",
                    options=[fuse.value for fuse in Fuse],
                    default=Fuse.PYRAMID.value,
                    tooltip="How views are weighed where they overlap. pyramid and relative: by "
                    "distance from the view's middle. overlap-linear: a cross-fade over the "
                    "overlap. flat: all alike.",
                ),
            ],
            outputs=[
                MotionModuleIO.Output(
                    display_name="motion_module",
                    tooltip="The motion module with these views, for Apply Motion Module.",
                )
            ],
        )

    @classmethod
    def execute(cls, motion_module, view_length, view_overlap, schedule, fuse) -> io.NodeOutput:
        plan = WindowPlan(view_length, view_overlap, 1, Schedule(schedule), "view")
        seen = motion_module.with_effect(SeenInViews(plan, Fuse(fuse)))
        picture = plot_windows(plan, Fuse(fuse), EXAMPLE * view_length, False, "view")
        return io.NodeOutput(seen, ui=on_node(picture, cls))


NODES = [Views]
