"""Tora beside a motion module: things go where a path says."""

import folder_paths
from comfy_api.latest import io

from ..motion.frame_strengths import given_strengths
from ..trajectories.tora_control import ToraControl, with_trajectory
from ..trajectories.tora_files import load_trajectory_control
from ..trajectories.trajectory import Trajectory
from .camera import frame_strengths_input
from .folders import CATEGORY, MOTION_MODULES, file_stamp, find_file
from .motion_module import MotionModuleIO
from .search_aliases import search_aliases
from .trajectory import TrajectoryIO

STRONGEST = 2.0


class TrajectoryControl(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_TrajectoryControl",
            display_name="Trajectory Control (Tora, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_TrajectoryControl"),
            description="Has a motion module move things along paths, with a network trained for "
            "that as Tora's is.",
            inputs=[
                MotionModuleIO.Input(
                    "motion_module",
                    tooltip="From Load Motion Module: the one that the file was trained with.",
                ),
                io.Combo.Input(
                    "trajectory_control",
                    options=folder_paths.get_filename_list(MOTION_MODULES),
                    tooltip="A trajectory control file of models/animatediff_models.",
                ),
                TrajectoryIO.Input("trajectory", tooltip="The paths, from Trajectory."),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=STRONGEST,
                    step=0.01,
                    tooltip="How strictly the paths are followed; 0 is without Trajectory Control.",
                ),
                frame_strengths_input(),
            ],
            outputs=[
                MotionModuleIO.Output(
                    display_name="motion_module",
                    tooltip="The motion module with its paths, for Apply Motion Module.",
                )
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, trajectory_control: str, **_settings) -> str:
        return file_stamp(MOTION_MODULES, trajectory_control)

    @classmethod
    def execute(
        cls, motion_module, trajectory_control: str, trajectory: Trajectory, strength,
        frame_strengths=None,
    ) -> io.NodeOutput:  # fmt: skip
        if strength == 0:
            return io.NodeOutput(motion_module)
        file = find_file(MOTION_MODULES, trajectory_control)
        factors = given_strengths(frame_strengths, node="Trajectory Control")
        effect = ToraControl(load_trajectory_control(file), trajectory, strength, factors)
        return io.NodeOutput(with_trajectory(motion_module, effect, file.name))


NODES = [TrajectoryControl]
