"""Which frames of a clip are shown, and how far a clip goes from its first one."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from animatediff_native.conditions.pia_masks import PiaMotion, pia_mask

from . import world

FIRST, BOTH_ENDS = 0.35, 0.3  # of the clips; the others show some frames anywhere
MOST_SHOWN = 3
STROKE = 3  # pixels
# How a mask of PIA is called, there and there and back, and the share of a whole way that a clip
# goes with it.
GOES = (
    (PiaMotion.SMALL, PiaMotion.LOOP_SMALL, (0.1, 0.25)),
    (PiaMotion.MEDIUM, PiaMotion.LOOP_MEDIUM, (0.4, 0.6)),
    (PiaMotion.LARGE, PiaMotion.LOOP_LARGE, (0.75, 1.0)),
)
LOOPING = 0.2  # of the clips


def shown_frames(count: int, frames: int, generator: torch.Generator) -> torch.Tensor:
    """[N, F], 1 where a frame is shown: the first, the first and the last, or one to three."""
    shown = torch.zeros(count, frames)
    kind = torch.rand(count, generator=generator)
    number = torch.randint(1, MOST_SHOWN + 1, (count,), generator=generator)
    order = torch.rand(count, frames, generator=generator).argsort(dim=1)
    for row, k, n, places in zip(shown, kind.tolist(), number.tolist(), order, strict=True):
        if k < FIRST:
            row[0] = 1
        elif k < FIRST + BOTH_ENDS:
            row[[0, -1]] = 1
        else:
            row[places[:n]] = 1
    return shown


def outlines(scenes: world.Scenes) -> torch.Tensor:
    """What a scribble shows, [N, H, W]: white lines on black, along the inner edge."""
    covered = world.silhouettes(scenes)
    inside = -F.max_pool2d(-covered[:, None], 2 * STROKE - 1, 1, STROKE - 1)[:, 0]
    return covered - inside


def like_the_first(
    count: int, generator: torch.Generator
) -> tuple[list[world.Scenes], torch.Tensor]:
    """Clips whose shapes go a small, medium or large part of a way, some of them there and back,
    and the masks [N, F] that say so."""
    whole = world.random_clips(count, generator, frames=61)
    kinds = torch.randint(len(GOES), (count,), generator=generator).tolist()
    loops = (torch.rand(count, generator=generator) < LOOPING).tolist()
    part = torch.rand(count, generator=generator)
    time = torch.linspace(0, 1, world.FRAMES)
    masks, times = [], []
    for kind, loop, along in zip(kinds, loops, part, strict=True):
        goes, comes_back, (least, most) = GOES[kind]
        masks.append(pia_mask(comes_back if loop else goes, world.FRAMES))
        there = 1 - (2 * time - 1).abs() if loop else time
        times.append((least + along * (most - least)) * there)
    return _frames_at(whole, torch.stack(times, dim=1)), torch.tensor(masks)


def _frames_at(whole: list[world.Scenes], times: torch.Tensor) -> list[world.Scenes]:
    """The scenes of every frame; times: [F, N], 0 to 1 along the whole way."""
    index = (times * (len(whole) - 1)).round().long()
    found = []
    for at in index:
        each = {
            name: torch.stack([getattr(scenes, name) for scenes in whole]).gather(0, at[None])[0]
            for name in ("x", "y", "radius")
        }
        found.append(replace(whole[0], **each))
    return found
