"""Loading MotionLoRAs, combining them along a chain, and saving the combination."""

import logging

import folder_paths
from comfy_api.latest import io, ui

from ..lora.chain import LoraUse
from ..lora.load import load_motion_lora
from ..lora.save import save_motion_lora
from ..motion.clip_part import clip_part
from ..motion.frame_strengths import WrongLength, given_strengths
from ..motion.keyframes import read_keyframes, values_along
from ..motion.step_range import StepRange
from .advanced import advanced
from .clip_part import frames_input, part_inputs
from .folders import CATEGORY, MOTION_LORAS, file_stamp, find_file, new_file
from .motion_module import MotionLoraIO
from .plot import on_node, plot
from .search_aliases import search_aliases

log = logging.getLogger("animatediff_native")


class LoadMotionLora(io.ComfyNode):
    @classmethod
    @advanced("wrong_length", "start_percent", "end_percent")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_LoadMotionLora",
            display_name="Load MotionLoRA (camera zoom, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_LoadMotionLora"),
            description="Loads a MotionLoRA: camera or other motion for Apply Motion Module. "
            "Several add up when each one's output goes to the next one's previous.",
            inputs=[*_file_and_strength(), *_when_and_where()],
            outputs=[
                MotionLoraIO.Output(
                    display_name="motion_lora",
                    tooltip="This MotionLoRA and those of previous, for Apply Motion Module, "
                    "Save MotionLoRA or the next Load MotionLoRA.",
                )
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, motion_lora: str, **_settings) -> str:
        return file_stamp(MOTION_LORAS, motion_lora)

    @classmethod
    def execute(
        cls, motion_lora, strength, previous=None, frame_strengths=None,
        wrong_length=WrongLength.RESAMPLE.value, start_percent=0.0, end_percent=1.0,
    ) -> io.NodeOutput:  # fmt: skip
        frames = given_strengths(frame_strengths, WrongLength(wrong_length), "Load MotionLoRA")
        steps = StepRange(start_percent, end_percent)
        lora = load_motion_lora(find_file(MOTION_LORAS, motion_lora))
        return io.NodeOutput((*(previous or ()), LoraUse(lora, strength, frames, steps)))


def _file_and_strength() -> list[io.Input]:
    return [
        io.Combo.Input(
            "motion_lora",
            options=folder_paths.get_filename_list(MOTION_LORAS),
            tooltip="A file of models/animatediff_motion_lora, for example v2_lora_ZoomIn.ckpt.",
        ),
        io.Float.Input(
            "strength",
            default=1.0,
            min=-2.0,
            max=2.0,
            step=0.01,
            tooltip="How much of the motion is added. 1 is what it was trained for, less is "
            "weaker, a negative number reverses the motion, 0 is as if it were not loaded.",
        ),
        MotionLoraIO.Input(
            "previous",
            optional=True,
            tooltip="From another Load MotionLoRA: both take part. The order does not matter.",
        ),
    ]


def _when_and_where() -> list[io.Input]:
    return [
        io.Float.Input(
            "frame_strengths",
            optional=True,
            force_input=True,
            tooltip="A list with one number per frame, by which strength is multiplied: the "
            "motion can grow or fade along the clip. Frame Strengths makes such a list.",
        ),
        io.Combo.Input(
            "wrong_length",
            options=[choice.value for choice in WrongLength],
            default=WrongLength.RESAMPLE.value,
            optional=True,
            tooltip="Where frame_strengths is not as long as the clip: resample stretches the "
            "list over the clip, error stops before sampling.",
        ),
        io.Float.Input(
            "start_percent",
            default=0.0,
            min=0.0,
            max=1.0,
            step=0.001,
            optional=True,
            tooltip="Where in the sampling this MotionLoRA begins to take part.",
        ),
        io.Float.Input(
            "end_percent",
            default=1.0,
            min=0.0,
            max=1.0,
            step=0.001,
            optional=True,
            tooltip="Where in the sampling this MotionLoRA stops taking part.",
        ),
    ]


class SaveMotionLora(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_SaveMotionLora",
            display_name="Save MotionLoRA (merge, combine, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_SaveMotionLora"),
            description="Saves one or several MotionLoRAs, with their strengths, as one file in "
            "models/animatediff_motion_lora.",
            is_output_node=True,
            inputs=[
                MotionLoraIO.Input("motion_lora", tooltip="From Load MotionLoRA."),
                io.String.Input(
                    "filename_prefix",
                    default="motion_lora",
                    tooltip="The beginning of the file's name; a number is added. It may name a "
                    "folder inside models/animatediff_motion_lora.",
                ),
                io.Int.Input(
                    "rank",
                    default=0,
                    min=0,
                    max=1280,
                    tooltip="0 keeps the combination exact: the ranks add up. Another number is "
                    "the most that a weight keeps; smaller files, and the log says how much "
                    "is lost.",
                ),
            ],
            outputs=[],
        )

    @classmethod
    def execute(cls, motion_lora, filename_prefix, rank) -> io.NodeOutput:
        path = new_file(MOTION_LORAS, filename_prefix, ".safetensors")
        saved = save_motion_lora(motion_lora, path, rank)
        log.info("AnimateDiff: %s", saved)
        return io.NodeOutput(ui=ui.PreviewText(str(saved)))


class MakeFrameStrengths(io.ComfyNode):
    @classmethod
    @advanced("first_frame", "total_frames")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_FrameStrengths",
            display_name="Frame Strengths (value schedule, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_FrameStrengths"),
            description="A number for every frame of a clip, from a few keyframes: straight "
            "lines between them. For frame_strengths of Load MotionLoRA.",
            inputs=[
                io.String.Input(
                    "keyframes",
                    default="0: 0.0, 15: 1.0",
                    multiline=True,
                    tooltip="frame: value, separated by commas or lines. The first frame is 0, "
                    "-1 the last, 50% the middle. Before the first and after the last keyframe "
                    "the value stays the same. A formula of t, the frame, is a value too.",
                ),
                frames_input("How many numbers: the batch_size of the latent."),
                *part_inputs(),
            ],
            outputs=[
                io.Float.Output(
                    display_name="frame_strengths",
                    tooltip="The list of numbers, one per frame.",
                ),
                io.Image.Output(
                    display_name="plot", tooltip="The numbers along the clip, as a picture."
                ),
            ],
        )

    @classmethod
    def execute(
        cls, keyframes, frames=None, latent=None, first_frame=0, total_frames=0
    ) -> io.NodeOutput:
        part = clip_part(frames, latent, first_frame, total_frames)
        values = values_along(read_keyframes(keyframes), part.frames, part)
        picture = plot(values, "Frame Strengths")
        return io.NodeOutput(values, picture, ui=on_node(picture, cls))


NODES = [LoadMotionLora, SaveMotionLora, MakeFrameStrengths]
