"""The strength of a ControlNet by frame."""

from comfy_api.latest import io

from ..motion.frame_strengths import read_strengths
from ..samplers.frame_control import with_control_strengths
from .folders import CATEGORY
from .plot import curve_on_node
from .search_aliases import search_aliases


class FrameControlStrengths(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_FrameControlStrength",
            display_name="ControlNet Strength by Frame (keyframes, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_FrameControlStrength"),
            description="Multiplies the strength of the ControlNet that was applied last, with "
            "another number in every frame of the clip.",
            inputs=[
                io.Conditioning.Input(
                    "positive", tooltip="The positive prompt, from Apply ControlNet."
                ),
                io.Float.Input(
                    "frame_strengths",
                    force_input=True,
                    tooltip="A list with one number per frame, by which the ControlNet's strength "
                    "is multiplied. Frame Strengths makes such a list. One number is for all "
                    "frames.",
                ),
                io.Conditioning.Input(
                    "negative",
                    optional=True,
                    tooltip="The negative prompt, from the same Apply ControlNet. Connect it where "
                    "Apply ControlNet has it, so that both change alike.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(
                    display_name="positive",
                    tooltip="The positive prompt with this ControlNet. More ControlNets can be "
                    "applied behind it.",
                ),
                io.Conditioning.Output(
                    display_name="negative",
                    tooltip="The negative prompt with this ControlNet; empty where none was "
                    "connected.",
                ),
            ],
        )

    @classmethod
    def execute(cls, positive, frame_strengths, negative=None) -> io.NodeOutput:
        values = read_strengths(frame_strengths)
        changed = with_control_strengths([positive, negative or []], values)
        curve = curve_on_node(values, "Factors of the ControlNet's strength", cls)
        return io.NodeOutput(*changed, ui=curve)


NODES = [FrameControlStrengths]
