"""Things follow paths by a trained network (Tora): its three designs, its two stages, paths of
kinds that it was not trained on, long clips, speeds.

Every function returns rows as in measure.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from animatediff_native.samplers.context_handler import ContextWindows
from animatediff_native.samplers.windows import WindowPlan
from animatediff_native.trajectories.tora_control import ToraControl
from animatediff_native.trajectories.tora_files import load_trajectory_control
from animatediff_native.trajectories.tora_network import Design
from animatediff_native.trajectories.trajectory import Trajectory

from . import world
from .paths import RIGHT, Followed, Kind, asked_paths, followed
from .recipe_trajectories import BEST, PAPERS
from .studio import Setup, Studio, wishes

Row = tuple[str, str, str, bool]
FIRST_SEED = 50000
TRAINING_FREE = 3.5  # pixels: the median of a cross-attention edit, which needs no training
LONG = 64  # frames
HELD_OUT = (Kind.CURVED, Kind.STOPPING, Kind.CROSSING)
SPEEDS = {"slow": 8.0, "fast": 30.0}  # pixels that a path goes in a clip


class Made(NamedTuple):
    """Clips that were asked to follow paths, and what is read off them."""

    followed: Followed
    per_clip: torch.Tensor  # [N], mean error of each, pixels
    shape: float
    colour: float

    @property
    def error(self) -> str:
        spread = self.per_clip.std().item() / len(self.per_clip) ** 0.5
        return f"{self.followed.mean:.1f} (+- {spread:.1f}) / {self.followed.median:.1f} px"


def _film(
    studio: Studio, name: str, paths: Sequence[Trajectory], windows: ContextWindows | None = None
) -> Made:
    """name: the stage whose file is used; '' for none."""
    asked = wishes(len(paths), FIRST_SEED)
    file = load_trajectory_control(studio.shop.file(name)) if name else None
    clips = []
    for wish, path in zip(asked, paths, strict=True):
        effects = () if file is None else (ToraControl(file, path),)
        setup = Setup(effects=effects, windows=windows)
        clips.append(studio.film(setup, [wish], len(path))[0])
    made = torch.stack(clips)
    per_clip = [followed(clip[None], [path]).mean for clip, path in zip(made, paths, strict=True)]
    return Made(followed(made, paths), torch.tensor(per_clip), *studio.obeyed(made, asked))


def trajectory_control(studio: Studio, seeds: int) -> list[Row]:
    return list(rows(studio, seeds))


def rows(studio: Studio, seeds: int) -> Iterator[Row]:
    best = f"trajectory_{BEST.value}"
    straight = asked_paths(Kind.STRAIGHT, seeds, FIRST_SEED)
    made = {BEST: _film(studio, best, straight)}
    yield from _of_a_design(BEST, made[BEST])
    yield from _obedience(studio, made[BEST], straight)
    yield from _held_out(studio, best, seeds)
    for design in Design:
        if design is not BEST:
            made[design] = _film(studio, f"trajectory_{design.value}", straight)
            yield from _of_a_design(design, made[design])
    yield _order(made)
    yield _stages(made[PAPERS], _film(studio, f"trajectory_{PAPERS.value}_sparse", straight))
    yield from _speeds(studio, best, max(4, seeds // 3))
    yield _long(studio, best, made[BEST], max(4, seeds // 4))


def _of_a_design(design: Design, made: Made) -> Iterator[Row]:
    aims = design is BEST
    error, share = made.followed.median, made.followed.right
    yield (
        f"straight paths, {design.value}: error mean (+- its standard error) / median",
        made.error, f"median <= {TRAINING_FREE} px" if aims else "",
        not aims or error <= TRAINING_FREE,
    )  # fmt: skip
    yield (
        f"{design.value}: direction cos > {RIGHT}; way made / asked, median",
        f"{100 * share:.0f} %; {made.followed.made.nanmedian():.2f}", ">= 92 %" if aims else "",
        not aims or share >= 0.92,
    )  # fmt: skip


def _order(made: dict[Design, Made]) -> Row:
    mean = {design: each.followed.mean for design, each in made.items()}
    ordered = mean[Design.NORM] <= mean[Design.CROSS] <= mean[Design.CHANNELS]
    found = ", ".join(design.value for design in sorted(mean, key=mean.__getitem__))
    return "designs by mean error", found, "norm, cross, channels", ordered


def _stages(both: Made, alone: Made) -> Row:
    return (
        f"{PAPERS.value}: dense flow, then paths; paths alone in as many steps",
        f"{both.error}; {alone.error}", "first <= second",
        both.followed.mean <= alone.followed.mean,
    )  # fmt: skip


def _obedience(studio: Studio, made: Made, paths: Sequence[Trajectory]) -> Iterator[Row]:
    plain = _film(studio, "", paths)
    lost = max(plain.shape - made.shape, plain.colour - made.colour)
    yield "straight paths, without: error; direction", _followed(plain), "", True
    yield (
        "shape, colour, of frames (without paths)",
        f"{100 * made.shape:.0f} %, {100 * made.colour:.0f} % ({100 * plain.shape:.0f} %, "
        f"{100 * plain.colour:.0f} %)", "within 5 points", lost <= 0.05,
    )  # fmt: skip


def _followed(made: Made) -> str:
    return (
        f"{made.error}; {100 * made.followed.right:.0f} %; way made / asked "
        f"{made.followed.made.nanmedian():.2f}"
    )


def _held_out(studio: Studio, name: str, seeds: int) -> Iterator[Row]:
    for kind in HELD_OUT:
        made = _film(studio, name, asked_paths(kind, seeds, FIRST_SEED))
        yield f"{kind.value} paths, held out of training", _followed(made), "", True


def _long(studio: Studio, name: str, short: Made, count: int) -> Row:
    windows = ContextWindows(WindowPlan(world.FRAMES, world.FRAMES // 4))
    made = _film(studio, name, asked_paths(Kind.STRAIGHT, count, FIRST_SEED, LONG), windows)
    same = short.per_clip[:count].mean().item()
    ratio = made.followed.mean / same
    return (f"{LONG} frames in windows, {count} clips: error (of the same in {world.FRAMES} "
            f"frames {same:.1f} px)", f"{made.error}: x {ratio:.2f}", "< 1.5 times",
            ratio < 1.5)  # fmt: skip


def _speeds(studio: Studio, name: str, count: int) -> Iterator[Row]:
    """Straight through the picture's middle, at several angles."""
    for speed, way in SPEEDS.items():
        made = _film(studio, name, [_through_the_middle(way, i / count) for i in range(count)])
        yield f"{speed} paths, of {way:.0f} px", _followed(made), "", True


def _through_the_middle(way: float, turn: float) -> Trajectory:
    angle = 2 * np.pi * turn
    half = 0.5 * way / world.SIZE * np.array([np.cos(angle), np.sin(angle)])
    points = np.linspace(0.5 - half, 0.5 + half, world.FRAMES)[:, None]
    seen = np.ones((world.FRAMES, 1), dtype=bool)
    return Trajectory(points, seen, np.full((1, 2), 0.44), world.SIZE, world.SIZE)
