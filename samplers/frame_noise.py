"""Noise frame by frame: what kinds there are, and layers of one over another.

The objects here are what ComfyUI calls NOISE: a seed, and `generate_noise` of a latent. A frame
is an entry of the latent's batch.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import torch

from ..motion.errors import AnimateDiffError, counted
from ..motion.keyed_text import quote

LARGEST_SEED = 0xFFFFFFFFFFFFFFFF
SEEDS_BEYOND = LARGEST_SEED + 1
# The noise that frames have in common must be none of their own, whatever the seed and length.
OTHER_STREAM = 0x9E3779B97F4A7C15

# latent, seed, the number of each frame's noise (None: 0, 1, 2 ...); the host's own, so that a
# seed gives the same noise here as there
Draw = Callable[[torch.Tensor, int, Sequence[int] | None], torch.Tensor]


class NoiseSource(Protocol):
    """The host's NOISE."""

    @property
    def seed(self) -> int: ...

    def generate_noise(self, input_latent: Mapping[str, Any], /) -> torch.Tensor: ...


class NoiseKind(str, Enum):
    """Choices of the node."""

    INDEPENDENT = "independent"
    SEED_PER_FRAME = "seed per frame"
    CONSTANT = "constant"
    REPEATED = "repeated"
    COMMON = "common"
    NONE = "none"


class NoiseMix(str, Enum):
    """How a layer joins the noise beneath it."""

    REPLACE = "replace"
    ADD = "add"
    WEIGHTED = "weighted"
    NORMALIZED = "normalized"


@dataclass(frozen=True)
class FrameNoise:
    """seeds: one per frame, for `seed per frame`; none: seed, seed + 1 ...
    share: of the variance, that all frames have in common, for `common`.
    first_frame: where the clip begins in the one that it is a part of; a latent that numbers its
    frames goes by those numbers."""

    draw: Draw
    seed: int = 0
    kind: NoiseKind = NoiseKind.INDEPENDENT
    seeds: tuple[int, ...] = ()
    context_length: int = 16
    share: float = 0.5
    first_frame: int = 0

    def generate_noise(self, input_latent: Mapping[str, Any]) -> torch.Tensor:
        """[F, C, H, W], on the CPU."""
        samples = input_latent["samples"]
        require_frames(samples)
        frames = samples.shape[0]
        numbers = input_latent.get("batch_index")
        if self.first_frame and numbers is None:
            numbers = list(range(self.first_frame, self.first_frame + frames))
        match self.kind:
            case NoiseKind.NONE:
                return torch.zeros_like(samples, device="cpu")
            case NoiseKind.SEED_PER_FRAME:
                return torch.cat([self._one(samples, s) for s in self._seeds(frames, numbers)])
            case NoiseKind.CONSTANT:
                return self._one(samples, self.seed).repeat(frames, 1, 1, 1)
        if self.kind is NoiseKind.REPEATED and self.first_frame:
            places = [(self.first_frame + i) % self.context_length for i in range(frames)]
            return self.draw(samples, self.seed, places)
        own = self.draw(samples, self.seed, numbers)
        if self.kind is NoiseKind.REPEATED:
            return own[[frame % self.context_length for frame in range(frames)]]
        if self.kind is NoiseKind.COMMON:
            common = self._one(samples, self.seed ^ OTHER_STREAM)
            return (1 - self.share) ** 0.5 * own + self.share**0.5 * common
        return own

    def _one(self, samples: torch.Tensor, seed: int) -> torch.Tensor:
        """What a run of one frame starts from."""
        return self.draw(samples[:1], seed, None)

    def _seeds(self, frames: int, numbers: Sequence[int] | None) -> list[int]:
        """A latent that numbers its frames (a part of a batch, or FreeNoise's) goes by them."""
        numbers = range(frames) if numbers is None else [int(number) for number in numbers]
        if not self.seeds:
            return [(self.seed + number) % SEEDS_BEYOND for number in numbers]
        needed = frames if isinstance(numbers, range) else max(numbers) + 1
        count = len(self.seeds)
        if count < needed or (isinstance(numbers, range) and count != needed):
            raise AnimateDiffError(
                f"seeds of Noise by Frame has {counted(count, 'number')}, and the clip has "
                f"{counted(needed, 'frame')}.",
                f"{counted(needed, 'seed')}, one per frame",
                "write one seed for every frame, or leave seeds empty, which counts up from seed.",
            )
        return [self.seeds[number] for number in numbers]


def read_seeds(text: str) -> tuple[int, ...]:
    """Seeds between commas, spaces or lines; none in an empty text."""
    words = [word for word in re.split(r"[\s,]+", text) if word]
    for word in words:
        if not re.fullmatch(r"\d{1,20}", word) or int(word) > LARGEST_SEED:
            raise AnimateDiffError(
                f"seeds holds {quote(word)}, which is no seed.",
                f"whole numbers from 0 to {LARGEST_SEED} with commas between, such as 5, 6, 7",
                "correct the text.",
            )
    return tuple(map(int, words))


@dataclass(frozen=True, eq=False)
class NoiseLayer:
    """A noise, and another over some of its frames.

    first_frame, last_frame: both take part; negative ones count from the end.
    area: [1 or F, H, W] in 0..1, scaled to the latent; 0 leaves the noise beneath as it is.
    balance: for `weighted`, how much of the weight is taken from the noise beneath.
    """

    noise: NoiseSource
    layer: NoiseSource
    mix: NoiseMix = NoiseMix.REPLACE
    weight: float = 0.5
    first_frame: int = 0
    last_frame: int = -1
    area: torch.Tensor | None = None
    balance: float = 1.0

    @property
    def seed(self) -> int:
        """The host seeds the sampler's own noise by it."""
        return self.noise.seed

    def generate_noise(self, input_latent: Mapping[str, Any]) -> torch.Tensor:
        """[F, C, H, W], on the CPU."""
        samples = input_latent["samples"]
        require_frames(samples)
        part = self._range(samples.shape[0])
        area = None if self.area is None else _scaled(self.area, samples)
        whole = self.noise.generate_noise(input_latent)
        old = whole[part]
        mixed = self._mixed(old, self.layer.generate_noise(input_latent)[part].to(old))
        if area is not None:
            area = area if area.shape[0] == 1 else area[part]
            mixed = (1 - area) * old + area * mixed
        result = whole.clone()
        result[part] = mixed
        return result

    def _mixed(self, old: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
        """NORMALIZED alone keeps the variance of two independent noises at 1."""
        weight = self.weight
        match self.mix:
            case NoiseMix.REPLACE:
                return new
            case NoiseMix.ADD:
                return old + weight * new
            case NoiseMix.WEIGHTED:
                return (1 - weight * self.balance) * old + weight * new
            case NoiseMix.NORMALIZED:
                scale = ((1 - weight) ** 2 + weight**2) ** 0.5
                return ((1 - weight) * old + weight * new) / scale

    def _range(self, frames: int) -> slice:
        ends = []
        for name in ("first_frame", "last_frame"):
            frame = getattr(self, name)
            if not -frames <= frame < frames:
                raise AnimateDiffError(
                    f"{name} of Noise Layer is {frame}, and the clip has "
                    f"{counted(frames, 'frame')}.",
                    f"a frame from {-frames} to {frames - 1}; negative ones count from the end",
                    f"set {name} of Noise Layer to a frame of the clip.",
                )
            ends.append(frame % frames)
        if ends[0] > ends[1]:
            raise AnimateDiffError(
                f"first_frame of Noise Layer is frame {ends[0]}, and last_frame is frame "
                f"{ends[1]}.",
                "a first frame that is not behind the last one",
                "swap first_frame and last_frame of Noise Layer, or correct one.",
            )
        return slice(ends[0], ends[1] + 1)


def _scaled(area: torch.Tensor, samples: torch.Tensor) -> torch.Tensor:
    """[1 or F, 1, h, w] of the latent's size."""
    frames = samples.shape[0]
    area = area.detach().float().cpu().reshape(-1, 1, *area.shape[-2:])
    if area.shape[0] not in (1, frames):
        raise AnimateDiffError(
            f"area of Noise Layer has {counted(area.shape[0], 'mask')}, and the clip has "
            f"{counted(frames, 'frame')}.",
            f"one mask, or {frames}",
            "connect one mask to area of Noise Layer, or as many as the clip has frames.",
        )
    if area.shape[-2:] != samples.shape[-2:]:
        size = samples.shape[-2:]
        area = torch.nn.functional.interpolate(area, size, mode="bilinear", align_corners=False)
    return area.to(samples.dtype)


def require_frames(samples: torch.Tensor) -> None:
    """AnimateDiffError for a latent whose batch is not the frames of a clip."""
    if getattr(samples, "is_nested", False) or samples.ndim != 4:
        shape = (
            "is several latents in one"
            if getattr(samples, "is_nested", False)
            else f"has {samples.ndim} dimensions"
        )
        raise AnimateDiffError(
            f"the latent {shape}.",
            "frames in the batch of a latent with 4 dimensions, as for SD1.5 and SDXL",
            "for a video model use ComfyUI's RandomNoise, and not AnimateDiff's noise nodes.",
        )


def same_noise(noise: torch.Tensor) -> list[int]:
    """For each frame the first one that has the same noise: 0, 1, 2 ... where all differ."""
    first: dict[bytes, int] = {}
    frames = noise.detach().cpu().contiguous()
    return [
        first.setdefault(frame.view(torch.uint8).numpy().tobytes(), i)
        for i, frame in enumerate(frames)
    ]
