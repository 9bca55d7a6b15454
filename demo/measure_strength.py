"""Motion strength by area and along the clip, stretched positions and FreeInit, measured.

Every function returns rows as in measure.py.
"""

from itertools import pairwise

import torch
from animatediff_native.motion.frame_strengths import FrameStrengths
from animatediff_native.motion.keyframes import read_keyframes, values_along
from animatediff_native.motion.motion_strength import Kind, StrengthField, strength_effects
from animatediff_native.motion.stretched_positions import stretched
from animatediff_native.samplers.free_init import FreeInit

from . import judge, world
from .studio import Setup, Studio, wishes

Row = tuple[str, str, str, bool]
RAMP = "0: 0, 5: 0, 10: 1"
LONGER = 2 * world.FRAMES


def _strength(**settings) -> Setup:
    return Setup(effects=strength_effects((StrengthField(**settings),)))


def by_area(studio: Studio, seeds: int) -> list[Row]:
    asked = wishes(seeds, 9000)
    left = torch.zeros(1, world.SIZE, world.SIZE)
    left[..., : world.SIZE // 2] = 1.0
    rows: list[Row] = []
    everywhere = _away_from_mean(studio.film(Setup(), asked))
    masked = _away_from_mean(studio.film(_strength(kind=Kind.ATTENTION, area=left), asked))
    for name, half, target in (("left, where it moves", 0, 0.0), ("right, held still", 1, 0.33)):
        share = (masked[half] / everywhere[half]).median().item()
        wanted = f"<= {target:.0%}" if target else ""
        rows.append(
            (
                f"attention strength 1 on the left, 0 on the right: motion {name}, of that without",
                f"{100 * share:.0f} %",
                wanted,
                not target or share <= target,
            )
        )
    return rows


def _away_from_mean(clips: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """[N] each, for the left and the right half: how far frames are from the clip's mean."""
    away = (clips - clips.mean(dim=1, keepdim=True)).abs()
    left, right = away.chunk(2, dim=-1)
    return left.mean((1, 2, 3, 4)), right.mean((1, 2, 3, 4))


def along_clip(studio: Studio, seeds: int) -> list[Row]:
    asked = wishes(seeds, 30000)
    ramp = values_along(read_keyframes(RAMP), world.FRAMES)
    between = torch.tensor([(a + b) / 2 for a, b in pairwise(ramp)])
    frames = FrameStrengths(tuple(ramp))
    plain, ramped = (
        _speed(studio.film(setup, asked))
        for setup in (Setup(), _strength(kind=Kind.ATTENTION, frames=frames))
    )
    share = (ramped / plain.clamp(min=1e-3)).median(0).values  # [F - 1]
    follows = torch.corrcoef(torch.stack([between, share]))[0, 1].item()
    slow, fast = share[between == 0].mean().item(), share[between == 1].mean().item()
    return [
        (
            f"attention strength {RAMP}: correlation of strength and speed, frame by frame",
            f"{follows:.2f}",
            "> 0.9",
            follows > 0.9,
        ),
        (
            "speed at 0 and at 1, of that without",
            f"{100 * slow:.0f} % and {100 * fast:.0f} %",
            "",
            True,
        ),
    ]


def _speed(clips: torch.Tensor) -> torch.Tensor:
    """[N, F - 1], pixels from a frame to the next."""
    place = judge.find(clips.flatten(0, 1)).place.unflatten(0, clips.shape[:2])
    return (place[:, 1:] - place[:, :-1]).norm(dim=2)


def positions(studio: Studio, seeds: int) -> list[Row]:
    """The table has 32 rows, of which 16 were trained."""
    asked = wishes(seeds, 9500)
    table = studio.module.table_length
    sweet = stretched(table, LONGER, world.FRAMES, 0)
    assert sweet is not None
    ways = {
        f"{world.FRAMES} frames": (Setup(), world.FRAMES),
        f"{LONGER} frames in windows": (Setup(), LONGER),
        f"{LONGER} at once, its {world.FRAMES} trained rows stretched": (
            Setup(effects=(sweet,)),
            LONGER,
        ),
        f"{LONGER} at once, rows that were not trained": (Setup(at_once=LONGER), LONGER),
    }
    rows: list[Row] = []
    for name, (setup, frames) in ways.items():
        clips = studio.film(setup, asked, frames)
        shape, colour = studio.obeyed(clips, asked)
        speed = _speed(clips).median().item()
        kept = f"shape {100 * shape:.0f} %, colour {100 * colour:.0f} % of frames"
        rows.append((f"{name}: pixels a frame; kept", f"{speed:.2f}; {kept}", "", True))
    return rows


def free_init(studio: Studio, seeds: int) -> list[Row]:
    asked = wishes(seeds, 9700)
    rows: list[Row] = []
    for name, setup in (
        ("one round", Setup()),
        ("three rounds", Setup(free_init=FreeInit())),
    ):
        clips = studio.film(setup, asked)
        speed = _speed(clips)
        jerk = (speed[:, 1:] - speed[:, :-1]).abs().mean().item()
        away = torch.stack(_away_from_mean(clips)).mean().item()
        shape, _ = studio.obeyed(clips, asked)
        rows.append(
            (
                f"{name}: pixels a frame; change of speed from frame to frame; distance of frames "
                "from their mean; shape kept",
                f"{speed.median():.2f}; {jerk:.2f}; {away:.4f}; {100 * shape:.1f} %",
                "",
                True,
            )
        )
    return rows
