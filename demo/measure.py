"""How each claim of the paper is measured. Every function returns rows of
(figure, value as text, what to reach, whether it is reached)."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import torch

from . import control, judge, world
from .aliasing import aliasing
from .measure_edits import edits
from .measure_images import both_ends, camera_paths, first_frame, pia, sketches
from .measure_long import long_clips, long_looks
from .measure_reference import motion_from_video
from .measure_restyled import style_blend, upscaled, video_to_video
from .measure_space_time import frames_shared, space_time
from .measure_strength import along_clip, by_area, free_init, positions
from .measure_tora import trajectory_control
from .measure_trajectories import follow_long, follow_paths, follow_ways
from .recipe import CAMERA, COMPARED, motion_lora_stages
from .studio import Setup, Studio, Wish, wishes
from .track import Track

Row = tuple[str, str, str, bool]
OFF = Setup(motion=False)
VARIANTS = {"ink": "fine-tuned", "dusk": "LoRA"}


def _share(hits: torch.Tensor) -> float:
    return hits.float().mean().item()


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def motion(studio: Studio, seeds: int) -> list[Row]:
    asked = wishes(seeds)
    return _motion_rows(studio, asked, Setup(), OFF, "")


def _motion_rows(studio: Studio, asked: list[Wish], on: Setup, off: Setup, name: str) -> list[Row]:
    moving, jumping = Track(studio.film(on, asked)), Track(studio.film(off, asked))
    ratio = (jumping.per_frame / moving.per_frame).median().item()
    net = moving.shift.norm(dim=1).median().item()
    return [
        (f"{name}pixels a frame without the module", f"{jumping.per_frame.median():.2f}", "", True),
        (f"{name}pixels a frame with it", f"{moving.per_frame.median():.2f}", "", True),
        (f"{name}smoother, median of the ratios", f"{ratio:.1f} times", ">= 5", ratio >= 5),
        (f"{name}net displacement, median", f"{net:.1f} px", ">= 6", net >= 6),
    ]


def personalised(studio: Studio, seeds: int) -> list[Row]:
    rows: list[Row] = []
    for base, kind in VARIANTS.items():
        asked = wishes(seeds, 2000)
        clips = studio.film(Setup(base), asked)
        stills = studio.film(Setup(base, motion=False), asked)
        moving, jumping = Track(clips), Track(stills)
        ratio = (jumping.per_frame / moving.per_frame).median().item()
        name = f"{base} ({kind}): "
        rows.append((f"{name}smoother", f"{ratio:.1f} times", ">= 5", ratio >= 5))
        net = moving.shift.norm(dim=1).median().item()
        rows.append((f"{name}net displacement", f"{net:.1f} px", ">= 6", net >= 6))
        own, animated = judge.style_distances(stills, clips)
        spread = own.quantile(0.95).item()
        plain = judge.style_distances(stills, studio.film(OFF, asked[:8]), 8)[1].median().item()
        rows.append(
            (
                f"{name}distance to its own stills (of the stills: 95 % below {spread:.3f}; "
                f"the base model's stills: {plain:.3f})",
                f"{animated.median():.3f}",
                f"<= {spread:.3f}",
                animated.median().item() <= spread,
            )
        )
    return rows


def prompts(studio: Studio, seeds: int) -> list[Row]:
    asked = wishes(seeds, 3000)
    rows: list[Row] = []
    for name, setup in (("animated: ", Setup()), ("stills: ", OFF)):
        shape, colour = studio.obeyed(studio.film(setup, asked), asked)
        rows.append((f"{name}shape", _percent(shape), ">= 90 %", shape >= 0.9))
        rows.append((f"{name}colour", _percent(colour), ">= 90 %", colour >= 0.9))
    return rows


def adapter(studio: Studio, seeds: int) -> list[Row]:
    asked = wishes(seeds, 4000)
    levels = {}
    for alpha in (1.0, 0.75, 0.5, 0.25, 0.0):
        clips = studio.film(Setup(adapter=alpha), asked)
        levels[alpha] = judge.watermark_correlation(clips.flatten(0, 1)).mean().item()
    values = list(levels.values())
    falls = all(high > low for high, low in pairwise(values))
    left = abs(levels[0.0]) / levels[1.0]
    listed = ", ".join(f"{value:.3f}" for value in values)
    return [
        ("watermark at alpha 1, .75, .5, .25, 0", listed, "falls", falls),
        ("left at alpha 0", _percent(left), "<= 10 %", left <= 0.1),
    ]


def _pan_left(track: Track) -> torch.Tensor:
    """The camera goes left, the picture right."""
    return track.shift[:, 0] > 4


def _pan_up(track: Track) -> torch.Tensor:
    return track.shift[:, 1] > 4


def _zoom_in(track: Track) -> torch.Tensor:
    return track.growth > 1.15


def _zoom_out(track: Track) -> torch.Tensor:
    return track.growth < 0.87


RIGHT: dict[str, Callable[[Track], torch.Tensor]] = {
    "pan_left": _pan_left,
    "pan_up": _pan_up,
    "zoom_in": _zoom_in,
    "zoom_out": _zoom_out,
}


def shot_types(studio: Studio, seeds: int) -> list[Row]:
    asked = wishes(seeds, 5000)
    plain = Track(studio.film(Setup(), asked))
    rows: list[Row] = []
    for name in CAMERA:
        track = Track(studio.film(Setup(motion_loras=((f"lora_{name}", 1.0),)), asked))
        share, before = _share(RIGHT[name](track)), _share(RIGHT[name](plain))
        size = _size(name, track)
        rows.append(
            (
                f"{name.replace('_', ' ')}: right direction (without it {_percent(before)})",
                f"{_percent(share)}, {size}",
                ">= 95 %",
                share >= 0.95,
            )
        )
    return rows


def _size(name: str, track: Track) -> str:
    if name.startswith("zoom"):
        return f"area x {track.growth.median():.2f}"
    axis = 0 if name == "pan_left" else 1
    return f"{track.shift[:, axis].median():+.1f} px"


def combined(studio: Studio, seeds: int) -> list[Row]:
    asked = wishes(seeds, 6000)
    rows: list[Row] = []
    for pan, zoom in (("pan_left", "zoom_in"), ("pan_up", "zoom_out")):
        chain = ((f"lora_{pan}", 1.0), (f"lora_{zoom}", 1.0))
        track = Track(studio.film(Setup(motion_loras=chain), asked))
        share = _share(RIGHT[pan](track) & RIGHT[zoom](track))
        sizes = f"{_size(pan, track)}, {_size(zoom, track)}"
        rows.append(
            (
                f"{pan} + {zoom}: both".replace("_", " "),
                f"{_percent(share)}, {sizes}",
                ">= 90 %",
                share >= 0.9,
            )
        )
    return rows


def ranks_and_clips(studio: Studio, seeds: int) -> list[Row]:
    asked = wishes(seeds, 7000)
    rows: list[Row] = []
    for stage in motion_lora_stages():
        if stage.name.startswith(COMPARED):
            setup = Setup(motion_loras=((stage.name, 1.0),))
            clips = studio.film(setup, asked)
            track = Track(clips)
            shape, colour = studio.obeyed(clips, asked)
            rows.append(
                (
                    f"pan left as begun, rank {stage.rank}, {stage.clips} clips",
                    f"{_percent(_share(_pan_left(track)))}, {_size('pan_left', track)}; shape "
                    f"{_percent(shape)}, colour {_percent(colour)} of frames",
                    "",
                    True,
                )
            )
    return rows


def steering(studio: Studio, seeds: int) -> list[Row]:
    """Hints are the silhouettes of clips that no model has seen."""
    asked = wishes(seeds, 9000)
    paths = world.random_clips(seeds, torch.Generator().manual_seed(9000))
    shapes = torch.tensor([wish.shape for wish in asked])
    drawn = [replace(scenes, shape=shapes) for scenes in paths]
    covered = torch.stack([world.silhouettes(scenes) for scenes in drawn], dim=1) > 0.5
    hints = torch.stack([control.hint_of(scenes) for scenes in drawn], dim=1)
    rows: list[Row] = []
    for name, clips in (
        ("with", studio.film_after(Setup(), asked, list(hints))),
        ("without", studio.film(Setup(), asked)),
    ):
        shown = judge.find(clips.flatten(0, 1)).mask.unflatten(0, covered.shape[:2])
        overlap = judge.overlap(shown, covered).mean().item()
        target = ">= 0.7" if name == "with" else ""
        rows.append(
            (
                f"overlap of shape and hint (IoU), mean of the frames, {name} the ControlNet",
                f"{overlap:.2f}",
                target,
                not target or overlap >= 0.7,
            )
        )
    return rows


class Claim(NamedTuple):
    title: str
    measure: Callable[[Studio, int], list[Row]]


CLAIMS = {
    "motion": Claim("The motion module makes motion", motion),
    "personalised": Claim("It plugs into personalised models untuned", personalised),
    "prompts": Claim("Prompts are obeyed", prompts),
    "adapter": Claim("Adapter scale 1 to 0 removes the watermark", adapter),
    "shot_types": Claim("MotionLoRA gives shot types", shot_types),
    "combined": Claim("MotionLoRAs combine linearly", combined),
    "ranks_and_clips": Claim("Small rank is enough; few clips are not", ranks_and_clips),
    "steering": Claim("Depth sequences steer (here: silhouettes)", steering),
    "long_clips": Claim("Long clips hold together", long_clips),
    "long_looks": Claim("What keeps a long clip's look, and what it costs in motion", long_looks),
    "by_area": Claim("Motion can be held still in a part of the picture", by_area),
    "along_clip": Claim("Speed follows a motion strength along the clip", along_clip),
    "positions": Claim("What more frames at once cost", positions),
    "free_init": Claim("FreeInit", free_init),
    "first_frame": Claim("A picture begins to move (SparseCtrl)", first_frame),
    "pia": Claim("A picture begins to move (PIA)", pia),
    "both_ends": Claim("From the first frame to the last", both_ends),
    "sketches": Claim("Sketches become a clip", sketches),
    "camera_paths": Claim("A camera goes where its path says (CameraCtrl)", camera_paths),
    "trajectory_control": Claim("Things go along paths (Tora)", trajectory_control),
    "edits": Claim("Parts of a clip are given, the rest is made", edits),
    "style_blend": Claim("A style is blended in", style_blend),
    "video_to_video": Claim("A video is made over (SDEdit)", video_to_video),
    "upscaled": Claim("A long clip is made larger in windows", upscaled),
    "space_time": Claim("A space-time U-Net beside AnimateDiff's layout (Lumiere)", space_time),
    "frames_shared": Claim("Deep levels share frames, untrained for it", frames_shared),
    "follow_trajectory": Claim("Shapes follow paths, untrained for it", follow_paths),
    "follow_ways": Claim("What makes a shape follow its path", follow_ways),
    "follow_long": Claim("Shapes follow paths through windows", follow_long),
    "motion_from_video": Claim("Motion is taken from a video (MotionClone)", motion_from_video),
    "aliasing": Claim("Quick to and fro: a whole clip beside a cascade", aliasing),
}
