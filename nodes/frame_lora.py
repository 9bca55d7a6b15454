"""An ordinary LoRA by frame."""

import folder_paths
from comfy_api.latest import io

from ..lora.frame_lora import with_frame_lora
from ..lora.spatial import EXPECTED_LORA, read_lora
from ..motion.frame_strengths import read_strengths
from ..motion.load import read_file
from .folders import CATEGORY, LORAS, file_stamp, find_file
from .plot import curve_on_node
from .search_aliases import search_aliases


class ApplyFrameLora(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_FrameLora",
            display_name="LoRA by Frame (LoRA schedule, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_FrameLora"),
            description="An ordinary LoRA, as Load LoRA takes it, on the model alone: with another "
            "strength in every frame of the clip.",
            inputs=[
                io.Model.Input("model", tooltip="The model, animated or not, with LoRAs or not."),
                io.Combo.Input(
                    "lora",
                    options=folder_paths.get_filename_list(LORAS),
                    tooltip="A file of models/loras.",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=-10.0,
                    max=10.0,
                    step=0.01,
                    tooltip="How much of the LoRA is added, in all frames. 0 is the model as it "
                    "was.",
                ),
                io.Float.Input(
                    "frame_strengths",
                    optional=True,
                    force_input=True,
                    tooltip="A list with one number per frame, by which strength is multiplied. "
                    "Frame Strengths makes such a list. Without it, and where all numbers are the "
                    "same, the LoRA is the one of Load LoRA.",
                ),
            ],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The model with the LoRA in it.")
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, lora: str, **_others) -> str:
        return file_stamp(LORAS, lora)

    @classmethod
    def execute(cls, model, lora, strength, frame_strengths=None) -> io.NodeOutput:
        factors = (1.0,) if frame_strengths is None else read_strengths(frame_strengths)
        path = find_file(LORAS, lora)
        read = read_lora(read_file(path, EXPECTED_LORA), path.name, model)
        strengths = [strength * factor for factor in factors]
        curve = curve_on_node(strengths, "Strength of the LoRA", cls)
        return io.NodeOutput(with_frame_lora(model, read, strengths), ui=curve)


NODES = [ApplyFrameLora]
