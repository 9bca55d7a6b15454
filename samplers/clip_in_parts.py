"""A clip that is sampled in parts: which frames a part has, and what it keeps of the one before.

Parts overlap by the context: the last frames of a part are the first of the next, where the
sampler's noise mask keeps them as they are, and the motion module sees them beside the new ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ..motion.errors import AnimateDiffError, counted
from .frame_noise import require_frames


@dataclass(frozen=True)
class ClipParts:
    """A clip of `total` frames in parts of up to `frames`, `context` of them from the part before.

    Every part but the last is of full length.
    """

    total: int
    frames: int
    context: int

    def __post_init__(self):
        if not 0 <= self.context < self.frames:
            raise AnimateDiffError(
                f"context_frames is {self.context}, and frames is {self.frames}.",
                "fewer frames of context than a part has",
                "set context_frames to 8, or raise frames.",
            )

    @property
    def count(self) -> int:
        """How many parts the clip has."""
        return 1 + max(0, -(-(self.total - self.frames) // (self.frames - self.context)))

    def of(self, part: int) -> range:
        """The frames of the clip that a part has, context included."""
        if not 0 <= part < self.count:
            raise AnimateDiffError(
                f"part is {part}, and a clip of {counted(self.total, 'frame')} has "
                f"{counted(self.count, 'part')} of {self.frames}, {self.context} of them context.",
                f"a part from 0 to {self.count - 1}",
                "lower part, or give latent more frames, as many as all parts have together.",
            )
        first = part * (self.frames - self.context)
        return range(first, min(first + self.frames, self.total))


def part_of(
    latent: Mapping[str, Any], parts: ClipParts, part: int, previous: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The part's latent. latent: of the whole clip; previous: what came out of the part before.

    In all parts but the first the context's frames are those of `previous`, and noise_mask is 0
    there. batch_index numbers the frames as the whole clip does.
    """
    require_frames(latent["samples"])
    at = parts.of(part)
    if parts.count == 1:
        return dict(latent)
    mask, numbers = latent.get("noise_mask"), latent.get("batch_index")
    own: dict[str, Any] = {**latent, "samples": latent["samples"][at.start : at.stop]}
    own["batch_index"] = list(at if numbers is None else numbers[at.start : at.stop])
    if mask is not None and mask.shape[0] > 1:
        own["noise_mask"] = mask[[i % mask.shape[0] for i in at]]
    return own if part == 0 else _continued(own, parts.context, previous, part)


def _continued(
    own: dict[str, Any], context: int, previous: Mapping[str, Any] | None, part: int
) -> dict[str, Any]:
    if context == 0:
        return own
    samples = own["samples"]
    kept = _last(previous, context, samples, part)
    return {
        **own,
        "samples": torch.cat([kept.to(samples), samples[context:]]),
        "noise_mask": _mask(own.get("noise_mask"), context, samples),
    }


def _last(
    previous: Mapping[str, Any] | None, context: int, samples: torch.Tensor, part: int
) -> torch.Tensor:
    if previous is None:
        raise AnimateDiffError(
            f"part is {part}, and previous is not connected.",
            f"the finished latents of part {part - 1}, whose end is the context",
            "connect what the sampler made of the part before (LoadLatent brings it back from a "
            "file), or set part to 0 for the beginning of the clip.",
        )
    before = previous["samples"]
    require_frames(before)
    if before.shape[1:] != samples.shape[1:]:
        raise AnimateDiffError(
            f"previous is {_size(before)}, and latent {_size(samples)}.",
            "latents of one size in all parts",
            "set width and height of the latent as they were in the part before.",
        )
    if before.shape[0] < context:
        raise AnimateDiffError(
            f"previous has {counted(before.shape[0], 'frame')}, and context_frames is {context}.",
            f"at least {counted(context, 'frame')}, all that the part before has",
            "connect the latents of the whole part before, its own context included.",
        )
    return before[-context:]


def _size(samples: torch.Tensor) -> str:
    """Of the pictures; a pixel of a latent is 8 x 8 of them."""
    return f"{8 * samples.shape[-1]}x{8 * samples.shape[-2]} pixels"


def _mask(present: torch.Tensor | None, context: int, samples: torch.Tensor) -> torch.Tensor:
    """[F, 1, h, w]: 0 keeps a frame, 1 samples it; in new frames what was there already."""
    frames = samples.shape[0]
    if present is None:
        mask = torch.ones(frames, 1, *samples.shape[-2:])
    else:
        mask = present.reshape(-1, 1, *present.shape[-2:])
        mask = mask.repeat(frames, 1, 1, 1) if mask.shape[0] == 1 else mask.clone()
    mask[:context] = 0
    return mask
