"""Which kind of file a state dict comes from, by its keys and shapes, and where it belongs."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import torch

LONGEST_KEY = 300  # characters; the patterns take longer than long over endless ones


class FileKind(NamedTuple):
    """A kind of file, and where it belongs."""

    name: str
    belongs: str  # what to do with it
    mark: str  # regular expression, found in some line "key [shape]" of such a file


MOTION_MODULE = FileKind(
    "a motion module",
    "put it into models/animatediff_models and load it with the node Load Motion Module",
    r"motion_modules\.",
)
MOTION_LORA = FileKind(
    "a MotionLoRA",
    "put it into models/animatediff_motion_lora and load it with the node Load MotionLoRA",
    r"_lora\.(down|up)\.|\.lora_(A|B|down|up)\b|\.lora\.(down|up)\.",
)
DOMAIN_ADAPTER = FileKind(
    "a domain adapter",
    "put it into models/loras and load it with the node Load Domain Adapter",
    r"\.attentions\.\d+\..*\.processor\.to_\w+_lora\.",
)
SPATIAL_LORA = FileKind(
    "a LoRA for the checkpoint",
    "put it into models/loras and load it with ComfyUI's Load LoRA node",
    r"^lora_(unet|te)|\.lora_|_lora\.(down|up)",
)

# Files with motion modules in them that are still none of ours.
_WITH_MOTION = (
    FileKind(
        "a quantised motion module, with scales beside its weights",
        "take a version with plain weights in fp16, bf16 or fp8 (without scales)",
        r"\.(weight_scale|scale_weight|input_scale|scale_input|comfy_quant|absmax|quant_map|"
        r"quant_state\S*|qweight|qzeros) |^scaled_fp8 ",
    ),
    FileKind(
        "a FancyVideo motion module",
        "FancyVideo is not supported; load a file such as v3_sd15_mm.ckpt",
        r"^FancyVideo|fps_embedding\.",
    ),
    FileKind(
        "an AnimateLCM-I2V motion module",
        "image-to-video modules are not supported; load AnimateLCM_sd15_t2v.ckpt",
        r"^(module\.)?img_encoder\.",
    ),
    FileKind(
        "a PIA motion module",
        "PIA (image to video) is not supported; load a file such as v3_sd15_mm.ckpt",
        r"^(module\.)?conv_in\.weight \[\d+, 9, ",
    ),
    MOTION_LORA,
    FileKind(
        "a SparseCtrl model",
        "SparseCtrl is not supported; load a file such as v3_sd15_mm.ckpt",
        r"controlnet_(down|mid)_block|cond_embedding",
    ),
    FileKind(
        "a HelloMeme motion module",
        "HelloMeme is not supported; load a file such as v3_sd15_mm.ckpt",
        r"\.pos_embed\.(weight|proj)",
    ),
)

# Files without any; the specific stand before the general.
_WITHOUT_MOTION = (
    FileKind(
        "a LoRA for HotshotXL (SDXL)",
        "SDXL is not supported; load files that were made for SD1.5",
        r"\.temporal_attentions\..*lora",
    ),
    FileKind(
        "a HotshotXL motion module (SDXL)",
        "load an SD1.5 motion module such as v3_sd15_mm.ckpt or mm_sd_v15_v2.ckpt",
        r"\.temporal_attentions\.",
    ),
    FileKind(
        "a CameraCtrl pose encoder",
        "CameraCtrl is not supported; load a file such as v3_sd15_mm.ckpt",
        r"qkv_merge",
    ),
    DOMAIN_ADAPTER,
    SPATIAL_LORA,
    FileKind(
        "a ControlNet",
        "put it into models/controlnet and load it with ComfyUI's Load ControlNet Model node",
        r"^control_model\.|zero_convs\.|controlnet_(down|mid)_block|controlnet_cond_embedding",
    ),
    FileKind(
        "a whole checkpoint",
        "put it into models/checkpoints and load it with ComfyUI's Load Checkpoint node",
        r"^model\.diffusion_model\.",
    ),
    FileKind(
        "an image finetune: a whole UNet without motion, as AnimateDiff's training saves it",
        "take 'module.' off the names of its tensors, which ComfyUI does not read with it: the "
        "help page of Load Motion Module has the lines for that, under Image finetunes. Then put "
        "it into models/diffusion_models and load it with ComfyUI's Load Diffusion Model node, its "
        "its text encoder and VAE with Load Checkpoint from the checkpoint that it was made of",
        r"^module\.(conv_in\.weight|down_blocks\.\d+\.resnets|input_blocks\.\d+\.\d+\.)",
    ),
    FileKind(
        "a diffusion model without motion",
        "put it into models/diffusion_models and load it with ComfyUI's Load Diffusion Model node, "
        "its text encoder and VAE with Load Checkpoint from the checkpoint that it was made of",
        r"^(unet\.)?(input_blocks\.\d+\.\d+\.in_layers|down_blocks\.\d+\.resnets)\.",
    ),
    FileKind(
        "a VAE",
        "put it into models/vae and load it with ComfyUI's Load VAE node",
        r"^(first_stage_model\.)?(decoder|encoder)\.(conv_in|mid|up|down)",
    ),
    FileKind(
        "a text encoder",
        "put it into models/text_encoders and load it with ComfyUI's Load CLIP node",
        r"text_model\.encoder\.layers|transformer\.resblocks",
    ),
    FileKind(
        "an image encoder (CLIP vision)",
        "put it into models/clip_vision and load it with ComfyUI's Load CLIP Vision node",
        r"^vision_model\.",
    ),
    FileKind(
        "an IP-Adapter",
        "put it into models/ipadapter and load it with the nodes of an IP-Adapter pack",
        r"^(image_proj|ip_adapter)\.",
    ),
    FileKind(
        "an embedding (textual inversion)",
        "put it into models/embeddings and write embedding:NAME in the prompt",
        r"^(emb_params|string_to_param|clip_[lg]) ",
    ),
)


def kind_of(tensors: Mapping[str, torch.Tensor]) -> FileKind | None:
    """The kind of file these tensors come from; None for the unknown."""
    lines = "\n".join(f"{key[:LONGEST_KEY]} {list(v.shape)}" for key, v in tensors.items())
    with_motion = re.search(r"motion_modules[._]", lines)  # kohya's names have underscores
    kinds = (*_WITH_MOTION, MOTION_MODULE) if with_motion else _WITHOUT_MOTION
    return next((kind for kind in kinds if re.search(kind.mark, lines, re.MULTILINE)), None)
