"""What is known of AnimateDiff-Evolved's nodes and of the host's around them: widgets, defaults.

Layouts list every version of a node's widgets that can be in a file, the newest first. What is
plugged into loaders as strengths, settings and noise is in `their_options`; what begins with a
picture, in `their_images`.
"""

from typing import Any

from .layouts import Layout, layouts
from .their_images import IMAGE_DEFAULTS, IMAGE_LAYOUTS
from .their_options import OPTION_DEFAULTS, OPTION_LAYOUTS

GEN1 = "ADE_AnimateDiffLoaderGen1"
LEGACY_LOADER = "ADE_AnimateDiffLoaderWithContext"
V1_LOADER = "AnimateDiffLoaderV1"
V1_ADVANCED = "ADE_AnimateDiffLoaderV1Advanced"
EVOLVED = "ADE_UseEvolvedSampling"
APPLY = "ADE_ApplyAnimateDiffModel"
APPLY_SIMPLE = "ADE_ApplyAnimateDiffModelSimple"
LOAD = "ADE_LoadAnimateDiffModel"
LORA = "ADE_AnimateDiffLoRALoader"
STATIC = "ADE_StandardStaticContextOptions"
UNIFORM = "ADE_StandardUniformContextOptions"
LOOPED = "ADE_LoopedUniformContextOptions"
BATCHED = "ADE_BatchedContextOptions"
LEGACY_UNIFORM = "ADE_AnimateDiffUniformContextOptions"
VIEWS_ONLY = "ADE_ViewsOnlyContextOptions"
CONTEXT_EXTRAS = "ADE_ContextExtras_Set"
SETTINGS = "ADE_AnimateDiffSamplingSettings"
SIGMAS = "ADE_SigmaSchedule"
PROMPTS = "ADE_PromptScheduling"
PROMPTS_LATENTS = "ADE_PromptSchedulingLatents"
EXTRACTION = "ADE_ConditionExtraction"
FIZZ_LATENTS = "BatchPromptScheduleLatentInput"
EMPTY_LATENT = "ADE_EmptyLatentImageLarge"
UNLOAD = "ADE_AnimateDiffUnload"
CHECKPOINT = "CheckpointLoaderSimpleWithNoiseSelect"

COMBINE, OLD_COMBINE = "ADE_AnimateDiffCombine", "AnimateDiffCombine"
FIRST_LOADER, SECOND_LOADER = "AnimateDiffLoader", "AnimateDiffLoader_v2"
ALL_IN_ONE = (GEN1, LEGACY_LOADER, V1_LOADER, V1_ADVANCED, FIRST_LOADER, SECOND_LOADER)
LOADERS = (*ALL_IN_ONE, EVOLVED)

# Ids from before all of them began alike. `AnimateDiffLoader` and others are of its first weeks.
WITHOUT_PREFIX = {
    V1_LOADER,
    CHECKPOINT,
    "AnimateDiffLoader",
    "AnimateDiffLoader_v2",
    "AnimateDiffLoaderLegacy",
    "AnimateDiffCombine",
    "AnimateDiffUnload",
}
# They end a workflow: nothing takes their output, and they are needed all the same.
ENDS = {COMBINE, OLD_COMBINE, "ADE_AnimateDiffCombineVideo"}


def is_theirs(node_type: str) -> bool:
    """Whether a node is AnimateDiff-Evolved's."""
    return node_type.startswith("ADE_") or node_type in WITHOUT_PREFIX


_WHEN = "use_on_equal_length:b start_percent:f guarantee_steps:i"
_LENGTHS = "context_length:i context_stride:i context_overlap:i"
_AROUND = "prepend_text append_text"
_COMBINE = layouts(  # with what the page put behind, the last preview
    "frame_rate:i loop_count:i filename_prefix format pingpong:b save_image:b",
    "frame_rate:i loop_count:i filename_prefix format pingpong:b save_image:b videopreview",
    "frame_rate:i loop_count:i save_image filename_prefix format pingpong:b",
    "frame_rate:i loop_count:i save_image filename_prefix format pingpong",
    "frame_rate:i loop_count:i save_image filename_prefix",
)

LAYOUTS: dict[str, tuple[Layout, ...]] = {
    GEN1: layouts("model_name beta_schedule"),
    LEGACY_LOADER: layouts(
        "model_name beta_schedule motion_scale:f apply_v2_models_properly:b",
        "model_name beta_schedule apply_mm_groupnorm_hack:b",
    ),
    V1_LOADER: layouts(
        "model_name unlimited_area_hack:b beta_schedule", "model_name beta_schedule"
    ),
    V1_ADVANCED: layouts(
        f"model_name unlimited_area_hack:b {_LENGTHS} context_schedule closed_loop:b beta_schedule",
        f"model_name {_LENGTHS} context_schedule closed_loop:b beta_schedule",
    ),
    FIRST_LOADER: layouts("model_name unlimited_area_hack:b", "model_name frame_number:i"),
    SECOND_LOADER: layouts("model_name unlimited_area_hack:b", "model_name frame_number:i"),
    COMBINE: _COMBINE,
    OLD_COMBINE: _COMBINE,
    EVOLVED: layouts("beta_schedule"),
    APPLY: layouts("start_percent:f end_percent:f apply_v2_properly:b"),
    APPLY_SIMPLE: layouts("apply_v2_properly:b"),
    LOAD: layouts("model_name"),
    LORA: layouts("name strength:f"),
    STATIC: layouts(f"context_length:i context_overlap:i fuse_method {_WHEN}"),
    UNIFORM: layouts(f"{_LENGTHS} fuse_method {_WHEN}"),
    LOOPED: layouts(
        f"{_LENGTHS} closed_loop:b fuse_method {_WHEN}",
        f"{_LENGTHS} context_schedule closed_loop:b fuse_method {_WHEN}",
    ),
    BATCHED: layouts("context_length:i start_percent:f guarantee_steps:i"),
    LEGACY_UNIFORM: layouts(f"{_LENGTHS} context_schedule closed_loop:b fuse_method {_WHEN}"),
    VIEWS_ONLY: layouts("start_percent:f guarantee_steps:i"),
    SETTINGS: layouts(
        "batch_offset:i noise_type seed_gen seed_offset:i adapt_denoise_steps:b",
        "batch_offset:i noise_type seed_gen seed_offset:i seed_override:i adapt_denoise_steps:b",
        "seed_gen",
    ),
    SIGMAS: layouts("beta_schedule"),
    **OPTION_LAYOUTS,
    **IMAGE_LAYOUTS,
    # newer pages have no widgets for the texts around, the first version had no tensor_interp
    PROMPTS: layouts(
        "prompts print_schedule:b max_length:i tensor_interp",
        f"prompts {_AROUND} print_schedule:b max_length:i tensor_interp",
        "prompts print_schedule:b max_length:i",
    ),
    PROMPTS_LATENTS: layouts(
        "prompts print_schedule:b tensor_interp",
        f"prompts {_AROUND} print_schedule:b tensor_interp",
        "prompts print_schedule:b",
    ),
    EXTRACTION: layouts("index:i"),
    EMPTY_LATENT: layouts("width:i height:i batch_size:i"),
    CHECKPOINT: layouts("ckpt_name beta_schedule use_custom_scale_factor:b scale_factor:f"),
    # wires by name, and the host's nodes with seeds and lengths
    "SetNode": layouts("Constant"),
    "GetNode": layouts("Constant"),
    "EmptyLatentImage": layouts("width:i height:i batch_size:i"),
    "KSampler": layouts("seed:i steps:i cfg:f sampler_name scheduler denoise:f"),
    "KSamplerAdvanced": layouts(
        "add_noise noise_seed:i steps:i cfg:f sampler_name scheduler start_at_step:i end_at_step:i "
        "return_with_leftover_noise"
    ),
    "SamplerCustom": layouts("add_noise:b noise_seed:i cfg:f"),
    "RandomNoise": layouts("noise_seed:i"),
}

# What an option is where a file does not have it: the parameters' defaults in the nodes' code.
_CONTEXT = {
    "context_length": 16,
    "context_stride": 1,
    "context_overlap": 4,
    "closed_loop": False,
    "use_on_equal_length": False,
    "start_percent": 0.0,
    "guarantee_steps": 1,
}
_COMBINE_DEFAULTS = {
    "frame_rate": 8,
    "loop_count": 0,
    "filename_prefix": "AnimateDiff",
    "format": "image/gif",
    "pingpong": False,
}
_NO_TEXTS = {"prepend_text": "", "append_text": ""}
DEFAULTS: dict[str, dict[str, Any]] = {
    GEN1: {"beta_schedule": "autoselect"},
    LEGACY_LOADER: {
        "beta_schedule": "autoselect",
        "motion_scale": 1.0,
        "apply_v2_models_properly": True,
    },
    V1_LOADER: {"beta_schedule": "sqrt_linear (AnimateDiff)"},
    V1_ADVANCED: {"beta_schedule": "sqrt_linear (AnimateDiff)", **_CONTEXT},
    FIRST_LOADER: {"beta_schedule": "use existing"},
    SECOND_LOADER: {"beta_schedule": "use existing"},
    COMBINE: _COMBINE_DEFAULTS,
    OLD_COMBINE: _COMBINE_DEFAULTS,
    EVOLVED: {"beta_schedule": "autoselect"},
    APPLY: {"start_percent": 0.0, "end_percent": 1.0, "apply_v2_properly": True},
    APPLY_SIMPLE: {"start_percent": 0.0, "end_percent": 1.0, "apply_v2_properly": True},
    LORA: {"strength": 1.0},
    STATIC: {**_CONTEXT, "fuse_method": "pyramid"},
    UNIFORM: {**_CONTEXT, "fuse_method": "pyramid"},
    LOOPED: {**_CONTEXT, "fuse_method": "flat"},
    BATCHED: {**_CONTEXT, "context_overlap": 0, "fuse_method": "flat"},
    LEGACY_UNIFORM: {**_CONTEXT, "fuse_method": "flat"},
    VIEWS_ONLY: {"start_percent": 0.0, "guarantee_steps": 1},
    SETTINGS: {
        "batch_offset": 0,
        "noise_type": "default",
        "seed_gen": "comfy",
        "seed_offset": 0,
        "adapt_denoise_steps": False,
    },
    **OPTION_DEFAULTS,
    **IMAGE_DEFAULTS,
    PROMPTS: {"max_length": 0, "tensor_interp": "lerp", **_NO_TEXTS},
    PROMPTS_LATENTS: {"tensor_interp": "lerp", **_NO_TEXTS},
    CHECKPOINT: {
        "beta_schedule": "use existing",
        "use_custom_scale_factor": False,
        "scale_factor": 0.18215,
    },
}
