"""Stand-in SD1.5 checkpoints: keys and shapes of real files, from the host's own classes."""

import json
import math
from pathlib import Path

import comfy.clip_model
import comfy.ops
import comfy.sd1_clip
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.taesd.taesd import TAESD

from tools.sd15_layout import sd15_layout

SMALL_CHANNEL_MULT = (1, 1, 1, 1)
UNET_SEED, CLIP_SEED, VAE_SEED = 1, 2, 3

NORMS = (torch.nn.GroupNorm, torch.nn.LayerNorm)
EMBEDDING_STD = 0.02

SMALL_UNET = sd15_layout(channel_mult=SMALL_CHANNEL_MULT)


def checkpoint() -> dict[str, torch.Tensor]:
    """A whole checkpoint, with a UNet of equal widths and the tiny autoencoder."""
    parts = {
        "model.diffusion_model.": _unet(),
        "cond_stage_model.transformer.": _clip(),
        "first_stage_model.": _tiny_vae(),
    }
    return {prefix + key: value for prefix, part in parts.items() for key, value in part.items()}


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _unet() -> dict[str, torch.Tensor]:
    unet = UNetModel(
        **SMALL_UNET,
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


def random_state_dict(
    module: torch.nn.Module, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """fp16 weights for a module, also one on the meta device, that keep a signal's scale.

    Norms pass it on; the weights of products shrink with the root of their fan-in.
    """
    weights = {}
    for name, part in module.named_modules():
        for key, parameter in part.named_parameters(recurse=False):
            value = _draw(part, key, parameter.shape, generator)
            weights[f"{name}.{key}" if name else key] = value.half()
    return weights


def _draw(
    part: torch.nn.Module, key: str, shape: torch.Size, generator: torch.Generator
) -> torch.Tensor:
    if len(shape) < 2:
        return (
            torch.ones(shape) if isinstance(part, NORMS) and key == "weight" else torch.zeros(shape)
        )
    std = (
        EMBEDDING_STD if isinstance(part, torch.nn.Embedding) else 1 / math.sqrt(shape[1:].numel())
    )
    return torch.randn(shape, generator=generator).mul_(std)
