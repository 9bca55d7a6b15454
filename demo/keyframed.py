"""What the miniature SparseCtrls are trained on: clips of which some frames are shown (Guo et al.,
"SparseCtrl: Adding Sparse Controls to Text-to-Video Diffusion Models", 2023)."""

from pathlib import Path
from typing import Any

import torch
from animatediff_native.conditions.sparse_files import SparseKind, read_sparse_ctrl
from animatediff_native.conditions.sparse_network import (
    SparseEncoder,
    in_files,
    new_sparse_ctrl,
)
from animatediff_native.conditions.sparse_placement import residuals
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.call_frames import Part
from animatediff_native.motion.load import MotionModule
from animatediff_native.motion.network import TABLE, MotionNetwork
from animatediff_native.training.clip_set import Batch, ClipSet
from animatediff_native.training.settings import TrainingSettings
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy.taesd.taesd import TAESD
from safetensors.torch import load_file
from torch import nn

from . import clips, conditioned, world
from .conditioned import ConditionedBatch
from .shown import outlines, shown_frames


class Keyframed(ClipSet):
    """Clips of which a batch shows some frames: condition [clips, F, c + 1, ...], pictures and,
    behind them, 1 where there is one.

    hints: [N, F, 1, H, W] of scribbles, to be shown in three channels; None: the latents are shown.
    """

    def __init__(self, plain: ClipSet, hints: torch.Tensor | None):
        super().__init__(plain.latents, plain.contexts, plain.prompt_of, plain.no_prompt)
        self.hints = hints

    def draw(self, clips: int, text_dropout: float, generator: torch.Generator) -> Batch:
        batch = super().draw(clips, text_dropout, generator)
        shown = shown_frames(clips, self.frames, generator)[:, :, None, None, None]
        pictures = batch.condition  # type: ignore[attr-defined]
        mask = shown.expand(-1, -1, 1, *pictures.shape[3:])
        condition = torch.cat([pictures * shown, mask], dim=2)
        return batch._replace(condition=condition)  # type: ignore[call-arg]

    def batch(self, picked: torch.Tensor, context: torch.Tensor) -> Batch:
        plain = super().batch(picked, context)
        pictures = plain.latents
        if self.hints is not None:
            pictures = self.hints[picked].float().expand(-1, -1, 3, -1, -1) / 255
        return ConditionedBatch(*plain, pictures)  # type: ignore[return-value]


def data(vae: TAESD, count: int, seed: int, scribbles: bool) -> Keyframed:
    """Clips of the stills' quality, in which shapes go straight from one place to another."""
    frames = world.random_clips(count, torch.Generator().manual_seed(seed))
    hints = None
    if scribbles:
        drawn = torch.stack([outlines(scenes) for scenes in frames], dim=1)
        hints = drawn.mul(255).byte()[:, :, None]
    return Keyframed(clips.drawn(vae, frames), hints)


class SparseInTraining:
    """A SparseCtrl in training beside a UNet that stays as it is."""

    def __init__(self, encoder: SparseEncoder, motion: MotionNetwork):
        self.encoder, self.motion = encoder, motion
        self.hint = torch.empty(0)
        self.parts: list[Part] = []

    def take(self, condition: torch.Tensor) -> None:
        """condition: [clips, F, c + 1, ...]."""
        self.hint = condition.flatten(0, 1)
        frames = tuple(range(condition.shape[1]))
        self.parts = [Part(clip, frames) for clip in range(len(condition))]

    def steer(self, executor, x, t, context, y=None, _control=None, options=None, **more):
        """The host's wrapper around one call of the UNet."""
        control = residuals(self.encoder, self.motion, self.hint, t, context, self.parts)
        return executor(x, t, context, y, control, options, **more)

    def parameters(self) -> dict[str, nn.Parameter]:
        """But for the tables of positions, which stay what they are."""
        return {
            f"{name}.{key}": each
            for name, network in (("encoder", self.encoder), ("motion", self.motion))
            for key, each in network.named_parameters()
            if not key.endswith(TABLE)
        }


def train(
    model: ModelPatcher,
    module: MotionModule,
    networks: tuple[SparseEncoder, MotionNetwork],
    clips: Keyframed,
    settings: TrainingSettings,
    hooks: dict,
) -> dict[str, torch.Tensor]:
    """The file's tensors; the UNet and the motion module stay what they are."""
    part = SparseInTraining(*networks)
    moving = apply_motion_module(model, module)
    moving.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "sparse in training", part.steer)
    conditioned.train(moving, part, lambda _: part.parameters(), clips, settings, **hooks)
    return in_files(part.encoder, part.motion)


def first_networks(
    model: ModelPatcher, module: MotionModule, kind: SparseKind, seed: int
) -> tuple[SparseEncoder, MotionNetwork]:
    """Networks to begin with: pictures are seen as the UNet sees latents, and frames see each
    other as the motion module has learnt it."""
    unet = model.model.diffusion_model
    encoder, motion = new_sparse_ctrl(unet, kind, seed)
    known = module.patcher.model.state_dict()
    own = motion.state_dict()
    motion.load_state_dict({k: known.get(k, v) for k, v in own.items()})
    if kind is SparseKind.RGB:
        layer = encoder.input_hint_block[0]
        with torch.no_grad():
            layer.weight[:, :-1] = unet.input_blocks[0][0].weight  # type: ignore[index]
    return encoder, motion


def networks_of(
    model: ModelPatcher, file: Path, kind: SparseKind, seed: int
) -> tuple[SparseEncoder, MotionNetwork]:
    """Those of a file, to go on with; with first layers of their own where they shall be shown
    something else."""
    read = read_sparse_ctrl(load_file(file), file.name)
    encoder, motion = new_sparse_ctrl(model.model.diffusion_model, read.config.kind, 0)
    encoder.take(read.encoder)
    motion.take(read.motion)
    if kind is read.config.kind:
        return encoder, motion
    other, _ = new_sparse_ctrl(model.model.diffusion_model, kind, seed)
    known = {k: v for k, v in encoder.state_dict().items() if not k.startswith("input_hint_block")}
    other.load_state_dict({**other.state_dict(), **known})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        last: Any = other.input_hint_block[-1]
        last.reset_parameters()  # from zero it learns more slowly
    return other, motion
