"""Which kind of file a state dict comes from, by its keys and shapes, and where it belongs."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import torch

from .known_files import CHECKPOINTS, CONTROLNETS, LORAS, MODULES, MOTION_LORAS, VAES

DIFFUSION_MODELS = "diffusion_models"
LONGEST_KEY = 300  # characters; the patterns take longer than long over endless ones


class FileKind(NamedTuple):
    """A kind of file, and where it belongs.

    mark: regular expression, found in some line "key [shape]" of such a file; folder: of
    ComfyUI's models, none for what is not supported; use: what to do with a file in that folder,
    or else; first: what to do with it before it goes there.
    """

    name: str
    mark: str
    folder: str = ""
    use: str = ""
    first: str = ""

    def remedy(self, here: str, instead: str) -> str:
        """What to do with a file that lies in the folder `here`, where `instead` was to be."""
        use = self.use.format(instead=instead)
        if not self.folder:
            return f"{use}."
        if self.folder == here and not self.first:
            return f"models/{here} is the right folder for it, and this node is not: {use}."
        return f"{self.first}move it to models/{self.folder}, press R, and {use}."


NOT_SUPPORTED = "{what} is not supported: choose {{instead}}"
WITHOUT_CHECKPOINT = (
    "choose it in ComfyUI's Load Diffusion Model, its text encoder and VAE in Load Checkpoint from "
    "the checkpoint that it was made of"
)

MOTION_MODULE = FileKind(
    "a motion module",
    r"(motion_modules|temporal_attentions)\.",
    MODULES,
    "choose it in Load Motion Module",
)
MOTION_LORA = FileKind(
    "a MotionLoRA",
    r"_lora\.(down|up)\.|\.lora_(A|B|down|up)\b|\.lora\.(down|up)\.",
    MOTION_LORAS,
    "choose it in Load MotionLoRA",
)
DOMAIN_ADAPTER = FileKind(
    "a domain adapter",
    r"\.attentions\.\d+\..*\.processor\.to_\w+_lora\.",
    LORAS,
    "choose it in Load Domain Adapter",
)
SPATIAL_LORA = FileKind(
    "a LoRA for the checkpoint",
    r"^lora_(unet|te)|\.lora_|_lora\.(down|up)",
    LORAS,
    "choose it in ComfyUI's Load LoRA",
)
SPARSE_CTRL = FileKind(
    "a SparseCtrl model",
    r"controlnet_(down|mid)_block|cond_embedding",
    CONTROLNETS,
    "choose it in Load SparseCtrl",
)

CAMERA_CTRL = FileKind(
    "a CameraCtrl file",
    r"qkv_merge|^(module\.)?encoder_(conv_in|down_(conv|attention)_blocks\.\d+)\.",
    MODULES,
    "choose it in Camera Control, which takes the motion module of Load Motion Module",
)

TORA = FileKind(
    "a trajectory control file (Tora)",
    r"^(module\.)?(flow_encoder\.conv_|fusers\.(down|up)_\d+_\d+\.)",
    MODULES,
    "choose it in Trajectory Control, which takes the motion module of Load Motion Module",
)

# Files with motion modules in them that are still none of ours.
_WITH_MOTION = (
    CAMERA_CTRL,
    TORA,
    FileKind(
        "a quantised motion module, with scales beside its weights",
        r"\.(weight_scale|scale_weight|input_scale|scale_input|comfy_quant|absmax|quant_map|"
        r"quant_state\S*|qweight|qzeros) |^scaled_fp8 ",
        use="take a version with plain weights in fp16, bf16 or fp8 (without scales)",
    ),
    FileKind(
        "a FancyVideo motion module",
        r"^FancyVideo|fps_embedding\.",
        use=NOT_SUPPORTED.format(what="FancyVideo"),
    ),
    FileKind(
        "a LoRA for HotshotXL",
        r"\.temporal_attentions\..*lora",
        use=NOT_SUPPORTED.format(what="a LoRA for HotshotXL"),
    ),
    MOTION_LORA,
    SPARSE_CTRL,
    FileKind(
        "a HelloMeme motion module",
        r"\.pos_embed\.(weight|proj)",
        use=NOT_SUPPORTED.format(what="HelloMeme"),
    ),
)

# Files without any; the specific stand before the general.
_WITHOUT_MOTION = (
    CAMERA_CTRL,
    TORA,
    DOMAIN_ADAPTER,
    SPATIAL_LORA,
    FileKind(
        "a ControlNet",
        r"^control_model\.|zero_convs\.|controlnet_(down|mid)_block|controlnet_cond_embedding",
        CONTROLNETS,
        "choose it in ComfyUI's Load ControlNet Model",
    ),
    FileKind(
        "a whole checkpoint",
        r"^model\.diffusion_model\.",
        CHECKPOINTS,
        "choose it in ComfyUI's Load Checkpoint",
    ),
    FileKind(
        "an image finetune: a whole UNet without motion, as AnimateDiff's training saves it",
        r"^module\.(conv_in\.weight|down_blocks\.\d+\.resnets|input_blocks\.\d+\.\d+\.)",
        DIFFUSION_MODELS,
        WITHOUT_CHECKPOINT,
        "take 'module.' off the names of its tensors, which ComfyUI does not read with it: the "
        "help page of Load Motion Module has the lines for that, under Image finetunes. Then ",
    ),
    FileKind(
        "a diffusion model without motion",
        r"^(unet\.)?(input_blocks\.\d+\.\d+\.in_layers|down_blocks\.\d+\.resnets)\.",
        DIFFUSION_MODELS,
        WITHOUT_CHECKPOINT,
    ),
    FileKind(
        "a VAE",
        r"^(first_stage_model\.)?(decoder|encoder)\.(conv_in|mid|up|down)",
        VAES,
        "choose it in ComfyUI's Load VAE",
    ),
    FileKind(
        "a text encoder",
        r"text_model\.encoder\.layers|transformer\.resblocks",
        "text_encoders",
        "choose it in ComfyUI's Load CLIP",
    ),
    FileKind(
        "an image encoder (CLIP vision)",
        r"^vision_model\.",
        "clip_vision",
        "choose it in ComfyUI's Load CLIP Vision",
    ),
    FileKind(
        "an IP-Adapter",
        r"^(image_proj|ip_adapter)\.",
        "ipadapter",
        "load it with the nodes of an IP-Adapter pack",
    ),
    FileKind(
        "an embedding (textual inversion)",
        r"^(emb_params|string_to_param|clip_[lg]) ",
        "embeddings",
        "write embedding:NAME in the prompt",
    ),
)
KINDS = (MOTION_MODULE, *_WITH_MOTION, *_WITHOUT_MOTION)


def kind_of(tensors: Mapping[str, torch.Tensor]) -> FileKind | None:
    """The kind of file these tensors come from; None for the unknown."""
    lines = "\n".join(f"{key[:LONGEST_KEY]} {list(v.shape)}" for key, v in tensors.items())
    # kohya's names have underscores
    with_motion = re.search(r"motion_modules[._]|\.temporal_attentions\.", lines)
    kinds = (*_WITH_MOTION, MOTION_MODULE) if with_motion else _WITHOUT_MOTION
    return next((kind for kind in kinds if re.search(kind.mark, lines, re.MULTILINE)), None)
