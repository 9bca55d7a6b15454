"""Frames that the deep levels of the UNet share."""

from comfy_api.latest import io

from ..motion.apply import apply_frame_sharing
from .folders import CATEGORY
from .search_aliases import search_aliases


class SpaceTime(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_SpaceTime",
            display_name="Frame Sharing (space-time U-Net, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_SpaceTime"),
            description="Computes the deep levels of the UNet for every second frame only, or "
            "fewer, and shares them with the frames between: faster, and less exact. A space-time "
            "motion module does so by itself, with what it was trained to.",
            inputs=[
                io.Model.Input("model", tooltip="Before or behind Apply Motion Module."),
                io.Int.Input(
                    "levels",
                    default=1,
                    min=0,
                    max=3,
                    tooltip="How many of the UNet's levels share frames, from the deepest up. "
                    "The frames are halved at each: 1 saves little and changes little, 3 saves "
                    "most and loses what moves fast. 0 turns it off. SDXL has 2.",
                ),
                _percent("start_percent", 0.0, "Frames are shared from here on."),
                _percent("end_percent", 1.0, "From here on they are not. Detail comes late."),
            ],
            outputs=[io.Model.Output(display_name="model", tooltip="For the sampler.")],
        )

    @classmethod
    def execute(cls, model, levels, start_percent, end_percent) -> io.NodeOutput:
        return io.NodeOutput(apply_frame_sharing(model, levels, start_percent, end_percent))


def _percent(name: str, default: float, tooltip: str) -> io.Input:
    return io.Float.Input(
        name,
        default=default,
        min=0.0,
        max=1.0,
        step=0.001,
        tooltip=f"{tooltip} 0 is the beginning of the sampling, 1 its end.",
    )


NODES = [SpaceTime]
