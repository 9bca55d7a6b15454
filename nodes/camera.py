"""Where the camera goes: paths by name or from a file, and CameraCtrl beside a motion module."""

import logging

import folder_paths
from comfy_api.latest import io

from ..conditions.camera_control import CameraControl as Effect
from ..conditions.camera_control import with_camera
from ..conditions.camera_files import load_camera_control
from ..conditions.camera_plot import plot_path
from ..conditions.camera_poses import FOCAL_X, FOCAL_Y, MOVES, CameraPath, Join, along, read_speeds
from ..conditions.camera_text import read_poses, write_poses
from ..motion.clip_part import clip_part
from ..motion.errors import counted
from ..motion.frame_strengths import given_strengths
from .advanced import advanced
from .clip_part import frames_input, part_inputs
from .folders import CATEGORY, MOTION_MODULES, file_stamp, find_file
from .motion_module import MotionModuleIO
from .plot import on_node
from .search_aliases import search_aliases

log = logging.getLogger("animatediff_native")

CameraPathIO = io.Custom("ADN_CAMERA_PATH")
FASTEST, STRONGEST, LARGEST = 10.0, 2.0, 16384


class CameraPathNode(io.ComfyNode):
    @classmethod
    @advanced("first_frame", "total_frames", "focal_x", "focal_y")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_CameraPath",
            display_name="Camera Path (CameraCtrl poses, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_CameraPath"),
            description="A movement of the camera by name, for Camera Control. Several in a row "
            "go on at the same time or one after the other.",
            inputs=[*_move(), *_length(), *_joined(), *_focal()],
            outputs=[
                CameraPathIO.Output(
                    display_name="camera_path",
                    tooltip="This move and those of previous, for Camera Control or the next "
                    "Camera Path.",
                ),
                io.String.Output(
                    display_name="poses",
                    tooltip="The path as text in the form of RealEstate10K's files, which Camera "
                    "Poses reads.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls, move, speed, frames=None, latent=None, first_frame=0, total_frames=0, previous=None,
        join=Join.TOGETHER.value, speed_by_frame=None, focal_x=FOCAL_X, focal_y=FOCAL_Y,
    ) -> io.NodeOutput:  # fmt: skip
        part = clip_part(frames, latent, first_frame, total_frames)
        speeds = read_speeds(speed_by_frame)
        path = along(move, part, speed, speeds, (focal_x, focal_y), previous, Join(join))
        return io.NodeOutput(path, write_poses(path), ui=on_node(plot_path(path), cls))


def _move() -> list[io.Input]:
    return [
        io.Combo.Input(
            "move",
            options=list(MOVES),
            default="pan left",
            tooltip="What the camera does. pan: it moves sideways, up or down. zoom: it moves "
            "ahead or back. tilt: it turns to a side, up or down. roll: it turns about the "
            "direction that it looks in. orbit: it goes around a point ahead of it.",
        ),
        io.Float.Input(
            "speed",
            default=1.0,
            min=-FASTEST,
            max=FASTEST,
            step=0.01,
            tooltip="1: 16 frames go 1.5 units far (3 for zoom), or turn by 60 degrees. Negative: "
            "the other way.",
        ),
    ]


def _length() -> list[io.Input]:
    return [
        frames_input("How many frames this move has: the clip's length, unless more follow."),
        *part_inputs(),
    ]


def _joined() -> list[io.Input]:
    return [
        CameraPathIO.Input(
            "previous", optional=True, tooltip="From another Camera Path, or from Camera Poses."
        ),
        io.Combo.Input(
            "join",
            options=[join.value for join in Join],
            default=Join.TOGETHER.value,
            optional=True,
            tooltip="With previous. at the same time: both moves together, frame by frame. "
            "afterwards: this move begins where previous ends, so that the path has the frames of "
            "both.",
        ),
        io.Float.Input(
            "speed_by_frame",
            optional=True,
            force_input=True,
            tooltip="Factors of the speed as a list, as many as frames; from Frame Strengths.",
        ),
    ]


def _focal() -> list[io.Input]:
    def focal(name: str, default: float, side: str) -> io.Input:
        return io.Float.Input(
            name,
            default=default,
            min=0.01,
            max=10.0,
            step=0.000000001,
            optional=True,
            tooltip=f"The camera's focal length as a share of the picture's {side}: less sees "
            "more. At the same time as previous, that one's is kept.",
        )

    return [focal("focal_x", FOCAL_X, "width"), focal("focal_y", FOCAL_Y, "height")]


class CameraPoses(io.ComfyNode):
    @classmethod
    @advanced("first_frame", "total_frames")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_CameraPoses",
            display_name="Camera Poses (RealEstate10K text, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_CameraPoses"),
            description="A camera path out of a pose file's text, for Camera Control.",
            inputs=[
                io.String.Input(
                    "text",
                    default="",
                    multiline=True,
                    tooltip="The contents of a pose file: perhaps a first line with an address, "
                    "then 19 numbers a line, one line per frame.",
                ),
                frames_input("How many poses are taken: the clip's length."),
                *part_inputs(),
            ],
            outputs=[
                CameraPathIO.Output(
                    display_name="camera_path",
                    tooltip="For Camera Control, or for previous of Camera Path.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls, text, frames=None, latent=None, first_frame=0, total_frames=0
    ) -> io.NodeOutput:
        part = clip_part(frames, latent, first_frame, total_frames)
        poses = read_poses(text)
        last = part.of_the_whole.stop
        if len(poses) < last:
            log.warning(
                "AnimateDiff: the text has %s for a clip of %s: the last pose is held.",
                counted(len(poses), "pose"),
                counted(last, "frame"),
            )
        path = poses.at(part.of_the_whole)
        return io.NodeOutput(path, ui=on_node(plot_path(path), cls))


class CameraControl(io.ComfyNode):
    @classmethod
    @advanced("width", "height")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_CameraControl",
            display_name="Camera Control (CameraCtrl, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_CameraControl"),
            description="Has a motion module follow a camera path, with a CameraCtrl file.",
            inputs=[
                MotionModuleIO.Input(
                    "motion_module",
                    tooltip="From Load Motion Module; CameraCtrl was trained with v3_sd15_mm.ckpt.",
                ),
                io.Combo.Input(
                    "camera_control",
                    options=folder_paths.get_filename_list(MOTION_MODULES),
                    tooltip="A file of models/animatediff_models: CameraCtrl_pruned.safetensors or "
                    "CameraCtrl.ckpt.",
                ),
                CameraPathIO.Input("camera_path", tooltip="From Camera Path or Camera Poses."),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=STRONGEST,
                    step=0.01,
                    tooltip="How strictly the path is followed; 0 is without CameraCtrl.",
                ),
                frame_strengths_input(),
                *(_size(name) for name in ("width", "height")),
            ],
            outputs=[
                MotionModuleIO.Output(
                    display_name="motion_module",
                    tooltip="The motion module with its camera, for Apply Motion Module.",
                )
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, camera_control: str, **_settings) -> str:
        return file_stamp(MOTION_MODULES, camera_control)

    @classmethod
    def execute(
        cls, motion_module, camera_control: str, camera_path: CameraPath, strength,
        frame_strengths=None, width=0, height=0,
    ) -> io.NodeOutput:  # fmt: skip
        if strength == 0:
            return io.NodeOutput(motion_module)
        file = find_file(MOTION_MODULES, camera_control)
        factors = given_strengths(frame_strengths, node="Camera Control")
        path = camera_path.of_size(width, height)
        effect = Effect(load_camera_control(file), path, strength, factors)
        return io.NodeOutput(with_camera(motion_module, effect, file.name))


def frame_strengths_input() -> io.Input:
    """Of nodes that control a motion module by a network of their own."""
    return io.Float.Input(
        "frame_strengths",
        optional=True,
        force_input=True,
        tooltip="Factors of strength by frame as a list, as many as the clip has frames; from "
        "Frame Strengths.",
    )


def _size(name: str) -> io.Input:
    return io.Int.Input(
        name,
        default=0,
        min=0,
        max=LARGEST,
        optional=True,
        tooltip=f"The {name} of the pictures that the path's focal lengths are of; the clip is cut "
        "out of their middle. 0: as the path says, 1280 x 720 where it does not.",
    )


NODES = [CameraPathNode, CameraPoses, CameraControl]
