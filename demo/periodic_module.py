"""Motion modules that are told a period: of a whole clip, of its keyframes, and of the frames
between two of them, which are given."""

from dataclasses import dataclass, replace

import torch
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.call import SiteCall
from animatediff_native.motion.effects import AlongFrames, Effect, Rows
from animatediff_native.motion.load import MotionModule, build_patcher
from animatediff_native.motion.network import TABLE, as_in_files
from animatediff_native.training.clip_set import Batch
from animatediff_native.training.session import motion_networks
from animatediff_native.training.settings import TrainingSettings
from animatediff_native.training.trainer import NoisePredictor
from comfy.model_patcher import ModelPatcher
from torch import nn

from . import conditioned
from .periodic import PERIODS, SIGNS, STRIDE, WHOLE, signs
from .periodic_clips import SwingingClips

TOLD = "told"  # how the keys of the period's layers begin
QUICKER = 10.0  # than the motion module, they learn


@dataclass(frozen=True)
class Layout:
    """Which frames a model sees at once, counted from the first, which of them it is given, and how
    long it is trained with how many clips a step."""

    times: tuple[int, ...]
    given: tuple[int, ...]
    clips_per_step: int
    steps: int


LAYOUTS = {  # the last two together are trained on about as many frames as the first
    "whole": Layout(tuple(range(WHOLE)), (), 1, 600),
    "keyframes": Layout(tuple(range(0, WHOLE + 1, STRIDE)), (), 6, 250),
    "between": Layout(tuple(range(STRIDE + 1)), (0, STRIDE), 4, 320),
}


class Period(Effect):
    """Tells each attention the period, as the position table tells it the place in the clip.

    layers: by name, [C, SIGNS]; periods: [clips].
    """

    def __init__(self, layers: dict[str, torch.Tensor], layout: Layout, periods: torch.Tensor):
        self.layers = layers
        self.times = layout.times
        self.take(periods)

    def take(self, condition: torch.Tensor) -> None:
        """condition: the periods of the clips that come next."""
        self.signs = signs(condition, self.times)

    def attention(
        self, site: SiteCall, index: int, attention: AlongFrames, x: torch.Tensor, rows: Rows
    ) -> torch.Tensor:
        layer = self.layers[_key(site.site.key, index)].to(x)
        told = QUICKER * self.signs.to(x) @ layer.T  # [clips, F, C]
        clip = torch.arange(site.first, site.behind_last, device=x.device) // site.pixels
        return attention(site, x + told[clip % len(told)], rows)


class Given(Effect):
    """Shows the UNet some frames as they are, without noise, in place of those being made.

    layer: the UNet's first; latents: [clips, F, C, h, w], of which only the given ones count.
    """

    def __init__(self, layer: nn.Module, layout: Layout, latents: torch.Tensor | None = None):
        self.layer = layer
        self.shown = torch.zeros(len(layout.times), 1, 1, 1, dtype=torch.bool)
        self.shown[list(layout.given)] = True
        self.latents = latents

    def entry(self, call, x: torch.Tensor) -> torch.Tensor:
        assert self.latents is not None
        frames = self.layer(self.latents.flatten(0, 1).float()).to(x)
        frames = frames.repeat(len(x) // len(frames), 1, 1, 1)
        return torch.where(self.shown.repeat(len(x) // len(self.shown), 1, 1, 1), frames, x)


class OfTheRest:
    """Predicts noise with a part that is given frames; their errors do not count."""

    def __init__(self, given: Given, predict: NoisePredictor):
        self.given = given
        self.predict = predict

    @property
    def sigmas(self) -> torch.Tensor:
        return self.predict.sigmas

    def __call__(self, batch: Batch, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        self.given.latents = batch.latents
        return torch.where(self.given.shown, noise, self.predict(batch, noise, t))


def _key(site: str, index: int) -> str:
    return f"{TOLD}.{site}.{index}"


def new_layers(module: MotionModule) -> dict[str, torch.Tensor]:
    """Layers that put the clock where the table of positions has its quickest sines and cosines:
    frames in the same place of a swing look as near to each other as neighbours do."""
    return {
        _key(site.key, index): _clock_layer(channels)
        for site, channels in module.config.channels.items()
        for index in range(module.config.attentions)
    }


def _clock_layer(channels: int) -> torch.Tensor:
    """[C, SIGNS]. In the first eighth of the channels, sine and cosine in turn, the table goes
    round in 6 to 20 frames."""
    layer = torch.zeros(channels, SIGNS)
    layer[0 : channels // 8 : 2, 0] = layer[1 : channels // 8 : 2, 1] = 1 / QUICKER
    return layer


def first_layer(model: ModelPatcher) -> nn.Module:
    """A copy of the UNet's own, which a patcher may move."""
    own = model.model.diffusion_model.input_blocks[0][0]  # type: ignore[union-attr]
    layer = nn.Conv2d(own.in_channels, own.out_channels, 3, padding=1).requires_grad_(False)
    layer.load_state_dict(own.state_dict())
    return layer


def train(
    model: ModelPatcher,
    module: MotionModule,
    layout: Layout,
    clips: SwingingClips,
    settings: TrainingSettings,
    hooks: dict,
) -> dict[str, torch.Tensor]:
    """Goes on with a motion module, now told a period; the file's tensors."""
    weights = as_in_files(module.patcher.model.state_dict())
    own = build_patcher(module.config, weights, torch.float32, disable_dynamic=True)
    layers = {key: nn.Parameter(each) for key, each in new_layers(module).items()}
    told = Period(dict(layers), layout, torch.tensor(PERIODS))
    module = replace(module, patcher=own).with_effect(told)
    given = Given(first_layer(model), layout) if layout.given else None
    moving = apply_motion_module(model, module if given is None else module.with_effect(given))

    def parameters(loaded: ModelPatcher) -> dict[str, nn.Parameter]:
        (network,) = motion_networks(loaded)
        named = {k: each for k, each in network.named_parameters() if not k.endswith(TABLE)}
        return {**named, **layers}

    def around(predict: NoisePredictor) -> NoisePredictor:
        return predict if given is None else OfTheRest(given, predict)

    found = conditioned.train(moving, told, parameters, clips, settings, around=around, **hooks)
    told_layers = {key: found.pop(key) for key in layers}
    return {**weights, **as_in_files(found), **told_layers}


def module_of(
    begun: MotionModule, tensors: dict[str, torch.Tensor], layout: Layout, period: int
) -> MotionModule:
    """The motion module of a file of `train`, told a period; begun: the one it went on from."""
    layers = {key: each.float() for key, each in tensors.items() if key.startswith(f"{TOLD}.")}
    weights = {key: each for key, each in tensors.items() if key not in layers}
    own = replace(begun, patcher=build_patcher(begun.config, weights))
    return own.with_effect(Period(layers, layout, torch.tensor([period])))
