"""Motion taken from a clip (MotionClone), and from the preview of a drawn path.

Every function returns rows as in measure.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from animatediff_native.motion.step_range import StepRange
from animatediff_native.trajectories.reference_clip import ReferenceClip
from animatediff_native.trajectories.reference_motion import (
    NODE,
    ReferenceMotion,
    with_reference_motion,
)
from animatediff_native.trajectories.trajectory import Trajectory
from animatediff_native.trajectories.trajectory_pictures import preview

from . import world
from .paths import Followed, Kind, asked_paths, followed
from .studio import Setup, Studio, Wish, wishes

Row = tuple[str, str, str, bool]
# Found on seeds from TRIED on. At a quarter of 8 x 8 latents, where the authors look, a clip has
# four pixels, and attention that is nearly even: half their size is looked at.
STRENGTH, END, RESOLUTION = 4.0, 0.3, 1
FIRST, TRIED = 44000, 45000


def drawn(path: Trajectory, wish: Wish) -> torch.Tensor:
    """[F, H, W, 3], another shape of another colour than the one asked for, going that way."""
    places = torch.from_numpy(path.pixels[:, 0]).float()
    none = torch.zeros(len(path), dtype=torch.long)
    scenes = world.Scenes(
        none + (wish.shape + 1) % len(world.SHAPES),
        none + (wish.colour + 2) % len(world.COLOURS),
        none + (wish.background + 1) % len(world.BACKGROUNDS),
        places[:, 0],
        places[:, 1],
        none + 12.0,
    )
    return world.draw(scenes).movedim(1, -1)


def film(
    studio: Studio,
    asked: Sequence[Wish],
    videos: Sequence[torch.Tensor],
    strength: float = STRENGTH,
    end: float = END,
    timestep: int = 400,
    resolution: int = RESOLUTION,
) -> torch.Tensor:
    """[N, F, 3, H, W]: clips that move as these videos."""
    nothing = studio.text.encode_from_tokens_scheduled(studio.text.tokenize(""))

    def moved_as(video: torch.Tensor):
        clip = ReferenceClip(video, studio.host_vae, NODE)
        reference = ReferenceMotion(
            clip, nothing, strength, StepRange(0.0, end), timestep, resolution
        )
        return lambda model: with_reference_motion(model, reference)

    return studio.film_each(Setup(), asked, [moved_as(video) for video in videos])


def motion_from_video(studio: Studio, seeds: int) -> list[Row]:
    """Straight ways of other shapes, filmed and drawn, and the shapes asked for that take them."""
    asked, paths = wishes(seeds, FIRST), asked_paths(Kind.STRAIGHT, seeds, FIRST)
    videos = {
        "a clip of another shape": [drawn(*each) for each in zip(paths, asked, strict=True)],
        "a drawn path's preview": [preview(path) for path in paths],
    }
    plain = studio.film(Setup(), asked)
    before = followed(plain, paths)
    rows = _rows(studio, "without a reference", plain, asked, before)
    for name, shown in videos.items():
        clips = film(studio, asked, shown)
        found = followed(clips, paths)
        rows += _rows(studio, name, clips, asked, found)
        nearer = found.right > before.right
        rows.append(
            (f"{name}: more clips go in its direction than without it",
             f"{100 * (found.right - before.right):+.0f} points", "> 0", nearer)
        )  # fmt: skip
    return rows


def _rows(
    studio: Studio, name: str, clips: torch.Tensor, asked: Sequence[Wish], found: Followed
) -> list[Row]:
    shape, colour = studio.obeyed(clips, asked)
    return [
        (f"{name}: direction right (cosine > 0.7); way made of the one shown, median",
         f"{100 * found.right:.0f} % of {len(asked)}; {found.made.median():.2f}", "", True),
        (f"{name}: shape and colour of the prompt",
         f"{100 * shape:.1f} %, {100 * colour:.1f} %", "", True),
    ]  # fmt: skip
