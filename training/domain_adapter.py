"""Stage 1: the domain adapter, low-rank pairs on the UNet's self- and cross-attention, trained
on single frames of the video data (Guo et al., "AnimateDiff", section 4.1)."""

import re
from typing import cast

import comfy.lora
import torch
from comfy.model_patcher import ModelPatcher
from torch import nn

from ..lora.pairs import LowRank
from .clip_set import ClipSet
from .low_rank import TrainableLowRank
from .session import in_place, training_session
from .settings import TrainingSettings
from .trainer import Trainer

_OFFICIAL = re.compile(r"^(?:down_blocks|mid_block|up_blocks)\..+\.attn[12]\.processor\.to_\w+$")


class DomainAdapterTraining:
    """A domain adapter in the making."""

    def __init__(self, model: ModelPatcher, clips: ClipSet, rank: int, settings: TrainingSettings):
        self.model = in_place(model)
        self.layers = adapted_layers(self.model)
        shapes = {name: tuple(layer.weight.shape) for name, layer in self.layers.items()}
        self.lora = TrainableLowRank(shapes, rank, settings.seed)
        self.clips = clips.single_frames()
        self.settings = settings

    def run(self, prepare=None, on_step=None) -> dict[str, torch.Tensor]:
        """Train to the end; the file's tensors under the official names.

        prepare is called with the trainer before the first step, to resume it.
        """
        settings = self.settings
        with (
            training_session(
                self.model, settings.precision, settings.checkpointing, self.clips.frames
            ) as predict,
            self.lora.attached(self.layers),
        ):
            self.lora.to(predict.device)
            parameters = dict(self.lora.named_parameters())
            trainer = Trainer(parameters, predict, self.clips, settings)
            if prepare is not None:
                prepare(trainer)
            trainer.run(on_step=on_step)
            return official_tensors(self.lora.pairs(trainer.result()))


def adapted_layers(model: ModelPatcher) -> dict[str, nn.Linear]:
    """The Linear layers that the official file is for, by the file's names for them."""
    keys = comfy.lora.model_lora_keys_unet(model.model, {})
    return {
        name: cast(nn.Linear, model.model.get_submodule(key.removesuffix(".weight")))
        for name, key in keys.items()
        if isinstance(key, str) and _OFFICIAL.match(name)
    }


def official_tensors(pairs: dict[str, LowRank]) -> dict[str, torch.Tensor]:
    tensors = {}
    for name, pair in pairs.items():
        tensors[f"{name}_lora.down.weight"] = pair.down.contiguous()
        tensors[f"{name}_lora.up.weight"] = pair.up.contiguous()
    return tensors
