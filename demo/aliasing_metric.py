"""Whether something swings in the period that was asked for, and what a cascade can know of it."""

from typing import NamedTuple

import torch

from . import world
from .periodic import PERIODS, STRIDE, WHOLE, swung

NEAR = 1.0  # bins of the spectrum that the strongest may be away
OF_ONE = 0.8  # share of the movement that one swing is, where a clip is of one piece
POSSIBLE, LIKE = 40000, 0.5  # movements that are looked through; pixels that keyframes may differ


class Swings(NamedTuple):
    """Of N clips, all [N]."""

    right: torch.Tensor  # whether the strongest bin of the spectrum is near the asked one
    power: torch.Tensor  # share of the movement that is one swing of the period asked for

    @property
    def of_one(self) -> torch.Tensor:
        return self.power >= OF_ONE


def swings(x: torch.Tensor, period: int) -> Swings:
    """x: [N, F], places along the frames."""
    moved = x - x.mean(1, keepdim=True)
    bin_of = torch.fft.rfft(moved).abs().argmax(1)
    right = (bin_of - x.shape[1] / period).abs() <= NEAR
    turn = 2 * torch.pi * torch.arange(x.shape[1]) / period
    basis, _ = torch.linalg.qr(torch.stack([torch.ones_like(turn), turn.sin(), turn.cos()], 1))
    left = moved - moved @ basis @ basis.T
    return Swings(right, 1 - left.square().sum(1) / moved.square().sum(1).clamp(min=1e-6))


def best_cascade(period: int, count: int, told: bool, generator: torch.Generator) -> torch.Tensor:
    """[N, WHOLE], places in clips of a cascade without fault: true keyframes, and between two of
    them a movement through both, any of those alike; told: of the period asked for, else of any."""
    true = _swung([period], count, WHOLE, generator)
    possible = _swung([period] if told else PERIODS, POSSIBLE, STRIDE, generator)
    clips = []
    for x in true:
        parts = []
        for begin in range(0, WHOLE, STRIDE):
            away = (possible[:, [0, -1]] - x[[begin, begin + STRIDE]]).abs().amax(1)
            (like,) = (away <= max(LIKE, away.min().item())).nonzero(as_tuple=True)
            picked = like[torch.randint(len(like), (), generator=generator)]
            parts.append(possible[picked, :-1])
        clips.append(torch.cat(parts))
    return torch.stack(clips)


def _swung(periods, count: int, last: int, generator: torch.Generator) -> torch.Tensor:
    """[N, last + 1], of shapes of middling size."""
    radius = torch.full((count,), sum(world.RADIUS) / 2)
    each = torch.tensor(periods)[torch.arange(count) % len(periods)]
    return swung(radius, each, torch.arange(last + 1), generator)
