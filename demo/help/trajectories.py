"""Pictures of the nodes for things that follow paths, and for motion from a video."""

from collections.abc import Sequence

import numpy as np
import torch
from animatediff_native.motion.clip_part import ClipPart
from animatediff_native.trajectories.trajectory import Trajectory
from animatediff_native.trajectories.trajectory_pictures import GROUND, preview
from animatediff_native.trajectories.trajectory_text import read_paths
from animatediff_native.trajectories.trajectory_times import trajectory_of
from PIL import Image

from tools import workflow

from .. import world
from ..drawing import INK, ORANGE, PINK, Frame, Sheet
from ..template_paths import places_of
from ..template_runs import kept
from . import parts
from .images import way
from .parts import EDGE, INNER, WIDTH

FRAMES, SIDE = 16, 192  # frames; pixels of a preview's side
TWO = '{"paths": [[[0.15, 0.75], [0.45, 0.2], [0.85, 0.3]], [[0.8, 0.85], [0.3, 0.55]]]}'
STRAIGHT = '{"paths": [[[0.22, 0.3], [0.78, 0.7]]]}'
BOX = 0.36
CELLS, PATCH = 16, 5  # of a piece of noise, and of what goes along in it


def drawn_path(points: str, box: float = BOX) -> Trajectory:
    part = ClipPart(FRAMES, 0, FRAMES)
    return trajectory_of(read_paths(points, SIDE, SIDE, FRAMES), part, (SIDE, SIDE), box)


def shown_path(path: Trajectory) -> list[Frame]:
    """As the node's preview has it over a picture."""
    dark = torch.tensor(GROUND).div(255).expand(1, SIDE, SIDE, 3)
    return list(preview(path, dark).mul(255).byte().numpy())


def trajectory() -> Image.Image:
    """Two paths, and what goes along them, at three times."""
    on = parts.sheet(126)
    parts.film(on, parts.chosen(shown_path(drawn_path(TWO, 0.3)), 3), 12, gap=6)
    return on.image()


def _path_over(on: Sheet, places: np.ndarray, x: float, y: float, side: float) -> None:
    on.dashes([(x + side * across, y + side * down) for across, down in places], INK, 1.5, 5)


def _path_and_clip(points: str, clip: Sequence[Frame], path: np.ndarray | None = None) -> Sheet:
    on = parts.sheet(180)
    side = parts.film(on, parts.chosen(shown_path(drawn_path(points)), 5), 12, gap=5)
    on.arrow((WIDTH / 2, 20 + side), (WIDTH / 2, 34 + side), PINK, 3)
    parts.film(on, parts.chosen(clip, 5), 40 + side, gap=5)
    if path is not None:
        for number in range(5):
            _path_over(on, path, EDGE + number * (side + 5), 40 + side, side)
    return on


def follow_trajectory() -> Image.Image:
    """The path, and the clip whose shape goes along it."""
    (node,) = (
        node
        for node in workflow.load("follow_a_path").values()
        if node["class_type"] == "ADN_Trajectory"
    )
    (path,) = places_of("follow_a_path", FRAMES)
    points = node["inputs"]["points"]
    return _path_and_clip(points, kept("follow_a_path").out[0], path).image()


def trajectory_control() -> Image.Image:
    """The path, and a drawn shape that goes along it."""
    begin, end = ((world.SIZE * x, world.SIZE * y) for x, y in ((0.22, 0.3), (0.78, 0.7)))
    return _path_and_clip(STRAIGHT, way(FRAMES, begin, end, "green", "square")).image()


def trajectory_noise() -> Image.Image:
    """Noise of every frame, with the patch that is the same in all."""
    on = parts.sheet(82)
    path = drawn_path(STRAIGHT).points[:, 0]
    draw = torch.Generator().manual_seed(3)
    patch = torch.randn(PATCH, PATCH, 1, generator=draw)
    side = (INNER - 20) / 5
    for number, (x, y) in enumerate(parts.chosen(list(path), 5)):
        piece = torch.randn(CELLS, CELLS, 1, generator=draw)
        left, top = (round(at * CELLS - PATCH / 2) for at in (x, y))
        piece[top : top + PATCH, left : left + PATCH] = patch
        at = EDGE + number * (side + 5)
        on.card(parts.as_frame(piece.expand(-1, -1, 3)), at, 12, side, 5)
        first = at + side * left / CELLS, 12 + side * top / CELLS
        last = (place + side * PATCH / CELLS for place in first)
        right, bottom = last
        corners = [first, (right, first[1]), (right, bottom), (first[0], bottom), first]
        on.line(corners, ORANGE, 2)
    return on.image()


def reference_motion() -> Image.Image:
    """A video above, and a clip of something else that moves as it does."""
    on = parts.sheet(180)
    shown = kept("motion_from_video")
    side = parts.film(on, parts.chosen(shown.inputs["input"][:FRAMES], 5), 12, gap=5)
    on.arrow((WIDTH / 2, 20 + side), (WIDTH / 2, 34 + side), PINK, 3)
    parts.film(on, parts.chosen(shown.out[0], 5), 40 + side, gap=5)
    return on.image()


PICTURES = {
    "ADN_Trajectory": trajectory,
    "ADN_FollowTrajectory": follow_trajectory,
    "ADN_TrajectoryNoise": trajectory_noise,
    "ADN_TrajectoryControl": trajectory_control,
    "ADN_ReferenceMotion": reference_motion,
}
