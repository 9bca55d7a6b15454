"""Which kind of file a state dict comes from, by its keys and shapes, and where it belongs."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import torch


class FileKind(NamedTuple):
    """A kind of file that is not an SD1.5 motion module."""

    name: str
    belongs: str  # what to do with it


class _Rule(NamedTuple):
    kind: FileKind
    patterns: tuple[str, ...]  # each must be found in some line "key [shape]"


_MOTION_LORA = FileKind("a MotionLoRA", "load it with the node Load MotionLoRA")
_SPARSE_CTRL = FileKind("a SparseCtrl model", "SparseCtrl is not supported; load a motion module here")
_CONTROLNET = FileKind("a ControlNet", "load it with ComfyUI's Load ControlNet Model node")

# The first rule whose patterns are all found wins: the specific stand before the general.
_RULES = (
    _Rule(
        FileKind(
            "a HotshotXL motion module (SDXL)",
            "load an SD1.5 motion module such as v3_sd15_mm.ckpt or mm_sd_v15_v2.ckpt",
        ),
        (r"\.temporal_attentions\.",),
    ),
    _Rule(
        FileKind("a CameraCtrl pose encoder", "CameraCtrl is not supported; load a motion module"),
        (r"qkv_merge",),
    ),
    _Rule(
        FileKind("a FancyVideo motion module", "FancyVideo is not supported; load v3_sd15_mm.ckpt"),
        (r"^FancyVideo|fps_embedding\.",),
    ),
    _Rule(
        FileKind(
            "an AnimateLCM-I2V motion module",
            "image-to-video modules are not supported; load AnimateLCM_sd15_t2v.ckpt",
        ),
        (r"\.motion_modules\.", r"^(module\.)?img_encoder\."),
    ),
    _Rule(
        FileKind(
            "a PIA motion module", "PIA (image to video) is not supported; load v3_sd15_mm.ckpt"
        ),
        (r"\.motion_modules\.", r"^(module\.)?conv_in\.weight \[\d+, 9, "),
    ),
    _Rule(
        _MOTION_LORA,
        (r"motion_modules\.", r"_lora\.(down|up)\.|\.lora_(A|B|down|up)\b|\.lora\.(down|up)\."),
    ),
    _Rule(_SPARSE_CTRL, (r"\.motion_modules\.", r"controlnet_(down|mid)_block|cond_embedding")),
    _Rule(
        FileKind("a HelloMeme motion module", "HelloMeme is not supported; load v3_sd15_mm.ckpt"),
        (r"\.motion_modules\.", r"\.pos_embed\.(weight|proj)"),
    ),
    _Rule(
        FileKind("a domain adapter", "load it with the node Load Domain Adapter"),
        (r"\.attentions\.\d+\..*\.processor\.to_\w+_lora\.",),
    ),
    _Rule(
        FileKind("a LoRA for the checkpoint", "load it with ComfyUI's Load LoRA node"),
        (r"lora_(unet|te\d?|A|B|down|up)\b|_lora\.(down|up)|^lora_(unet|te)|\.lora_",),
    ),
    _Rule(
        _CONTROLNET,
        (r"^control_model\.|zero_convs\.|controlnet_(down|mid)_block|controlnet_cond_embedding",),
    ),
    _Rule(
        FileKind("a whole checkpoint", "load it with ComfyUI's Load Checkpoint node"),
        (r"^model\.diffusion_model\.",),
    ),
    _Rule(
        FileKind("a diffusion model without motion", "load it with Load Diffusion Model"),
        (r"^(module\.)?(input_blocks\.\d+\.\d+\.in_layers|down_blocks\.\d+\.resnets)\.",),
    ),
    _Rule(
        FileKind("a VAE", "load it with ComfyUI's Load VAE node"),
        (r"^(first_stage_model\.)?(decoder|encoder)\.(conv_in|mid|up|down)",),
    ),
    _Rule(
        FileKind("a text encoder", "load it with ComfyUI's Load CLIP node"),
        (r"text_model\.encoder\.layers|transformer\.resblocks",),
    ),
    _Rule(
        FileKind("an embedding (textual inversion)", "name it in the prompt as embedding:NAME"),
        (r"^(emb_params|string_to_param|clip_[lg]) ",),
    ),
)


def other_kind(tensors: Mapping[str, torch.Tensor]) -> FileKind | None:
    """The kind of file these tensors come from; None for a motion module and for the unknown."""
    lines = "\n".join(f"{key} {list(tensor.shape)}" for key, tensor in tensors.items())
    for rule in _RULES:
        if all(re.search(pattern, lines, re.MULTILINE) for pattern in rule.patterns):
            return rule.kind
    return None
