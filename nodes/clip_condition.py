"""Frames that a clip is given, for the host's inpainting; and which way from image to video fits a
user's files."""

import logging
from pathlib import Path

import folder_paths
from comfy_api.latest import io

from ..conditions.clip_condition import Wanted, clip_condition
from ..conditions.clip_modes import FIRST, MODES
from ..conditions.clip_region import CELL, LARGEST, Padding
from ..conditions.image_files import FOLDERS
from ..conditions.ways import Given, ways_text
from ..motion.clip_part import clip_part
from .advanced import advanced
from .clip_part import frames_input, part_inputs
from .folders import CATEGORY
from .motion_module import MotionModuleIO
from .node_messages import SHORT
from .search_aliases import search_aliases

log = logging.getLogger("animatediff_native")


class ClipConditionNode(io.ComfyNode):
    @classmethod
    @advanced("first_frame", "total_frames", "width", "height")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_ClipCondition",
            display_name="Clip Condition (first and last frame, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_ClipCondition"),
            description="What a clip is given, whole frames or all but a region, and a mask of "
            "what is to be made, for ComfyUI's InpaintModelConditioning: with a checkpoint for "
            "inpainting, or by its noise mask with any checkpoint.",
            inputs=[
                io.Image.Input(
                    "images",
                    tooltip="The pictures that the clip is to have as frames, in one batch; for "
                    "inpaint and outpaint the video, or one image for all frames.",
                ),
                io.Combo.Input(
                    "mode",
                    options=list(MODES),
                    default=FIRST,
                    tooltip="first frame: one image, which begins to move. first and last: two "
                    "images, or one for both ends, so that the clip is a loop. chosen frames: any "
                    "number of images, at the frames that at names. cinemagraph: one image, which "
                    "moves in region alone. inpaint: region is made anew in a video or an image. "
                    "outpaint: a video or an image grows by left, top, right and bottom.",
                ),
                io.String.Input(
                    "at",
                    default="0",
                    tooltip="For chosen frames: where each image stands, such as 0, 15. Frames "
                    "count from 0; -1 is the last, 50% the middle. Or one word: spread over the "
                    "whole clip, starts (without its end), ends (without its start), centre "
                    "(without both).",
                ),
                frames_input("How many frames the clip has. Not needed where latent is connected."),
                *part_inputs(),
                _size("width"),
                _size("height"),
                *_region_inputs(),
            ],
            outputs=[
                io.Image.Output(
                    display_name="pixels",
                    tooltip="The clip with the given images at their frames, and grey where there "
                    "is none, for pixels of InpaintModelConditioning.",
                ),
                io.Mask.Output(
                    display_name="mask",
                    tooltip="One mask for each frame: 0 where the clip is given, 1 where it is to "
                    "be made. For mask of InpaintModelConditioning.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls, images, mode, at="0", frames=None, latent=None, first_frame=0, total_frames=0,
        width=0, height=0, region=None, left=0, top=0, right=0, bottom=0, feather=8,
    ) -> io.NodeOutput:  # fmt: skip
        part = clip_part(frames, latent, first_frame, total_frames)
        padding = Padding(left, top, right, bottom)
        wanted = Wanted(mode, at, width, height, region, padding, feather)
        made = clip_condition(images, wanted, part)
        return io.NodeOutput(made.pixels, made.mask)


def _size(name: str) -> io.Input:
    return io.Int.Input(
        name,
        default=0,
        min=0,
        max=LARGEST,
        step=CELL,
        optional=True,
        tooltip=f"The clip's {name} in pixels; the images are resized and cut to fit. 0: as the "
        "images have it, in whole steps of 8 pixels.",
    )


def _region_inputs() -> list[io.Input]:
    return [
        io.Mask.Input(
            "region",
            optional=True,
            tooltip="For cinemagraph and inpaint: 1 where the images move or are made anew, 0 "
            "where they stay. One mask for all frames, or one for each. It is resized with the "
            "images. For outpaint, what is made anew beside what is added.",
        ),
        *(_padding(side) for side in Padding._fields),
        io.Int.Input(
            "feather",
            default=CELL,
            min=0,
            max=LARGEST,
            optional=True,
            tooltip="Over how many pixels the mask falls off, outside region or into the picture "
            "that grows. 0: hard edges; 8 is one pixel of the latent.",
        ),
    ]


def _padding(side: str) -> io.Input:
    return io.Int.Input(
        side,
        default=0,
        min=0,
        max=LARGEST,
        step=CELL,
        optional=True,
        tooltip=f"For outpaint: how many pixels are made at the {side}, beside width and height.",
    )


class ImageToVideoWays(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_ImageToVideoWays",
            display_name="Ways from Image to Video (which files fit, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_ImageToVideoWays"),
            description="Looks through your model folders and says which way from an image to a "
            "video you have the files for, which nodes it takes, and where to get what is missing. "
            "Loads nothing.",
            is_output_node=True,
            inputs=[
                io.Model.Input(
                    "model",
                    optional=True,
                    tooltip="The checkpoint that you want to use: then it is also said whether it "
                    "is one for inpainting.",
                ),
                MotionModuleIO.Input(
                    "motion_module",
                    optional=True,
                    tooltip="The motion module that you want to use: then it is also said whether "
                    "it fits.",
                ),
            ],
            outputs=[
                io.String.Output(
                    display_name="ways",
                    tooltip="What is also shown on the node: the best way first, for each thing "
                    "that one may want.",
                ),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, **_given) -> float:
        """Looks again at every run: the folders change, and a page that was opened anew has no
        text of an earlier run."""
        return float("nan")  # a new one: the host's keys find the same one again

    @classmethod
    def execute(cls, model=None, motion_module=None) -> io.NodeOutput:
        files = {folder: _files(folder) for folder in FOLDERS}
        text = ways_text(files, Given(_inpaints(model), _version(motion_module)))
        log.info("AnimateDiff: ways from image to video:\n%s", text, extra={SHORT: text})
        return io.NodeOutput(text)


def _files(folder: str) -> list[tuple[str, Path]]:
    """Names and places; a file can be gone since the host looked."""
    names = folder_paths.get_filename_list(folder)
    places = ((name, folder_paths.get_full_path(folder, name)) for name in names)
    return [(name, Path(path)) for name, path in places if path is not None]


def _inpaints(model) -> bool | None:
    """Whether a model takes mask and masked image as channels; None without one."""
    return None if model is None else "masked_image" in model.model.concat_keys


def _version(motion_module) -> str:
    return "" if motion_module is None else motion_module.config.version.value


NODES = [ClipConditionNode, ImageToVideoWays]
