"""SparseCtrl: its loader, and which frames its pictures are."""

import folder_paths
from comfy_api.latest import io

from ..conditions.frame_places import WORDS
from ..conditions.sparse_frames import sparse_hints
from ..conditions.sparse_load import load_sparse_ctrl
from ..conditions.sparse_windows import EmptyWindows
from ..motion.clip_part import clip_part
from ..motion.known_files import CONTROLNETS
from .advanced import advanced
from .clip_part import frames_input, part_inputs
from .folders import CATEGORY, file_stamp, find_file
from .search_aliases import search_aliases


class LoadSparseCtrl(io.ComfyNode):
    @classmethod
    @advanced("motion_strength", "empty_windows")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_LoadSparseCtrl",
            display_name="Load SparseCtrl (image to video, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_LoadSparseCtrl"),
            description="Loads SparseCtrl, a ControlNet that is shown a few frames of a clip, "
            "pictures or line drawings, and makes the others go with them.",
            inputs=[
                io.Combo.Input(
                    "sparsectrl",
                    options=folder_paths.get_filename_list(CONTROLNETS),
                    tooltip="A file of models/controlnet: v3_sd15_sparsectrl_rgb.ckpt for "
                    "pictures, v3_sd15_sparsectrl_scribble.ckpt for line drawings.",
                ),
                io.Float.Input(
                    "motion_strength",
                    default=1.0,
                    min=0.0,
                    max=2.0,
                    step=0.01,
                    optional=True,
                    tooltip="How much SparseCtrl's own motion modules add. 1 is what it was "
                    "trained for; at 0 frames without a picture know nothing of the others.",
                ),
                io.Combo.Input(
                    "empty_windows",
                    options=[empty.value for empty in EmptyWindows],
                    default=EmptyWindows.NEAREST.value,
                    optional=True,
                    tooltip="With Context Windows: what a window sees in which no frame has a "
                    "picture. nearest picture: the nearest one, at the end of the window that is "
                    "nearer to it. no picture: SparseCtrl takes no part in that window.",
                ),
            ],
            outputs=[
                io.ControlNet.Output(
                    display_name="control_net",
                    tooltip="For Apply ControlNet, whose image comes from Sparse Frames. The one "
                    "for pictures needs its vae too.",
                )
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, sparsectrl: str, **settings) -> str:
        return f"{file_stamp(CONTROLNETS, sparsectrl)} {settings}"

    @classmethod
    def execute(
        cls,
        sparsectrl: str,
        motion_strength: float = 1.0,
        empty_windows: str = EmptyWindows.NEAREST.value,
    ) -> io.NodeOutput:
        path = find_file(CONTROLNETS, sparsectrl)
        empty = EmptyWindows(empty_windows)
        return io.NodeOutput(load_sparse_ctrl(path, motion_strength, empty))


class SparseFrames(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_SparseFrames",
            display_name="Sparse Frames (keyframes, SparseCtrl, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_SparseFrames"),
            description="Says which frames of the clip some pictures are, for SparseCtrl: the "
            "first, the first and the last, or any others.",
            inputs=[
                io.Image.Input(
                    "images",
                    tooltip="Pictures, or line drawings (white on black) for SparseCtrl scribble, "
                    "in the order of their frames.",
                ),
                io.String.Input(
                    "at",
                    default="0",
                    tooltip="A frame for every image, with commas between them: 0, 8, -1 (the "
                    "last), 50%. Or a word that deals them out evenly: "
                    f"{', '.join(WORDS)}. One image can have several frames.",
                ),
                frames_input("How many frames the clip has: the batch_size of its latent."),
                *part_inputs(),
            ],
            outputs=[
                io.Image.Output(
                    display_name="hints",
                    tooltip="One image per frame, with a mask that says where there is one; for "
                    "image of Apply ControlNet.",
                )
            ],
        )

    @classmethod
    def execute(
        cls, images, at, frames=None, latent=None, first_frame=0, total_frames=0
    ) -> io.NodeOutput:
        part = clip_part(frames, latent, first_frame, total_frames)
        return io.NodeOutput(sparse_hints(images, at, part))


NODES = [LoadSparseCtrl, SparseFrames]
