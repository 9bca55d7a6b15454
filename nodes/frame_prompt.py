"""The weight of a prompt by frame."""

from comfy_api.latest import io

from ..motion.frame_strengths import read_strengths
from ..samplers.frame_prompt import with_prompt_strengths
from .folders import CATEGORY
from .plot import curve_on_node
from .search_aliases import search_aliases


class FramePromptStrengths(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_FramePromptStrength",
            display_name="Prompt Strength by Frame (blend, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_FramePromptStrength"),
            description="How much a prompt counts in each frame where Conditioning (Combine) puts "
            "it beside another one.",
            inputs=[
                io.Conditioning.Input("conditioning", tooltip="The prompt."),
                io.Float.Input(
                    "frame_strengths",
                    force_input=True,
                    tooltip="A list with one number per frame, 0 or more: the prompt's weight "
                    "there, beside those of the prompts that it is combined with. Frame Strengths "
                    "makes such a list. One number is for all frames.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(
                    display_name="conditioning",
                    tooltip="The prompt with these weights, for Conditioning (Combine). Alone they "
                    "change nothing.",
                )
            ],
        )

    @classmethod
    def execute(cls, conditioning, frame_strengths) -> io.NodeOutput:
        values = read_strengths(frame_strengths)
        weighted = with_prompt_strengths(conditioning, values)
        return io.NodeOutput(weighted, ui=curve_on_node(values, "Weight of the prompt", cls))


NODES = [FramePromptStrengths]
