"""A miniature of CameraCtrl (He et al., "CameraCtrl: Enabling Camera Control for Text-to-Video
Generation", 2024): a motion module that is told where the camera goes."""

import numpy as np
import torch
from animatediff_native.conditions.camera_encoder import CameraNetwork, first_weights
from animatediff_native.conditions.camera_poses import CameraPath
from animatediff_native.conditions.camera_rays import camera_rays
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.config import Site, resolution_of
from animatediff_native.motion.effects import Effect
from animatediff_native.motion.load import MotionModule
from animatediff_native.motion.network import TABLE
from animatediff_native.training.clip_set import Batch
from animatediff_native.training.objective import hide_motion
from animatediff_native.training.settings import TrainingSettings
from animatediff_native.training.trainer import NoisePredictor
from comfy.model_patcher import ModelPatcher
from comfy.taesd.taesd import TAESD
from torch import nn

from . import clips, conditioned, world
from .camera_views import FOCAL, opposite_views
from .conditioned import ConditionedClips


class Opposites(ConditionedClips):
    """2 N clips, N and the same on the opposite ways of the camera; a batch is of such pairs, the
    opposites behind."""

    def draw(self, clips: int, text_dropout: float, generator: torch.Generator) -> Batch:
        pairs, half = clips // 2, len(self) // 2
        once = torch.randint(half, (pairs,), generator=generator)
        dropped = torch.rand(pairs, generator=generator) < text_dropout
        context = self.contexts[self.prompt_of[once]]
        if self.no_prompt is not None:
            context = torch.where(dropped[:, None, None], self.no_prompt, context)
        return self.batch(torch.cat([once, once + half]), context.repeat(2, 1, 1))


class OfOpposites:
    """Predicts noise for pairs of opposite clips, in the same noise.

    Half of the pairs show the camera held still in it (see training/objective.py): both clips look
    the same then, and what their errors have in common, which says nothing of the camera, adds
    nothing to how the weights learn to tell the two.
    """

    def __init__(self, predict: NoisePredictor):
        self.predict = predict

    @property
    def sigmas(self) -> torch.Tensor:
        return self.predict.sigmas

    def __call__(self, batch: Batch, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        pairs = len(t) // 2
        t = t[:pairs].repeat(2)
        hidden = t % 2 == 0
        alike = noise[:pairs].repeat(2, 1, 1, 1, 1)
        assert batch.still is not None
        alike = hide_motion(alike, batch.latents, batch.still, self.sigmas[t], hidden)
        return noise + self.predict(batch, alike, t) - alike


def data(vae: TAESD, pairs: int, seed: int) -> Opposites:
    """Clips of the stills' quality; condition [F, 3]: the camera's path."""
    frames, middle, shift = opposite_views(pairs, torch.Generator().manual_seed(seed))
    plain = clips.drawn(vae, frames)
    plain.still = clips.drawn(vae, [middle]).latents.expand_as(plain.latents)
    return Opposites(plain, shift)


def path_of(shift: torch.Tensor) -> CameraPath:
    """shift: [F, 3]."""
    w2c = np.tile(np.eye(3, 4), (len(shift), 1, 1))
    w2c[:, :, 3] = shift.double().numpy()
    intrinsics = np.tile((FOCAL, FOCAL, 0.5, 0.5), (len(shift), 1))
    return CameraPath(intrinsics, w2c, world.SIZE, world.SIZE)


class CameraInTraining(Effect):
    """What the merges in training do to the queries, keys and values of each first attention."""

    def __init__(self, network: CameraNetwork):
        self.network = network
        self.levels = len(network.widths)
        self.maps: list[torch.Tensor] = []
        self.merged: tuple[torch.Tensor, torch.Tensor] | None = None

    def take(self, condition: torch.Tensor) -> None:
        """condition: [clips, F, 3]."""
        of_clips = [
            self.network(camera_rays(path_of(shift), world.SIZE, world.SIZE)) for shift in condition
        ]
        self.maps = [torch.stack(level) for level in zip(*of_clips, strict=True)]

    def linear(self, site, name: str, layer, x: torch.Tensor) -> torch.Tensor:
        if name.split(".")[-1] not in ("to_q", "to_k", "to_v") or "attention_blocks.0." not in name:
            return layer(x)
        if self.merged is None or self.merged[0] is not x:  # the same for all three
            seen = self.maps[resolution_of(site.site, self.levels)].permute(0, 3, 4, 1, 2)
            seen = seen.flatten(0, 2)[site.first : site.behind_last]
            merge = self.network.merge(site.site)
            assert merge is not None
            self.merged = (x, x + merge(x + seen))
        return layer(self.merged[1])


def train(
    model: ModelPatcher,
    module: MotionModule,
    clips: Opposites,
    settings: TrainingSettings,
    begun: dict[str, torch.Tensor] | int,
    hooks: dict,
) -> dict[str, torch.Tensor]:
    """The file's tensors; the UNet and the motion module stay what they are. begun: a file's
    tensors to go on with, or the seed of new ones."""
    channels = module.config.channels
    widths = [channels[Site("down", level, 0)] for level in range(4)]
    network = CameraNetwork(widths, world.FRAMES, nn)
    if isinstance(begun, int):
        begun = first_weights(widths, world.FRAMES, begun)
    network.take({key: value.float() for key, value in begun.items()})
    effect = CameraInTraining(network)
    moving = apply_motion_module(model, module.with_effect(effect))
    trained = {name: each for name, each in network.named_parameters() if not name.endswith(TABLE)}
    found = conditioned.train(
        moving, effect, lambda _: trained, clips, settings, around=OfOpposites, **hooks
    )
    network.load_state_dict({**network.state_dict(), **found})
    return network.as_in_files()
