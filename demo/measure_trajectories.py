"""Shapes that are asked to follow paths without any training for it: noise along the path and
FreeTraj's and TrailBlazer's changes of attention. Every function returns rows as in measure.py.

The settings were found on paths and clips of the seeds 500 to 515, which are not among these.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from animatediff_native.motion.step_range import StepRange
from animatediff_native.samplers.noise_run import frame_noise, use_noise
from animatediff_native.trajectories.follow_cross import columns_of
from animatediff_native.trajectories.follow_run import Follow
from animatediff_native.trajectories.follow_trajectory import follow_trajectory
from animatediff_native.trajectories.subject_tokens import subject_tokens
from animatediff_native.trajectories.trajectory import Trajectory
from animatediff_native.trajectories.trajectory_noise import TrajectoryNoise
from comfy.model_patcher import ModelPatcher

from . import world
from .paths import Followed, Kind, asked_paths, followed
from .studio import Setup, Studio, Wish, wishes

Row = tuple[str, str, str, bool]
FIRST, FIRST_LONG = 61000, 62000  # seeds of paths and clips
LONG, OF_LONG = 64, 4  # frames of a long clip, and every so many-th seed has one
NEAR, RIGHT, OBEYED, GROWTH = 4.0, 0.92, 0.05, 1.5


@dataclass(frozen=True)
class Way:
    """Settings of the two nodes. words: of a wish, those that follow."""

    strength: float = 1.0
    outside: float = 0.001
    end: float = 0.6
    temporal: float = 0.0
    spatial: float = 0.0
    noise: float = 0.0
    box: float = 20.0  # pixels
    words: Callable[[Wish], str] = lambda wish: world.COLOURS[wish.colour]


NOTHING = Way(strength=0.0, outside=1.0)
CROSS = Way()
WAYS = {
    "noise along the path": Way(strength=0.0, outside=1.0, noise=1.0),
    "cross-attention to the colour": CROSS,
    "cross-attention to colour and shape": Way(
        words=lambda wish: f"{world.COLOURS[wish.colour]} {world.SHAPES[wish.shape]}"
    ),
    "cross- and temporal attention": Way(temporal=1.0),
    "cross- and spatial attention": Way(spatial=1.0),
    "all of them, and noise": Way(temporal=1.0, spatial=1.0, noise=1.0),
}


def follow_paths(studio: Studio, seeds: int) -> list[Row]:
    """By what the nodes do with the settings that were found."""
    asked = wishes(seeds, FIRST)
    clips, found = _filmed(studio, NOTHING, asked, Kind.STRAIGHT)
    obeyed = studio.obeyed(clips, asked)
    rows, plain = _rows("nothing", found, *obeyed), min(obeyed)
    for kind in Kind:
        clips, found = _filmed(studio, CROSS, asked, kind)
        rows += _rows(f"{kind.value} paths", found, *studio.obeyed(clips, asked), plain)
    return rows


def follow_ways(studio: Studio, seeds: int) -> list[Row]:
    """What each of the ways does on the same straight paths."""
    asked = wishes(seeds, FIRST)
    rows: list[Row] = []
    for name, way in WAYS.items():
        clips, found = _filmed(studio, way, asked, Kind.STRAIGHT)
        rows += _rows(name, found, *studio.obeyed(clips, asked))
    return rows


def follow_long(studio: Studio, seeds: int) -> list[Row]:
    """Straight paths in one window, and as far in windows of a long clip."""
    asked = wishes(max(1, seeds // OF_LONG), FIRST_LONG)
    short, long = (
        _filmed(studio, CROSS, asked, Kind.STRAIGHT, frames)[1] for frames in (world.FRAMES, LONG)
    )
    growth = long.mean / short.mean
    return [
        (f"{len(asked)} clips of {world.FRAMES} frames", str(short), "", True),
        (f"the same of {LONG} frames in windows of {world.FRAMES}", str(long), "", True),
        ("the error grows, times", f"{growth:.2f}", f"< {GROWTH}", growth < GROWTH),
    ]


def _filmed(
    studio: Studio, way: Way, asked: Sequence[Wish], kind: Kind, frames: int = world.FRAMES
) -> tuple[torch.Tensor, Followed]:
    paths = asked_paths(kind, len(asked), asked[0].seed, frames, way.box)
    changes = [_change(studio, way, wish, path) for wish, path in zip(asked, paths, strict=True)]
    clips = studio.film_each(Setup(), asked, changes, frames)
    found = followed(clips, paths)
    print(f"{kind.value}, {frames} frames, {way}: {found}", flush=True)
    return clips, found


def _change(
    studio: Studio, way: Way, wish: Wish, path: Trajectory
) -> Callable[[ModelPatcher], ModelPatcher]:
    """What a user would connect between the model and the sampler."""
    tokens = subject_tokens(studio.text.tokenize, wish.prompt, way.words(wish), 1, 0)
    follow = Follow(
        path,
        columns_of(tokens.subjects, tokens.tail),
        tokens.length,
        way.strength,
        way.outside,
        way.spatial,
        StepRange(0.0, way.end),
    )

    def changed(model: ModelPatcher) -> ModelPatcher:
        if way.noise:
            draw = frame_noise().draw
            model = use_noise(model, TrajectoryNoise(draw, path, wish.seed, way.noise))
        return follow_trajectory(model, follow, way.temporal)

    return changed


def _rows(
    name: str, found: Followed, shape: float, colour: float, plain: float | None = None
) -> list[Row]:
    """plain: the lesser of the shares of frames with the shape and the colour asked for, without
    following; where it is given, what is to reach is judged."""
    obeyed = f"shape {100 * shape:.1f} %, colour {100 * colour:.1f} % of frames"
    if plain is None:
        figure = f"{name}: distance, mean / median; right directions; way made; prompt"
        return [(figure, f"{found}; {obeyed}", "", True)]
    near, right = found.mean <= NEAR, found.right >= RIGHT
    kept = plain - min(shape, colour) <= OBEYED
    return [
        (
            f"{name}: distance from the place asked for, mean / median",
            f"{found.mean:.1f} / {found.median:.1f} px",
            f"<= {NEAR:g} px",
            near,
        ),
        (
            f"{name}: direction right (cosine > 0.7); way made, of that asked",
            f"{100 * found.right:.0f} % of {len(found.cosine)} clips; {found.made.median():.2f}",
            f">= {100 * RIGHT:.0f} %",
            right,
        ),
        (
            f"{name}: prompt obeyed",
            f"{obeyed}{found.said_lost}",
            f"within {100 * OBEYED:.0f} points of nothing",
            kept,
        ),
    ]
