"""The nodes that a conversion adds: how the page writes them, and their defaults.

A test holds this table against the nodes themselves.
"""

from dataclasses import dataclass
from typing import Any

from .graph import Node

AUTO, LINEAR, KEEP = "auto", "linear (AnimateDiff)", "keep"
SCALED_LINEAR = "scaled_linear (Stable Diffusion)"

LOAD = "ADN_LoadMotionModule"
APPLY = "ADN_ApplyMotionModule"
LORA = "ADN_LoadMotionLora"
WINDOWS = "ADN_ContextWindows"
FREE_NOISE = "ADN_FreeNoise"
PROMPTS = "ADN_PromptSchedule"
MODEL_SAMPLING = "ModelSamplingDiscrete"
EMPTY_LATENT = "EmptyLatentImage"
CHECKPOINT = "CheckpointLoaderSimple"


@dataclass(frozen=True)
class OurNode:
    """sockets: name, type, whether optional; widgets: name, type, default; outputs: name, type."""

    title: str
    size: tuple[int, int]
    sockets: tuple[tuple[str, str, bool], ...] = ()
    widgets: tuple[tuple[str, str, Any], ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()


MODEL_IN = ("model", "MODEL", False)
MODEL_OUT = (("model", "MODEL"),)

OURS: dict[str, OurNode] = {
    LOAD: OurNode(
        "Load Motion Module",
        (340, 82),
        widgets=(("motion_module", "COMBO", ""), ("norms", "COMBO", AUTO)),
        outputs=(("motion_module", "ADN_MOTION_MODULE"),),
    ),
    APPLY: OurNode(
        "Apply Motion Module",
        (340, 214),
        sockets=(
            MODEL_IN,
            ("motion_module", "ADN_MOTION_MODULE", False),
            ("motion_lora", "ADN_MOTION_LORA", True),
        ),
        widgets=(
            ("strength", "FLOAT", 1.0),
            ("beta_schedule", "COMBO", AUTO),
            ("start_percent", "FLOAT", 0.0),
            ("end_percent", "FLOAT", 1.0),
            ("clips", "INT", 1),
        ),
        outputs=MODEL_OUT,
    ),
    LORA: OurNode(
        "Load MotionLoRA",
        (340, 200),
        sockets=(("previous", "ADN_MOTION_LORA", True), ("frame_strengths", "FLOAT", True)),
        widgets=(
            ("motion_lora", "COMBO", ""),
            ("strength", "FLOAT", 1.0),
            ("wrong_length", "COMBO", "resample"),
            ("start_percent", "FLOAT", 0.0),
            ("end_percent", "FLOAT", 1.0),
        ),
        outputs=(("motion_lora", "ADN_MOTION_LORA"),),
    ),
    WINDOWS: OurNode(
        "Context Windows",
        (340, 210),
        sockets=(MODEL_IN,),
        widgets=(
            ("context_length", "INT", 16),
            ("context_overlap", "INT", 4),
            ("context_stride", "INT", 1),
            ("schedule", "COMBO", "static"),
            ("fuse", "COMBO", "pyramid"),
            ("hint_count", "COMBO", "error"),
        ),
        outputs=MODEL_OUT,
    ),
    FREE_NOISE: OurNode(
        "FreeNoise",
        (340, 210),
        sockets=(("samples", "LATENT", False),),
        widgets=(
            ("context_length", "INT", 16),
            ("context_overlap", "INT", 4),
            ("seed", "INT", 0),
            ("schedule", "COMBO", "any"),
            ("context_stride", "INT", 1),
        ),
        outputs=(("samples", "LATENT"),),
    ),
    PROMPTS: OurNode(
        "Prompt Schedule",
        (340, 290),
        sockets=(("clip", "CLIP", False),),
        widgets=(
            ("text", "STRING", ""),
            ("frames", "INT", 16),
            ("prefix", "STRING", ""),
            ("suffix", "STRING", ""),
            ("interpolation", "COMBO", "linear"),
        ),
        outputs=(("conditioning", "CONDITIONING"), ("schedule", "STRING")),
    ),
    MODEL_SAMPLING: OurNode(
        "ModelSamplingDiscrete",
        (340, 90),
        sockets=(MODEL_IN,),
        widgets=(("sampling", "COMBO", "lcm"), ("zsnr", "BOOLEAN", False)),
        outputs=(("MODEL", "MODEL"),),
    ),
    EMPTY_LATENT: OurNode(
        "Empty Latent Image",
        (340, 110),
        widgets=(("width", "INT", 512), ("height", "INT", 512), ("batch_size", "INT", 1)),
        outputs=(("LATENT", "LATENT"),),
    ),
    CHECKPOINT: OurNode(
        "Load Checkpoint",
        (340, 100),
        widgets=(("ckpt_name", "COMBO", ""),),
        outputs=(("MODEL", "MODEL"), ("CLIP", "CLIP"), ("VAE", "VAE")),
    ),
}
SEEDS = {"seed"}  # widgets that the page follows with what it does to them after a run


def with_defaults(node: Node) -> dict[str, Any]:
    """The inputs of a new node, in the order of its schema; widgets that were not set too."""
    ours = OURS[node.type]
    names = [*(name for name, *_ in ours.sockets), *(name for name, *_ in ours.widgets)]
    defaults = {name: default for name, _, default in ours.widgets}
    inputs = {**defaults, **node.inputs}
    return {name: inputs[name] for name in names if name in inputs}
