"""What is made over weights and clips that are there: styles blended in, other styles over videos,
and long clips upscaled, measured.

Every function returns rows as in measure.py.
"""

from itertools import pairwise

import comfy.utils
import torch
from animatediff_native.samplers.context_handler import ContextWindows
from animatediff_native.samplers.fuse import Fuse
from animatediff_native.samplers.windows import Schedule, WindowPlan

from . import judge, world
from .measure_long import FRAMES, PLAN, at_joins
from .studio import Setup, Studio, wishes, wishes_of
from .track import Track

Row = tuple[str, str, str, bool]
STYLE = "dusk"
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the style's weights
DENOISE = (0.3, 0.5, 0.7, 0.9)
ALL = 1.0  # nothing of the video is left: what the style's own clips have
LARGER, OVER = 2, 0.5  # times the size; denoise of the second sampling
BATCHED = WindowPlan(PLAN.length, schedule=Schedule.BATCHED)


def style_blend(studio: Studio, seeds: int) -> list[Row]:
    """W = a W_style + (1 - a) W_plain, and the motion module as it is."""
    asked = wishes(seeds, 53000)
    stills = studio.film(Setup(STYLE, motion=False), asked)
    rows: list[Row] = []
    distances = []
    for share in SHARES:
        clips = studio.film(Setup(STYLE, blend=share), asked)
        distances.append(judge.style_distances(stills, clips)[1].median().item())
        shape, _ = studio.obeyed(clips, asked)
        track = Track(clips)
        speed = (track.place[:, 1:] - track.place[:, :-1]).norm(dim=2)
        jerk = (speed[:, 1:] - speed[:, :-1]).abs().mean(1).median().item()
        rows.append(
            (f"{STYLE}, a = {share:g}: distance to its own stills; net displacement; change of "
             "speed from frame to frame; shape kept",
             f"{distances[-1]:.3f}; {track.way:.1f} px; {jerk:.2f} px; {100 * shape:.0f} %",
             "", True)
        )  # fmt: skip
    return [*rows, _falls("distance to the style, a from 0 to 1", distances)]


def video_to_video(studio: Studio, seeds: int) -> list[Row]:
    """Drawn clips in the plain style, made over by a model of another."""
    scenes = world.random_clips(seeds, torch.Generator().manual_seed(54000))
    source = torch.stack([world.draw(each) for each in scenes], dim=1)
    covered = torch.stack([world.silhouettes(each) for each in scenes], dim=1) > 0.5
    asked = wishes_of(scenes[0], 54000)
    stills = studio.film(Setup(STYLE, motion=False), asked)
    latents: list = [studio.host_vae.encode(clip.movedim(1, -1)) for clip in source]
    rows: list[Row] = []
    overlaps, distances = [], []
    for denoise in (*DENOISE, ALL):
        clips = studio.film_over(Setup(STYLE), asked, latents, denoise)
        shown = judge.find(clips.flatten(0, 1)).mask.unflatten(0, covered.shape[:2])
        overlaps.append(judge.overlap(shown, covered).mean(1).median().item())
        distances.append(judge.style_distances(stills, clips)[1].median().item())
        rows.append(
            (f"denoise {denoise:g}: overlap with the video's shapes (IoU); distance to the style",
             f"{overlaps[-1]:.2f}; {distances[-1]:.3f}", "", True)
        )  # fmt: skip
    own, before = judge.style_distances(stills, source)
    spread = own.quantile(0.95).item()
    return [
        (
            f"the video itself: distance to the style ({STYLE}; of its own stills 95 % below "
            f"{spread:.3f})",
            f"{before.median():.3f}",
            "",
            True,
        ),
        *rows,
        _falls("overlap with the video, more denoise", overlaps[:-1]),
        _falls("distance to the style, more denoise", distances[:-1]),
    ]


def _falls(name: str, values: list[float]) -> Row:
    falls = all(before > after for before, after in pairwise(values))
    return (name, ", ".join(f"{value:.3f}" for value in values), "falls", falls)


def upscaled(studio: Studio, seeds: int) -> list[Row]:
    """Long clips, their latents made larger and sampled again in windows."""
    asked = wishes(max(1, seeds // 4), 55000)
    small = studio.latents(Setup(), asked, FRAMES)
    side = LARGER * world.SIZE // 8
    large = [comfy.utils.common_upscale(each, side, side, "bislerp", "disabled") for each in small]
    rows: list[Row] = []
    for name, windows, target in (
        ("flat", ContextWindows(PLAN, fuse=Fuse.FLAT), "<= 1.2"),
        ("batched, without overlap", ContextWindows(BATCHED, fuse=Fuse.FLAT), ""),
    ):
        clips = studio.film_over(Setup(windows=windows), asked, large, OVER)
        joins = None if target else range(BATCHED.length - 1, FRAMES - 1, BATCHED.length)
        seam = at_joins(clips, joins).median().item()
        rows.append(
            (f"{FRAMES} frames, {LARGER} times as large, denoise {OVER:g}, {name}: change at the "
             "joins over elsewhere", f"{seam:.2f}", target, not target or seam <= 1.2)
        )  # fmt: skip
    return rows
