"""Shapes that swing to and fro, each in a period."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from . import world

PERIODS = (4, 6, 8, 12)  # frames
LOOP = 24  # frames after which every one of them is where it began
SWING = (8.0, 14.0)  # pixels to either side
WHOLE, STRIDE = 32, 8  # frames of a clip; from a keyframe to the next
SIGNS = 2 + len(PERIODS)


def swung(
    radius: torch.Tensor, period: torch.Tensor, times: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """[N, times], where shapes are that never leave the picture: x(t) = c + A sin(2 pi t / P + p).

    radius, period: [N]; times: [times], frames.
    """
    share, place, phase = torch.rand(3, len(radius), 1, generator=generator)
    swing = SWING[0] + share * (SWING[1] - SWING[0])
    reach = radius[:, None] + 2 + swing
    centre = reach + place * (world.SIZE - 2 * reach)
    return centre + swing * torch.sin(2 * torch.pi * (times / period[:, None] + phase))


def loops(count: int, generator: torch.Generator) -> tuple[list[world.Scenes], torch.Tensor]:
    """One batch per frame of a loop, and the periods [N]."""
    scenes = world.random_scenes(count, generator)
    period = torch.tensor(PERIODS)[torch.randint(len(PERIODS), (count,), generator=generator)]
    x = swung(scenes.radius, period, torch.arange(LOOP), generator)
    return [replace(scenes, x=place) for place in x.T], period


def signs(periods: torch.Tensor, times: torch.Tensor | Sequence[int]) -> torch.Tensor:
    """[clips, F, SIGNS], what tells each frame the period [clips]: a clock that goes round in it,
    and which one it is."""
    turn = 2 * torch.pi * torch.as_tensor(times) / periods[:, None]
    which = (periods[:, None] == torch.tensor(PERIODS)).float()[:, None]
    clock = torch.stack([turn.sin(), turn.cos()], dim=2)
    return torch.cat([clock, which.expand(-1, turn.shape[1], -1)], dim=2)
