"""What the miniature ControlNet is trained on: stills with silhouettes, on a UNet that stays as it
is. It sees no video, like those that people use with AnimateDiff."""

from typing import NamedTuple

import torch
from animatediff_native.training.clip_set import Batch, ClipSet
from comfy.taesd.taesd import TAESD
from torch import nn

from . import stills, world
from .control import hint_of


class HintedBatch(NamedTuple):
    """A batch with what it shall follow: hint [clips, 3, H, W]."""

    latents: torch.Tensor
    context: torch.Tensor
    hint: torch.Tensor


class HintedStills(ClipSet):
    """Pictures with prompts and hints; hints: [N, 3, H, W]."""

    def __init__(self, hints: torch.Tensor, plain: ClipSet):
        super().__init__(plain.latents, plain.contexts, plain.prompt_of, plain.no_prompt)
        self.hints = hints

    def batch(self, picked: torch.Tensor, context: torch.Tensor) -> Batch:
        plain = super().batch(picked, context)
        hint = self.hints[picked].float()
        return HintedBatch(plain.latents, plain.context, hint)  # type: ignore[return-value]


class ControlledUNet(stills.PlainUNet):
    """Predicts noise with a UNet that stays as it is, steered by a ControlNet."""

    def __init__(self, unet: nn.Module, control: nn.Module):
        super().__init__(unet)
        self.control = control

    def denoise(self, noisy: torch.Tensor, t: torch.Tensor, batch: HintedBatch) -> torch.Tensor:  # type: ignore[override]
        control = self.control(noisy, batch.hint, t, batch.context)
        return self.unet(noisy, t, context=batch.context, control=control)


def data(vae: TAESD, count: int, seed: int) -> HintedStills:
    scenes = world.random_scenes(count, torch.Generator().manual_seed(seed))
    return HintedStills(hint_of(scenes).half(), stills.of_scenes(vae, scenes))
