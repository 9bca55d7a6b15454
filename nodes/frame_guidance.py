"""Guidance by frame and step."""

import torch
from comfy_api.latest import io

from ..motion.frame_strengths import read_strengths
from ..motion.keyframes import Keyframes, read_step_keyframes
from ..samplers.frame_guidance import with_frame_guidance
from .folders import CATEGORY
from .plot import on_node, plot, plot_steps
from .search_aliases import search_aliases


class ApplyFrameGuidance(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_FrameGuidance",
            display_name="CFG by Frame and Step (custom CFG, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_FrameGuidance"),
            description="CFG that differs by frame of the clip and by step, in place of the "
            "sampler's cfg.",
            inputs=[
                io.Model.Input("model", tooltip="The model, animated or not."),
                io.Float.Input(
                    "cfg",
                    default=8.0,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    tooltip="How closely the prompt is followed, before the factors. The sampler's "
                    "own cfg has no effect any more.",
                ),
                io.String.Input(
                    "step_keyframes",
                    default="",
                    multiline=True,
                    tooltip="percent: factor, separated by commas or lines, percents of the "
                    "sampling from 0 to 1, such as 0: 1.0, 0.5: 0.5. Straight lines between them; "
                    "hold behind a factor keeps it until the next. Empty: the same in all steps.",
                ),
                io.Float.Input(
                    "frame_strengths",
                    optional=True,
                    force_input=True,
                    tooltip="A list with one factor per frame. Frame Strengths makes such a list.",
                ),
            ],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The model, guided like this."),
                io.Image.Output(
                    display_name="plot",
                    tooltip="The CFG along the clip, and along the sampling where it differs.",
                ),
            ],
        )

    @classmethod
    def execute(cls, model, cfg, step_keyframes, frame_strengths=None) -> io.NodeOutput:
        factors = (1.0,) if frame_strengths is None else read_strengths(frame_strengths)
        steps = read_step_keyframes(step_keyframes) if step_keyframes.strip() else ()
        scales = [cfg * factor for factor in factors]
        picture = _picture(scales, steps)
        guided = with_frame_guidance(model, scales, steps)
        return io.NodeOutput(guided, picture, ui=on_node(picture, cls))


def _picture(scales: list[float], steps: Keyframes) -> torch.Tensor:
    """[1 or 2, H, W, 3]: along the clip, and along the sampling."""
    pictures = []
    if len(scales) > 1 or not steps:
        pictures.append(plot(scales, "CFG"))
    if steps:
        title, factor = ("factor of CFG", 1.0) if len(scales) > 1 else ("CFG", scales[0])
        pictures.append(plot_steps(steps, factor, title))
    return torch.cat(pictures)


NODES = [ApplyFrameGuidance]
