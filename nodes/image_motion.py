"""Motion modules that animate a picture: PIA and AnimateLCM-I2V."""

from comfy_api.latest import io

from ..conditions.i2v import NODE as I2V_NODE
from ..conditions.i2v import I2VImage as SeenByI2V
from ..conditions.pia import NODE as PIA_NODE
from ..conditions.pia import PiaImage as SeenByPia
from ..conditions.pia_masks import PiaMotion
from ..conditions.picture import Picture, require_picture_module
from ..motion.config import Version
from ..motion.frame_strengths import given_strengths
from .clip_part import LONGEST_CLIP
from .folders import CATEGORY
from .motion_module import MotionModuleIO
from .search_aliases import search_aliases


def _picture_inputs(file: str) -> list[io.Input]:
    return [
        MotionModuleIO.Input("motion_module", tooltip=f"From Load Motion Module: {file}."),
        io.Image.Input(
            "image",
            tooltip="The picture that is animated. It is resized to the size of the clip, and "
            "cropped around its middle where its shape is another. With clips above 1 in Apply "
            "Motion Module: one for all clips, or one for each.",
        ),
        io.Vae.Input("vae", tooltip="The checkpoint's VAE, which encodes the picture."),
    ]


def _output() -> io.Output:
    return MotionModuleIO.Output(
        display_name="motion_module",
        tooltip="The motion module with its picture, for Apply Motion Module.",
    )


class PiaImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_PiaImage",
            display_name="PIA Image (image to video, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_PiaImage"),
            description="Gives a PIA motion module (pia.ckpt) the picture that it animates, and "
            "says how much moves.",
            inputs=[
                *_picture_inputs("pia.ckpt"),
                io.Combo.Input(
                    "motion",
                    options=[motion.value for motion in PiaMotion],
                    default=PiaMotion.SMALL.value,
                    tooltip="How far the frames may go from the picture. motion: it begins to "
                    "move. loop: the clip comes back to the picture. style: for a checkpoint of "
                    "another style than the picture's.",
                ),
                io.Int.Input(
                    "image_frame",
                    default=0,
                    min=-LONGEST_CLIP,
                    max=LONGEST_CLIP,
                    optional=True,
                    tooltip="Which frame of the clip the picture is, counted from 0; -1 is the "
                    "last one.",
                ),
                io.Float.Input(
                    "frame_strengths",
                    optional=True,
                    force_input=True,
                    tooltip="A list with one number per frame, in place of motion and image_frame: "
                    "how alike the frame is to the picture, from 0 to 1. Frame Strengths makes "
                    "such a list. The authors' settings lie between 0.2 and 1.",
                ),
            ],
            outputs=[_output()],
        )

    @classmethod
    def execute(
        cls, motion_module, image, vae, motion, image_frame=0, frame_strengths=None
    ) -> io.NodeOutput:
        require_picture_module(motion_module, Version.PIA, "pia.ckpt", PIA_NODE)
        values = given_strengths(frame_strengths, node=PIA_NODE)
        picture = Picture(image, vae, PIA_NODE)
        seen = SeenByPia(motion_module.beside, picture, PiaMotion(motion), image_frame, values)
        return io.NodeOutput(motion_module.with_effect(seen))


class I2VImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_I2VImage",
            display_name="AnimateLCM-I2V Image (image to video, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_I2VImage"),
            description="Gives an AnimateLCM-I2V motion module (AnimateLCM_sd15_i2v.ckpt) the "
            "picture that it animates in a few steps.",
            inputs=[
                *_picture_inputs("AnimateLCM_sd15_i2v.ckpt"),
                io.Float.Input(
                    "motion_scale",
                    default=0.8,
                    min=0.0,
                    max=2.0,
                    step=0.01,
                    tooltip="How much the frames are told apart. 0 hardly moves; the authors take "
                    "0.8, and up to 1.5.",
                ),
            ],
            outputs=[_output()],
        )

    @classmethod
    def execute(cls, motion_module, image, vae, motion_scale) -> io.NodeOutput:
        file = "AnimateLCM_sd15_i2v.ckpt"
        require_picture_module(motion_module, Version.ANIMATE_LCM_I2V, file, I2V_NODE)
        seen = SeenByI2V(motion_module.beside, Picture(image, vae, I2V_NODE), motion_scale)
        return io.NodeOutput(motion_module.with_effect(seen))


NODES = [PiaImage, I2VImage]
