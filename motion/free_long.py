"""FreeLong: a long clip at once, by attention over all of it and over its parts.

Lu et al., "FreeLong", NeurIPS 2024 (arXiv 2407.19918), section 3.3: at every temporal attention,
what attention over the whole clip gives and what attention along its parts gives become one, the
low frequencies (along time, height and width) of the first and the high ones of the second. At
the highest resolution there is only the second. The first alone is smeared, the second drifts.

The paper's models have relative positions. A motion module has a table for as many frames as it
was trained on, so the parts are windows of `length` frames with positions from 0, fused by their
weighted mean, and the whole clip has the first `length` rows of the table, stretched.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from .application import require_rows
from .call import MotionCall, SiteCall
from .effects import NO_LIMIT, AlongFrames, Effect, Rows


class FreeLong(Effect):
    """length: frames of a part; cutoffs: shares of the highest frequency, deviation of a
    Gaussian."""

    whole_clips = True

    def __init__(self, length: int, spatial_cutoff: float = 0.25, temporal_cutoff: float = 0.25):
        self.length = length
        self.spatial_cutoff = spatial_cutoff
        self.temporal_cutoff = temporal_cutoff

    def frames_at_once(self, frames: int) -> int:
        return NO_LIMIT

    def require(self, file: str, rows: int) -> None:
        require_rows("local_length of FreeLong", self.length, file, rows)

    def for_call(self, call: MotionCall) -> FreeLong | None:
        """None where a part would be the whole clip."""
        return self if call.frames > self.length else None

    def attention(
        self, site: SiteCall, index: int, attention: AlongFrames, x: torch.Tensor, rows: Rows
    ) -> torch.Tensor:
        frames = x.shape[1]
        if frames <= self.length:  # another effect shows only some
            return attention(site, x, rows)
        local = self._local(site, attention, x)
        if _at_full_size(site) or not (self.spatial_cutoff and self.temporal_cutoff):
            return local
        wide = attention(site, x, self._stretched(frames, site.table_length))
        size = (-1, site.height, site.width)
        cutoffs = (self.spatial_cutoff, self.spatial_cutoff, self.temporal_cutoff)
        return blended(wide.unflatten(0, size), local.unflatten(0, size), cutoffs).flatten(0, 2)

    def _local(self, site: SiteCall, attention: AlongFrames, x: torch.Tensor) -> torch.Tensor:
        """The weighted mean over windows that share half of their frames."""
        fused = torch.zeros_like(x)
        for window, share in self._windows(x.shape[1]):
            part = x[:, window.start : window.stop].clone()
            seen = attention(site.in_view(tuple(window)), part, None)
            fused[:, window.start : window.stop] += seen * share.to(seen)[:, None]
        return fused

    def _windows(self, frames: int) -> list[tuple[range, torch.Tensor]]:
        """Each with its frames' shares, which rise from its ends to its middle."""
        length, last = self.length, frames - self.length
        starts = (*range(0, last, length - length // 2), last)
        windows = [range(start, start + length) for start in starts]
        place = torch.arange(1.0, length + 1)
        weight = torch.minimum(place, place.flip(0))
        total = torch.zeros(frames)
        for window in windows:
            total[window.start : window.stop] += weight
        return [(window, weight / total[window.start : window.stop]) for window in windows]

    def _stretched(self, frames: int, table: int) -> torch.Tensor:
        """[frames, table]: the first `length` rows, from end to end along all frames."""
        rows = torch.eye(self.length, table).T[None]
        return F.interpolate(rows, size=frames, mode="linear", align_corners=True)[0].T


def _at_full_size(site: SiteCall) -> bool:
    """Whether it is where the UNet has the latent's own height and width."""
    last = site.call.network.config.levels - 1
    return (site.site.block, site.site.level) in (("down", 0), ("up", last))


def blended(
    low: torch.Tensor, high: torch.Tensor, cutoffs: tuple[float, float, float]
) -> torch.Tensor:
    """IFFT(P FFT(low) + (1 - P) FFT(high)) of [clips, h, w, F, C], with P = exp(-.5 sum((f / d)^2))
    for frequencies f in -1 to 1 of the three axes and their cutoffs d; in fp32."""
    axes, sizes = (1, 2, 3), low.shape[1:4]
    exponent = torch.zeros((), device=low.device)
    for axis, (size, cutoff) in enumerate(zip(sizes, cutoffs, strict=True)):
        frequencies = torch.fft.rfftfreq if axis == 2 else torch.fft.fftfreq
        f = 2 * frequencies(size, device=low.device) / cutoff
        exponent = exponent[..., None] + f * f
    share = torch.exp(-0.5 * exponent)[..., None]  # of the spectrum's half that rfftn gives
    added = torch.fft.rfftn(low.float() - high.float(), dim=axes) * share
    return (high.float() + torch.fft.irfftn(added, s=sizes, dim=axes)).to(high.dtype)
