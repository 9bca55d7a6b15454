"""The paths of templates, as their pictures show them."""

import numpy as np
from animatediff_native.motion.clip_part import ClipPart
from animatediff_native.trajectories.trajectory_text import read_paths
from animatediff_native.trajectories.trajectory_times import Timing, trajectory_of

from tools import workflow

SIDE = 512  # pixels: of the pictures that templates make


def places_of(name: str, frames: int) -> list[np.ndarray]:
    """[F, 2] of each path in shares of the picture."""
    part, found = ClipPart(frames, 0, frames), []
    for node in workflow.load(name).values():
        if node["class_type"] == "ADN_Trajectory":
            inputs = node["inputs"]
            paths = read_paths(inputs["points"], SIDE, SIDE, frames)
            timing = Timing(inputs["timing"])
            drawn = trajectory_of(paths, part, (SIDE, SIDE), inputs["box"], timing=timing)
            found += list(np.moveaxis(drawn.points, 1, 0))
    return found
