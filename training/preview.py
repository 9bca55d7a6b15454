"""What the MotionLoRA does so far: a short sampling of a clip, as one small picture."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import comfy.sample
import numpy as np
import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import VAE
from PIL import Image

from .prompts import Conditioning

STEPS = 12
GUIDANCE = 7.5
MOST_FRAMES, COLUMNS = 8, 4
LARGEST_SIDE = 1024  # of the picture as it is sent to the page


class Preview(NamedTuple):
    """Samples the same noise every time; shape: [F, C, h, w] of the latents."""

    model: ModelPatcher
    vae: VAE
    positive: Conditioning
    negative: Conditioning | None
    shape: Sequence[int]
    seed: int

    def sample(self, on_step: Callable[[], None]) -> Image.Image:
        """With whatever is attached to the model; on_step is called after every step."""
        generator = torch.Generator().manual_seed(self.seed)
        guided = bool(self.negative)
        latents = comfy.sample.sample(
            self.model,
            torch.randn(tuple(self.shape), generator=generator),
            STEPS,
            GUIDANCE if guided else 1.0,
            "euler",
            "normal",
            [self.positive[0]],
            self.negative if guided else [self.positive[0]],
            torch.zeros(tuple(self.shape)),
            callback=lambda *_: on_step(),
            disable_pbar=True,
            seed=self.seed,
        )
        return contact_sheet(self.vae.decode(latents))


def contact_sheet(frames: torch.Tensor) -> Image.Image:
    """Up to MOST_FRAMES frames, from the first to the last, in rows; frames: [F, H, W, 3]."""
    count = min(len(frames), MOST_FRAMES)
    shown = frames[torch.linspace(0, len(frames) - 1, count).round().long()]
    pixels = (shown.float().cpu().clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    rows = math.ceil(count / COLUMNS)
    columns = math.ceil(count / rows)
    height, width = pixels.shape[1:3]
    sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
    for index, frame in enumerate(pixels):
        top, left = index // columns * height, index % columns * width
        sheet[top : top + height, left : left + width] = frame
    return Image.fromarray(sheet)
