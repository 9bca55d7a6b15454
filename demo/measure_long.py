"""Long clips: whether they hold together, what keeps their look, and what that costs in motion."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from animatediff_native.motion.free_long import FreeLong
from animatediff_native.samplers.context_handler import ContextWindows
from animatediff_native.samplers.free_init import FreeInit
from animatediff_native.samplers.reference import Reference
from animatediff_native.samplers.views import Views
from animatediff_native.samplers.windows import WindowPlan

from . import judge, world
from .studio import Setup, Studio, wishes

FRAMES, ENDS = 64, 8  # of the clip; of each end of it
HOP, OVERLAP = 12, 4  # of the windows
PLAN = WindowPlan(HOP + OVERLAP, OVERLAP)
WAYS = {
    "windows": Setup(),
    "windows, reference": Setup(windows=ContextWindows(PLAN, reference=Reference(1.0))),
    "windows, FreeInit": Setup(free_init=FreeInit()),
    "windows, FreeNoise": Setup(free_noise=True),
    "views, FreeNoise": Setup(effects=(Views(PLAN),), free_noise=True),
    "FreeLong, FreeNoise": Setup(effects=(FreeLong(PLAN.length),), free_noise=True),
}
Row = tuple[str, str, str, bool]  # as in demo/measure.py


class Looks(NamedTuple):
    """Of N clips, all [N]."""

    growth: torch.Tensor  # of the shape's area, the last frames over the first or the inverse
    kept: torch.Tensor  # overlap of the shapes of both ends, laid over each other
    palette: torch.Tensor  # distance in RGB of both ends, shape and background
    seam: torch.Tensor  # change at the joins over change elsewhere
    speed: torch.Tensor  # pixels a frame
    way: torch.Tensor  # pixels from a frame to the 15th after it, mean over the clip


def looks(clips: torch.Tensor) -> Looks:
    """clips: [N, F, 3, H, W]."""
    found = judge.find(clips.flatten(0, 1))
    area, place, colour, outline = (
        each.unflatten(0, clips.shape[:2])
        for each in (found.area, found.place, found.mean_colour, judge.outlines(found))
    )
    background = clips.median(dim=-1).values.mean(-1)
    palette = torch.cat([colour, background], dim=2)
    first, last = slice(None, ENDS), slice(-ENDS, None)
    sizes = [area[:, end].mean(1).clamp(min=1).log() for end in (first, last)]
    pairs = judge.overlap(outline[:, first, None], outline[:, None, last])
    return Looks(
        (sizes[1] - sizes[0]).abs().exp(),
        pairs.mean((1, 2)),
        (palette[:, last].mean(1) - palette[:, first].mean(1)).norm(dim=1),
        at_joins(clips),
        (place[:, 1:] - place[:, :-1]).norm(dim=2).mean(1),
        (place[:, world.FRAMES - 1 :] - place[:, : 1 - world.FRAMES]).norm(dim=2).mean(1),
    )


def at_joins(clips: torch.Tensor, at: Iterable[int] | None = None) -> torch.Tensor:
    """[N], change from a frame to the next at the joins of windows, over that elsewhere. at: the
    frames before the joins, where windows do not overlap."""
    changed = (clips[:, 1:] - clips[:, :-1]).abs().mean((2, 3, 4))  # [N, F - 1]
    joins = torch.zeros(changed.shape[1], dtype=torch.bool)
    if at is None:
        starts = range(HOP, clips.shape[1] - OVERLAP, HOP)
        at = (start + i for start in starts for i in range(-1, OVERLAP))
    joins[list(at)] = True
    return changed[:, joins].mean(1) / changed[:, ~joins].mean(1)


def long_clips(studio: Studio, seeds: int) -> list[Row]:
    asked = wishes(seeds, 8000)
    clips = studio.film(Setup(), asked, FRAMES)
    shape, colour = studio.obeyed(clips, asked)
    seam = at_joins(clips).median().item()
    return [
        ("64 frames: change at the joins over elsewhere", f"{seam:.2f}", "<= 1.2", seam <= 1.2),
        ("shape kept, of frames", f"{100 * shape:.1f} %", ">= 95 %", shape >= 0.95),
        ("colour kept, of frames", f"{100 * colour:.1f} %", ">= 95 %", colour >= 0.95),
    ]


def long_looks(studio: Studio, seeds: int) -> list[Row]:
    asked = wishes(seeds, 8000)
    return [_row(name, looks(studio.film(setup, asked, FRAMES))) for name, setup in WAYS.items()]


def _row(name: str, found: Looks) -> Row:
    """Means: most clips keep their look, and the few that do not are what it is about."""
    growth, kept, palette, seam, speed, way = (each.mean().item() for each in found)
    return (
        f"{name}: area, outline, colours of the last frames beside the first; joins; motion",
        f"x {growth:.2f}; {kept:.2f}; {palette:.3f}; {seam:.2f}; {speed:.2f}, in 16 {way:.1f} px",
        "",
        True,
    )
