"""Noise that goes along with what is to move: FreeTraj's.

Qiu et al., "FreeTraj" (arXiv 2406.16863), section 4.2: one patch of noise of the box's size, put
where the box is in every frame; then the fast part of the clip's noise is made anew, as FreeInit
does it, with cutoffs of 0.25 in space and 0.1 in time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ..samplers.frame_noise import (
    OTHER_STREAM,
    SEEDS_BEYOND,
    Draw,
    FrameNoise,
    NoiseSource,
    require_frames,
)
from ..samplers.free_init import FreeInit, mixed
from .trajectory import Trajectory

FILTER = FreeInit(order=4, spatial_cutoff=0.25, temporal_cutoff=0.1)
PATCHES, FRESH = 2 * OTHER_STREAM, 3 * OTHER_STREAM  # streams of noise that no frame has


@dataclass(frozen=True, eq=False)
class TrajectoryNoise:
    """The host's NOISE. noise: beneath; none: as the host draws it from the seed.
    strength: share of the variance in a box that goes along; 0 leaves the noise as it is.
    mix: 1 makes the fast part anew, 0 nothing.
    first_frame: where the clip begins in the one that it is a part of. A latent's own numbers of
    its frames are for the noise beneath alone: FreeNoise repeats them, and a path goes on.
    """

    draw: Draw
    trajectory: Trajectory
    seed: int = 0
    strength: float = 1.0
    mix: float = 1.0
    noise: NoiseSource | None = None
    first_frame: int = 0

    def generate_noise(self, input_latent: Mapping[str, Any]) -> torch.Tensor:
        """[F, C, H, W], on the CPU."""
        samples = input_latent["samples"]
        require_frames(samples)
        beneath = self.noise or FrameNoise(self.draw, self.seed, first_frame=self.first_frame)
        noise = beneath.generate_noise(input_latent)
        if not self.strength or not self.trajectory.visible.any():
            return noise
        carried = self._carried(noise.clone())
        if not self.mix:
            return carried
        stream = (self.seed + FRESH) % SEEDS_BEYOND
        own = {key: value for key, value in input_latent.items() if key != "batch_index"}
        fresh = FrameNoise(self.draw, stream, first_frame=self.first_frame).generate_noise(own)
        low_pass = 1 - self.mix * (1 - FILTER.low_pass(len(noise), *noise.shape[-2:]))
        return mixed(carried, fresh, low_pass).to(noise)

    def _carried(self, noise: torch.Tensor) -> torch.Tensor:
        """With the patches, path after path: the last one is on top."""
        height, width = noise.shape[-2:]
        path = self._in_frames(len(noise))
        cells = torch.from_numpy(path.cells(height, width))  # [F, N, h, w]
        tops, lefts = path.first_cells(1, height), path.first_cells(0, width)
        for number in range(path.paths):
            patch = self._patch(noise, number)
            for frame in range(len(noise)):
                rows, columns = cells[frame, number].nonzero(as_tuple=True)
                there = patch[:, rows - tops[frame, number], columns - lefts[frame, number]]
                old = noise[frame, :, rows, columns]
                kept = (1 - self.strength) ** 0.5
                noise[frame, :, rows, columns] = kept * old + self.strength**0.5 * there
        return noise

    def _patch(self, noise: torch.Tensor, number: int) -> torch.Tensor:
        """[C, H, W], of which a box takes the first rows and columns."""
        seed = (self.seed + PATCHES + number) % SEEDS_BEYOND
        drawn = self.draw(torch.zeros_like(noise[:1]), seed, None)
        return drawn[0].to(noise)

    def _in_frames(self, frames: int) -> Trajectory:
        last = self.first_frame + frames
        self.trajectory.warn_if_short(last)
        return self.trajectory.at(range(self.first_frame, last))
