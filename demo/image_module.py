"""A miniature of PIA (Zhang et al., "PIA: Your Personalized Image Animator", 2023): a motion module
that is given a picture and, per frame, how like it the frame shall be."""

from dataclasses import replace

import torch
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.config import Norms
from animatediff_native.motion.effects import Effect
from animatediff_native.motion.load import MotionModule, build_patcher
from animatediff_native.motion.network import TABLE, as_in_files
from animatediff_native.training.session import motion_networks
from animatediff_native.training.settings import TrainingSettings
from comfy.model_patcher import ModelPatcher
from comfy.taesd.taesd import TAESD
from torch import nn

from . import clips, conditioned
from .conditioned import ConditionedClips
from .shown import like_the_first

LAYER = "conv_in.weight"
LATENT = 4  # channels of a latent; beside them one of the mask
QUICKER = 10.0  # than the motion module, the layer learns: it begins at zero


def data(vae: TAESD, count: int, seed: int) -> ConditionedClips:
    """Clips of the stills' quality; condition [F, 5, h, w]: the mask, and the first frame."""
    frames, masks = like_the_first(count, torch.Generator().manual_seed(seed))
    plain = clips.drawn(vae, frames)
    latents = plain.latents
    mask = masks.to(latents)[:, :, None, None, None].expand(-1, -1, 1, *latents.shape[3:])
    first = latents[:, :1].expand_as(latents)
    return ConditionedClips(plain, torch.cat([mask, first], dim=2))


class ImageInTraining(Effect):
    """Adds what the layer in training makes of the batch's conditions."""

    def __init__(self, channels: int):
        self.layer = nn.Conv2d(1 + LATENT, channels, 3, padding=1, bias=False)
        nn.init.zeros_(self.layer.weight)

    @property
    def parameter(self) -> nn.Parameter:
        weight = self.layer.weight
        assert isinstance(weight, nn.Parameter)
        return weight

    def take(self, condition: torch.Tensor) -> None:
        """condition: [clips, F, 5, h, w]."""
        self.condition = condition.flatten(0, 1)

    def entry(self, call, x: torch.Tensor) -> torch.Tensor:
        assert self.condition is not None
        return x + QUICKER * self.layer(self.condition.to(x))


def train(
    model: ModelPatcher,
    module: MotionModule,
    clips: ConditionedClips,
    settings: TrainingSettings,
    hooks: dict,
) -> dict[str, torch.Tensor]:
    """Goes on with a motion module, now with a layer for the mask and the picture; the file's
    tensors, as PIA's has them: the UNet's first layer with the new channels behind its own."""
    weights = as_in_files(module.patcher.model.state_dict())
    config = module.config.with_norms(Norms.OVER_ALL_FRAMES)  # as PIA's
    own = build_patcher(config, weights, torch.float32, disable_dynamic=True)
    first = model.model.diffusion_model.input_blocks[0][0].state_dict()  # type: ignore[union-attr]
    effect = ImageInTraining(len(first["bias"]))
    moving = apply_motion_module(
        model, replace(module, config=config, patcher=own).with_effect(effect)
    )

    def parameters(loaded: ModelPatcher) -> dict[str, nn.Parameter]:
        (network,) = motion_networks(loaded)
        named = [*network.named_parameters(), (LAYER, effect.parameter)]
        return {name: each for name, each in named if not name.endswith(TABLE)}

    found = conditioned.train(moving, effect, parameters, clips, settings, **hooks)
    layer = QUICKER * found.pop(LAYER)
    return {
        **weights,
        **as_in_files(found),
        LAYER: torch.cat([first["weight"].to(layer), layer], dim=1),
        "conv_in.bias": first["bias"],
    }
