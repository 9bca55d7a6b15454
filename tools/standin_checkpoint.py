"""Stand-in SD1.5 checkpoints: keys and shapes of real files, from the host's own classes."""

import json
from pathlib import Path
from typing import Any

import comfy.clip_model
import comfy.ops
import comfy.sd1_clip
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.taesd.taesd import TAESD

from tools.random_weights import random_state_dict

FULL_CHANNEL_MULT = (1, 2, 4, 4)
SMALL_CHANNEL_MULT = (1, 1, 1, 1)
UNET_SEED, CLIP_SEED, VAE_SEED = 1, 2, 3

UNET_LAYOUT: dict[str, Any] = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 320,
    "num_res_blocks": [2, 2, 2, 2],
    "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
    "transformer_depth_middle": 1,
    "transformer_depth_output": [1] * 9 + [0] * 3,
    "context_dim": 768,
    "num_heads": 8,
    "use_spatial_transformer": True,
    "legacy": False,
}


def checkpoint() -> dict[str, torch.Tensor]:
    """A whole checkpoint, with a UNet of equal widths and the tiny autoencoder."""
    parts = {
        "model.diffusion_model.": _unet(SMALL_CHANNEL_MULT),
        "cond_stage_model.transformer.": _clip(),
        "first_stage_model.": _tiny_vae(),
    }
    return {prefix + key: value for prefix, part in parts.items() for key, value in part.items()}


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _unet(channel_mult: tuple[int, ...]) -> dict[str, torch.Tensor]:
    unet = UNetModel(
        **UNET_LAYOUT,
        channel_mult=channel_mult,
        device="meta",
        operations=comfy.ops.disable_weight_init,
    )
    return random_state_dict(unet, _generator(UNET_SEED))


def _clip() -> dict[str, torch.Tensor]:
    """CLIP-L as SD1.5 files hold it: with position ids, without the text projection."""
    config_file = Path(comfy.sd1_clip.__file__).with_name("sd1_clip_config.json")
    config = json.loads(config_file.read_text(encoding="utf-8"))
    model = comfy.clip_model.CLIPTextModel(
        config, torch.float16, "meta", comfy.ops.disable_weight_init
    )
    weights = random_state_dict(model.text_model, _generator(CLIP_SEED))
    weights["embeddings.position_ids"] = torch.arange(config["max_position_embeddings"])[None]
    return {f"text_model.{key}": value for key, value in weights.items()}


def _tiny_vae() -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        vae = TAESD(latent_channels=4)
    weights = random_state_dict(vae, _generator(VAE_SEED))
    return {**weights, "vae_scale": torch.ones(()), "vae_shift": torch.zeros(())}
