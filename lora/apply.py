"""Giving a motion module its MotionLoRAs."""

import logging
from collections.abc import Mapping
from dataclasses import replace

import comfy.lora
import torch
from comfy.model_patcher import ModelPatcher

from ..motion.load import MotionModule
from .chain import LoraUse, MotionLoraChain
from .fit import fitting_pairs
from .frame_path import FittedUse, FrameLoras
from .pairs import LowRank

log = logging.getLogger("animatediff_native")


def with_motion_lora(module: MotionModule, chain: MotionLoraChain) -> MotionModule:
    """The motion module with these MotionLoRAs; the given one stays as it is.

    Constant strengths are weight patches of a clone of the patcher, so that loading, low VRAM
    and undoing are the host's work. Strengths that differ by frame or step are applied while
    the network runs. What has strength 0 is left out.
    """
    fitted = [
        FittedUse(use, fitting_pairs(use.lora, module.config, module.file))
        for use in sorted(chain, key=_order)
    ]
    fitted = [each for each in fitted if each.use.constant != 0]
    if not fitted:
        return module
    patcher = module.patcher.clone()
    by_frame = [each for each in fitted if each.use.constant is None]
    effects = (FrameLoras(by_frame),) if by_frame else ()
    for use, pairs in fitted:
        if use.constant is not None:
            _add_patches(patcher, pairs, use.constant)
    _log(module, fitted)
    return replace(module, patcher=patcher, effects=(*module.effects, *effects))


def _order(use: LoraUse) -> tuple[str, float]:
    """Sums of floats depend on the order, so it is the same however the nodes are chained."""
    return use.lora.file, use.strength


def _add_patches(patcher: ModelPatcher, pairs: Mapping[str, LowRank], strength: float) -> None:
    """Register W += strength * scale * (up @ down); nothing is computed until the host loads."""
    named: dict[str, torch.Tensor] = {}
    for key, pair in pairs.items():
        named[f"{key}.lora_down.weight"], named[f"{key}.lora_up.weight"] = pair.down, pair.up
        named[f"{key}.alpha"] = torch.tensor(pair.scale * pair.rank, dtype=torch.float64)
    patcher.add_patches(comfy.lora.load_lora(named, {key: key for key in pairs}), strength)


def _log(module: MotionModule, fitted: list[FittedUse]) -> None:
    for use, pairs in fitted:
        how = "by frame or step" if use.constant is None else f"at {use.constant:g}"
        log.info(
            "AnimateDiff: MotionLoRA %s %s on %d weights of %s",
            use.lora.file,
            how,
            len(pairs),
            module.file,
        )
