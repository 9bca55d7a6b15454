"""FreeInit: a clip is sampled again from noise that keeps the slow part of what came out.

Wu et al., "FreeInit: Bridging Initialization Gap in Video Diffusion Models" (2312.07537),
section 4. Motion modules were trained from noise in which a little of the clip was left;
sampling from pure noise lacks that, which shows as flicker.
"""

from dataclasses import dataclass
from enum import Enum

import torch

OVER_A_CLIP = (0, 2, 3)  # frames, height and width of [F, C, H, W]


class LowPass(str, Enum):
    """Choices of the node: how the filter falls from the slow part to the fast."""

    BUTTERWORTH = "butterworth"
    GAUSSIAN = "gaussian"
    IDEAL = "ideal"


@dataclass(frozen=True)
class FreeInit:
    """cutoffs: parts of the highest frequency, 0 to 1; order: of butterworth alone.
    seed_offset: added to the run's seed with every round."""

    iterations: int = 3
    filter: LowPass = LowPass.BUTTERWORTH
    spatial_cutoff: float = 0.25
    temporal_cutoff: float = 0.25
    order: int = 4
    seed_offset: int = 1

    def low_pass(self, frames: int, height: int, width: int) -> torch.Tensor:
        """[F, H, W] P of each frequency, in the order of `fftn`: 1 is kept, 0 is noise.

        The middle of an axis is its half, also where the length is odd; and `ideal` cuts at
        d^2 <= 2 d_s instead of d^2 <= d_s^2: as the authors and diffusers have it.
        """
        spatial, temporal = self.spatial_cutoff, self.temporal_cutoff
        if not spatial or not temporal:
            return torch.zeros(frames, height, width)
        t, y, x = (
            (2 * torch.arange(n, dtype=torch.float64) / n - 1) ** 2 for n in (frames, height, width)
        )
        squared = (spatial / temporal) ** 2 * t[:, None, None] + y[:, None] + x
        if self.filter is LowPass.BUTTERWORTH:
            kept = 1 / (1 + (squared / spatial**2) ** self.order)
        elif self.filter is LowPass.GAUSSIAN:
            kept = torch.exp(-squared / (2 * spatial**2))
        else:
            kept = squared <= 2 * spatial
        return torch.fft.ifftshift(kept.float())


def noised(clip: torch.Tensor, noise: torch.Tensor, sigma: float) -> torch.Tensor:
    """z_T = sqrt(a) z_0 + sqrt(1-a) eps, where sigma = sqrt((1-a) / a)."""
    return (clip + sigma * noise) / (1 + sigma**2) ** 0.5


def mixed(slow: torch.Tensor, fast: torch.Tensor, low_pass: torch.Tensor) -> torch.Tensor:
    """One clip [F, C, H, W] in fp32: what low_pass [F, H, W] lets through of `slow`, and the
    rest of `fast`."""
    kept = low_pass[:, None]
    slow, fast = (torch.fft.fftn(one.float(), dim=OVER_A_CLIP) for one in (slow, fast))
    return torch.fft.ifftn(kept * slow + (1 - kept) * fast, dim=OVER_A_CLIP).real


def next_noise(
    settings: FreeInit,
    clip: torch.Tensor,
    noise: torch.Tensor,
    fresh: torch.Tensor,
    sigma: float,
    clips: int = 1,
) -> torch.Tensor:
    """What the next round starts from, as noise of variance 1; all [clips x F, C, H, W].

    clip: what came out of this round; noise: of the first round, in every round; fresh: new.
    """
    frames = noise.shape[0] // clips
    low_pass = settings.low_pass(frames, *noise.shape[-2:])
    slow = noised(clip.float(), noise.float(), sigma).split(frames)
    return torch.cat(
        [mixed(one, other, low_pass) for one, other in zip(slow, fresh.split(frames), strict=True)]
    )
