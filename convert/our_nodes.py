"""The nodes that a conversion adds: how the page writes them, and their defaults.

A test holds this table against the nodes themselves.
"""

from typing import Any

from .graph import Node
from .host_nodes import HOST_NODES
from .layouts import OurNode
from .our_images import IMAGE_NODES
from .our_sockets import (
    BY_FRAME,
    LATENT_IN,
    MODEL_IN,
    MODEL_OUT,
    MODULE_IN,
    MODULE_OUT,
    NOISE_OUT,
    PART,
    PLOT,
)

AUTO, LINEAR, KEEP = "auto", "linear (AnimateDiff)", "keep"
SCALED_LINEAR = "scaled_linear (Stable Diffusion)"
AVERAGE = "average of linear and scaled_linear"
SDXL_LINEAR = "scaled_linear to 0.020 (AnimateDiff-SDXL)"
LCM_100 = "lcm of 100 timesteps (scaled_linear)"
NORMS_OF_V1 = "over all frames for v1 and v2"
NORMS_OVER_ALL = "over all frames"

LOAD = "ADN_LoadMotionModule"
APPLY = "ADN_ApplyMotionModule"
LORA = "ADN_LoadMotionLora"
WINDOWS = "ADN_ContextWindows"
FREE_NOISE = "ADN_FreeNoise"
PROMPTS = "ADN_PromptSchedule"
MOTION_STRENGTH = "ADN_MotionStrength"
FRAME_STRENGTHS = "ADN_FrameStrengths"
FRAME_GUIDANCE = "ADN_FrameGuidance"
FRAME_NOISE = "ADN_FrameNoise"
NOISE_LAYER = "ADN_NoiseLayer"
USE_NOISE = "ADN_UseNoise"
FREE_INIT = "ADN_FreeInit"
STRETCH = "ADN_StretchPositions"
WEIGHTS = "ADN_AdjustWeights"
VIEWS = "ADN_Views"
NOISE_SCHEDULE = "ADN_NoiseSchedule"
PING_PONG = "ADN_PingPong"

OURS: dict[str, OurNode] = {
    LOAD: OurNode(
        "Load Motion Module",
        (340, 82),
        widgets=(("motion_module", "COMBO", ""), ("norms", "COMBO", AUTO)),
        outputs=MODULE_OUT,
    ),
    APPLY: OurNode(
        "Apply Motion Module",
        (340, 234),
        sockets=(
            MODEL_IN,
            MODULE_IN,
            ("motion_lora", "ADN_MOTION_LORA", True),
            ("motion_strength", "ADN_MOTION_STRENGTH", True),
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
        sockets=(("previous", "ADN_MOTION_LORA", True), BY_FRAME),
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
        (340, 282),
        sockets=(MODEL_IN, LATENT_IN),
        widgets=(
            ("context_length", "INT", 16),
            ("context_overlap", "INT", 4),
            ("context_stride", "INT", 1),
            ("schedule", "COMBO", "static"),
            ("fuse", "COMBO", "pyramid"),
            ("hint_count", "COMBO", "error"),
            ("reference", "FLOAT", 0.0),
            ("reference_start", "FLOAT", 0.0),
            ("reference_end", "FLOAT", 1.0),
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
            ("first_frame", "INT", 0),
            ("total_frames", "INT", 0),
        ),
        outputs=(("samples", "LATENT"),),
    ),
    PROMPTS: OurNode(
        "Prompt Schedule",
        (340, 360),
        sockets=(("clip", "CLIP", False), LATENT_IN),
        widgets=(
            ("text", "STRING", ""),
            ("frames", "INT", 16),
            ("prefix", "STRING", ""),
            ("suffix", "STRING", ""),
            ("interpolation", "COMBO", "linear"),
            *PART,
        ),
        outputs=(
            ("conditioning", "CONDITIONING"),
            ("schedule", "STRING"),
            ("negative", "CONDITIONING"),
        ),
    ),
    MOTION_STRENGTH: OurNode(
        "Motion Strength",
        (340, 400),
        sockets=(
            ("area", "MASK", True),
            BY_FRAME,
            ("previous", "ADN_MOTION_STRENGTH", True),
        ),
        widgets=(
            ("strength", "FLOAT", 1.0),
            ("kind", "COMBO", "output"),
            ("keyframes", "STRING", ""),
            ("step_keyframes", "STRING", ""),
            ("blocks", "STRING", ""),
            ("outside", "FLOAT", 0.0),
            ("stretch_area", "BOOLEAN", False),
        ),
        outputs=(("motion_strength", "ADN_MOTION_STRENGTH"), PLOT),
    ),
    FRAME_STRENGTHS: OurNode(
        "Frame Strengths",
        (340, 250),
        sockets=(LATENT_IN,),
        widgets=(("keyframes", "STRING", "0: 0.0, 15: 1.0"), ("frames", "INT", 16), *PART),
        outputs=(("frame_strengths", "FLOAT"), PLOT),
    ),
    FRAME_GUIDANCE: OurNode(
        "CFG by Frame and Step",
        (340, 200),
        sockets=(MODEL_IN, BY_FRAME),
        widgets=(("cfg", "FLOAT", 8.0), ("step_keyframes", "STRING", "")),
        outputs=(*MODEL_OUT, PLOT),
    ),
    FRAME_NOISE: OurNode(
        "Noise by Frame",
        (340, 190),
        widgets=(
            ("seed", "INT", 0),
            ("kind", "COMBO", "independent"),
            ("seeds", "STRING", ""),
            ("context_length", "INT", 16),
            ("share", "FLOAT", 0.5),
            ("first_frame", "INT", 0),
        ),
        outputs=NOISE_OUT,
    ),
    NOISE_LAYER: OurNode(
        "Noise Layer",
        (340, 220),
        sockets=(("noise", "NOISE", False), ("layer", "NOISE", False), ("area", "MASK", True)),
        widgets=(
            ("mix", "COMBO", "replace"),
            ("weight", "FLOAT", 0.5),
            ("first_frame", "INT", 0),
            ("last_frame", "INT", -1),
            ("balance", "FLOAT", 1.0),
        ),
        outputs=NOISE_OUT,
    ),
    USE_NOISE: OurNode(
        "Noise for KSampler",
        (340, 60),
        sockets=(MODEL_IN, ("noise", "NOISE", False)),
        outputs=MODEL_OUT,
    ),
    FREE_INIT: OurNode(
        "FreeInit",
        (340, 190),
        sockets=(MODEL_IN,),
        widgets=(
            ("iterations", "INT", 3),
            ("filter", "COMBO", "butterworth"),
            ("spatial_cutoff", "FLOAT", 0.25),
            ("temporal_cutoff", "FLOAT", 0.25),
            ("order", "INT", 4),
            ("seed_offset", "INT", 1),
        ),
        outputs=MODEL_OUT,
    ),
    STRETCH: OurNode(
        "Stretch Positions",
        (340, 120),
        sockets=(MODULE_IN,),
        widgets=(
            ("positions", "INT", 32),
            ("rows", "INT", 0),
            ("first_row", "INT", 0),
            ("added", "INT", 0),
        ),
        outputs=MODULE_OUT,
    ),
    WEIGHTS: OurNode(
        "Adjust Motion Weights",
        (340, 120),
        sockets=(MODULE_IN,),
        widgets=(("weights", "COMBO", "all"), ("add", "FLOAT", 0.0), ("multiply", "FLOAT", 1.0)),
        outputs=MODULE_OUT,
    ),
    VIEWS: OurNode(
        "Views",
        (340, 140),
        sockets=(MODULE_IN,),
        widgets=(
            ("view_length", "INT", 16),
            ("view_overlap", "INT", 4),
            ("schedule", "COMBO", "static"),
            ("fuse", "COMBO", "pyramid"),
        ),
        outputs=MODULE_OUT,
    ),
    PING_PONG: OurNode(
        "Ping-Pong",
        (340, 60),
        sockets=(("images", "IMAGE", False),),
        outputs=(("images", "IMAGE"),),
    ),
    NOISE_SCHEDULE: OurNode(
        "Noise Schedule",
        (340, 80),
        sockets=(MODEL_IN,),
        widgets=(("beta_schedule", "COMBO", LINEAR),),
        outputs=MODEL_OUT,
    ),
    **IMAGE_NODES,
    **HOST_NODES,
}
SEEDS = {"seed"}  # widgets that the page follows with what it does to them after a run


def with_defaults(node: Node) -> dict[str, Any]:
    """The inputs of a new node, in the order of its schema; widgets that were not set too."""
    ours = OURS[node.type]
    names = [*(name for name, *_ in ours.sockets), *(name for name, *_ in ours.widgets)]
    defaults = {name: default for name, _, default in ours.widgets}
    inputs = {**defaults, **node.inputs}
    return {name: inputs[name] for name in names if name in inputs}
