"""A path that things follow, drawn on the node or given as text or tracks."""

import logging
from dataclasses import replace
from typing import Any

import torch
from comfy_api.latest import io

from ..motion.clip_part import ClipPart, clip_part
from ..motion.errors import AnimateDiffError, counted
from ..trajectories.trajectory import Trajectory
from ..trajectories.trajectory_pictures import box_masks, preview
from ..trajectories.trajectory_text import read_paths, write_samples
from ..trajectories.trajectory_times import Interpolation, Timing, trajectory_of
from ..trajectories.trajectory_tracks import read_tracks
from .advanced import advanced
from .clip_part import frames_input, part_inputs
from .folders import CATEGORY
from .search_aliases import search_aliases

log = logging.getLogger("animatediff_native")

TrajectoryIO = io.Custom("ADN_TRAJECTORY")
TracksIO = io.Custom("TRACKS")
EXAMPLE = '{"paths": [[[0.2, 0.5], [0.8, 0.5]]]}'
SIDE, SMALLEST, LARGEST = 512, 16, 16384  # pixels
BOX, NARROWEST = 0.3, 0.02


class TrajectoryNode(io.ComfyNode):
    @classmethod
    @advanced("first_frame", "total_frames")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_Trajectory",
            display_name="Trajectory (draw a path, motion path, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_Trajectory"),
            description="Paths through the picture, drawn on the node, that things follow along a "
            "clip.",
            inputs=[_points(), *_size(), *_way(), *_others(), *part_inputs()],
            outputs=_outputs(),
        )

    @classmethod
    def execute(
        cls, points, width=SIDE, height=SIDE, frames=None, interpolation=Interpolation.SMOOTH.value,
        timing=Timing.AS_DRAWN.value, box=BOX, image=None, tracks=None, previous=None, latent=None,
        first_frame=0, total_frames=0,
    ) -> io.NodeOutput:  # fmt: skip
        part = clip_part(frames, latent, first_frame, total_frames)
        paths = read_paths(points, width, height, part.whole)
        if tracks is not None:
            paths += read_tracks(tracks, width, height)
        how, when = Interpolation(interpolation), Timing(timing)
        drawn = trajectory_of(paths, part, (width, height), box, how, when)
        trajectory = drawn if previous is None else _behind(previous, drawn)
        if not trajectory.paths:
            log.info("AnimateDiff: Trajectory has no points: nothing is asked of the clip.")
        shown = preview(trajectory, _behind_it(image, part))
        coordinates = write_samples(trajectory.pixels)
        return io.NodeOutput(trajectory, shown, coordinates, box_masks(trajectory))


def _behind(previous: Trajectory, drawn: Trajectory) -> Trajectory:
    """Both, in the frames and the size of the second."""
    if len(previous) != len(drawn):
        log.warning(
            "AnimateDiff: previous of Trajectory has %s for a clip of %s: %s.",
            counted(len(previous), "frame"),
            counted(len(drawn), "frame"),
            "the last place is held" if len(previous) < len(drawn) else "the first ones count",
        )
    before = previous.at(range(len(drawn)))
    return replace(before, width=drawn.width, height=drawn.height).with_paths_of(drawn)


def _behind_it(image: torch.Tensor | None, part: ClipPart) -> torch.Tensor | None:
    if image is not None and len(image) not in (1, part.frames):
        raise AnimateDiffError(
            f"image of Trajectory has {counted(len(image), 'picture')} for a clip of "
            f"{counted(part.frames, 'frame')}.",
            "one picture, or one for every frame",
            "take as many out of the batch with ComfyUI's ImageFromBatch, or set frames.",
        )
    return image


def _points() -> io.Input:
    return io.String.Input(
        "points",
        multiline=True,
        default=EXAMPLE,
        tooltip="The paths that the canvas draws, as text: points as shares of the picture. The "
        "coordinates of KJNodes' spline editor in pixels, Tora's lines of x, y on 256 x 256 and "
        "places at frames as in 0: 0.2,0.5; 15: 0.8,0.5 work too. No points: nothing is asked.",
    )


def _size() -> list[io.Input]:
    def side(name: str) -> io.Input:
        return io.Int.Input(
            name,
            default=SIDE,
            min=SMALLEST,
            max=LARGEST,
            step=8,
            tooltip=f"The {name} of the clip in pixels: for the canvas, the preview, and points "
            "and tracks in pixels.",
        )

    return [side("width"), side("height")]


def _way() -> list[io.Input]:
    return [
        frames_input(
            "How many frames the clip has: batch_size of the latent. Not needed where latent is "
            "connected."
        ),
        io.Combo.Input(
            "interpolation",
            options=[each.value for each in Interpolation],
            default=Interpolation.SMOOTH.value,
            optional=True,
            tooltip="smooth: a curve through the points. linear: straight from point to point.",
        ),
        io.Combo.Input(
            "timing",
            options=[each.value for each in Timing],
            default=Timing.AS_DRAWN.value,
            optional=True,
            tooltip="as drawn: when the hand was there, or the text says; even speed where nothing "
            "says it. even: even speed always. ease: slow at both ends.",
        ),
        io.Float.Input(
            "box",
            default=BOX,
            min=NARROWEST,
            max=1.0,
            step=0.01,
            optional=True,
            tooltip="How large the thing is that follows: the side of a square around the path, as "
            "a share of the picture's shorter side.",
        ),
    ]


def _others() -> list[io.Input]:
    return [
        io.Image.Input(
            "image",
            optional=True,
            tooltip="A picture behind the canvas and in preview, such as the clip's first frame; "
            "or one for every frame.",
        ),
        TracksIO.Input(
            "tracks",
            optional=True,
            tooltip="Tracks in pixels of width x height, from ComfyUI's nodes for tracks. They are "
            "added as paths.",
        ),
        TrajectoryIO.Input(
            "previous",
            optional=True,
            tooltip="Another Trajectory, whose paths come before these and keep their boxes.",
        ),
    ]


def _outputs() -> list[io.Output]:
    def told(kind: Any, name: str, tooltip: str) -> io.Output:
        return kind.Output(display_name=name, tooltip=tooltip)

    return [
        told(TrajectoryIO, "trajectory", "For the nodes that follow it, or the next Trajectory."),
        told(
            io.Image,
            "preview",
            "Frame by frame: over image the paths with their boxes and a moving dot; without image "
            "a disc for each thing on its way, which Reference Motion takes as a video, too.",
        ),
        told(
            io.String,
            "coordinates",
            "A place per frame in pixels, as KJNodes' spline editor writes them, for other nodes.",
        ),
        told(io.Mask, "boxes", "A mask per frame: the boxes around the paths."),
    ]


NODES = [TrajectoryNode]
