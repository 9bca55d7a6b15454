"""What is known of the incumbent's nodes that are plugged into loaders: strengths, keyframes,
blocks, settings of the motion module, noise and guidance."""

from typing import Any

from .layouts import Layout, layouts

MULTIVAL = "ADE_MultivalDynamic"
MULTIVAL_INPUT = "ADE_MultivalDynamicFloatInput"
MULTIVAL_FLOATS = "ADE_MultivalDynamicFloats"
MULTIVAL_SCALED = "ADE_MultivalScaledMask"
TO_FLOATS = "ADE_FloatToFloats"
VALUES = "ADE_ValueScheduling"
VALUES_LATENTS = "ADE_ValueSchedulingLatents"
VALUES_REPLACE = "ADE_ValuesReplace"
KEYFRAME = "ADE_AnimateDiffKeyframe"
BLOCK = "ADE_ADBlockCombo"
BLOCK_INDIV = "ADE_ADBlockIndiv"
BLOCKS_HIGH = "ADE_PerBlockHighLevel"
BLOCKS_MID = "ADE_PerBlock_SD15_MidLevel"
BLOCKS_LOW = "ADE_PerBlock_SD15_LowLevel"
BLOCKS_FLOATS = "ADE_PerBlock_SD15_FromFloats"
MODULE_SETTINGS = "ADE_AnimateDiffSettings"
PE_FULL = "ADE_AdjustPEFullStretch"
PE_SWEETSPOT = "ADE_AdjustPESweetspotStretch"
PE_MANUAL = "ADE_AdjustPEManual"
WEIGHT_NODES = tuple(
    f"ADE_AdjustWeight{name}"
    for name in ("AllAdd", "AllMult", "IndivAdd", "IndivMult", "IndivAttnAdd", "IndivAttnMult")
)
OLD_SETTINGS = "ADE_AnimateDiffModelSettings_Release"
OLD_SETTINGS_SIMPLE = "ADE_AnimateDiffModelSettingsSimple"
OLD_SETTINGS_ADVANCED = "ADE_AnimateDiffModelSettings"
OLD_SETTINGS_ATTENTION = "ADE_AnimateDiffModelSettingsAdvancedAttnStrengths"
LAYER_ADD = "ADE_NoiseLayerAdd"
LAYER_WEIGHTED = "ADE_NoiseLayerAddWeighted"
LAYER_SUM = "ADE_NoiseLayerNormalizedSum"
LAYER_REPLACE = "ADE_NoiseLayerReplace"
ITERATIONS = "ADE_IterationOptsDefault"
FREE_INIT = "ADE_IterationOptsFreeInit"
CFG_SIMPLE = "ADE_CustomCFGSimple"
CFG = "ADE_CustomCFG"
CFG_KEYFRAME_SIMPLE = "ADE_CustomCFGKeyframeSimple"
CFG_KEYFRAME = "ADE_CustomCFGKeyframe"
CFG_INTERPOLATION = "ADE_CustomCFGKeyframeInterpolation"
CFG_LIST = "ADE_CustomCFGKeyframeFromList"
VIEWS_STATIC = "ADE_StandardStaticViewOptions"
VIEWS_UNIFORM = "ADE_StandardUniformViewOptions"
VIEWS_LOOPED = "ADE_LoopedUniformViewOptions"

# what weights are adjusted by, and the names of their classes; in this order
ALL, PARTS = ("all",), ("pe", "attn", "other")
_OF_ATTENTION = ("attn_q", "attn_k", "attn_v", "attn_out_weight", "attn_out_bias")
ATTENTION = ("pe", "attn", *_OF_ATTENTION, "other")
_WEIGHT_CLASSES = (ALL, ALL, PARTS, PARTS, ATTENTION, ATTENTION)
_NEUTRAL = {"ADD": 0.0, "MULT": 1.0}

_SCALES = "min_motion_scale:f max_motion_scale:f"
_PE = (
    "motion_pe_stretch:i cap_initial_pe_length:i interpolate_pe_to_length:i "
    "initial_pe_idx_offset:i final_pe_idx_offset:i"
)
_LAYER = "batch_offset:i noise_type seed_gen_override seed_offset:i"


def weight_names(node_type: str) -> list[str]:
    """The widgets of a node that adjusts weights, such as attn_q_MULT."""
    at = WEIGHT_NODES.index(node_type)
    return [f"{part}_{('ADD', 'MULT')[at % 2]}" for part in _WEIGHT_CLASSES[at]]


def strength_names(classes: tuple[str, ...]) -> list[str]:
    """The same of the old settings of motion modules."""
    return [f"{part}_strength" for part in classes]


def _floats(names: list[str]) -> str:
    return " ".join(f"{name}:f" for name in names)


def _layer_layouts(own: str = "") -> tuple[Layout, ...]:
    """With seed_override behind its own, as a socket that was a widget once leaves its value."""
    return layouts(f"{_LAYER} {own}", f"{_LAYER} {own} seed_override:i")


OPTION_LAYOUTS: dict[str, tuple[Layout, ...]] = {
    MULTIVAL: layouts("float_val:f"),
    MULTIVAL_SCALED: layouts("min_float_val:f max_float_val:f scaling"),
    VALUES: layouts("values print_schedule:b max_length:i"),
    VALUES_LATENTS: layouts("values print_schedule:b"),
    VALUES_REPLACE: layouts("value_key"),
    KEYFRAME: layouts("start_percent:f inherit_missing:b guarantee_steps:i"),
    PE_FULL: layouts("pe_stretch:i print_adjustment:b"),
    PE_SWEETSPOT: layouts("sweetspot:i new_sweetspot:i print_adjustment:b"),
    PE_MANUAL: layouts(
        "cap_initial_pe_length:i interpolate_pe_to_length:i initial_pe_idx_offset:i "
        "final_pe_idx_offset:i print_adjustment:b"
    ),
    **{
        node_type: layouts(f"{_floats(weight_names(node_type))} print_adjustment:b")
        for node_type in WEIGHT_NODES
    },
    OLD_SETTINGS: layouts(_SCALES),
    OLD_SETTINGS_SIMPLE: layouts(f"motion_pe_stretch:i {_SCALES}"),
    OLD_SETTINGS_ADVANCED: layouts(f"{_floats(strength_names(PARTS))} {_PE} {_SCALES}"),
    OLD_SETTINGS_ATTENTION: layouts(f"{_floats(strength_names(ATTENTION))} {_PE} {_SCALES}"),
    LAYER_REPLACE: _layer_layouts(),
    LAYER_ADD: _layer_layouts("noise_weight:f"),
    LAYER_WEIGHTED: _layer_layouts("noise_weight:f balance_multiplier:f"),
    LAYER_SUM: _layer_layouts("noise_weight:f"),
    ITERATIONS: layouts("iterations:i iter_batch_offset:i iter_seed_offset:i"),
    FREE_INIT: layouts(
        "iterations:i filter d_s:f d_t:f n_butterworth:i sigma_step:i apply_to_1st_iter:b "
        "init_type iter_batch_offset:i iter_seed_offset:i"
    ),
    CFG_SIMPLE: layouts("cfg:f"),
    CFG_KEYFRAME_SIMPLE: layouts("cfg:f start_percent:f guarantee_steps:i"),
    CFG_KEYFRAME: layouts("start_percent:f guarantee_steps:i"),
    CFG_INTERPOLATION: layouts(
        "start_percent:f end_percent:f cfg_start:f cfg_end:f interpolation intervals:i "
        "print_keyframes:b"
    ),
    CFG_LIST: layouts("start_percent:f end_percent:f print_keyframes:b"),
    VIEWS_STATIC: layouts("view_length:i view_overlap:i fuse_method"),
    VIEWS_UNIFORM: layouts("view_length:i view_stride:i view_overlap:i fuse_method"),
    VIEWS_LOOPED: layouts(
        "view_length:i view_stride:i view_overlap:i closed_loop:b fuse_method use_on_equal_length:b"
    ),
}

_LAYER_DEFAULTS = {
    "batch_offset": 0,
    "noise_type": "default",
    "seed_gen_override": "use existing",
    "seed_offset": 0,
    "noise_weight": 0.5,
    "balance_multiplier": 1.0,
}
_PE_DEFAULTS = {
    "motion_pe_stretch": 0,
    "cap_initial_pe_length": 0,
    "interpolate_pe_to_length": 0,
    "initial_pe_idx_offset": 0,
    "final_pe_idx_offset": 0,
}
_VIEW = {"view_length": 16, "view_stride": 1, "view_overlap": 4}
_STEP = {"start_percent": 0.0, "guarantee_steps": 1}
_RANGE = {"start_percent": 0.0, "end_percent": 1.0}

OPTION_DEFAULTS: dict[str, dict[str, Any]] = {
    MULTIVAL: {"float_val": 1.0},
    MULTIVAL_SCALED: {"min_float_val": 0.0, "max_float_val": 1.0, "scaling": "absolute"},
    VALUES: {"values": "", "max_length": 0},
    VALUES_LATENTS: {"values": ""},
    KEYFRAME: {**_STEP, "inherit_missing": True},
    PE_FULL: {"pe_stretch": 0},
    PE_SWEETSPOT: {"sweetspot": 16, "new_sweetspot": 16},
    PE_MANUAL: {name: 0 for name in _PE_DEFAULTS if name != "motion_pe_stretch"},
    **{
        node_type: {name: _NEUTRAL[name.rpartition("_")[2]] for name in weight_names(node_type)}
        for node_type in WEIGHT_NODES
    },
    OLD_SETTINGS_SIMPLE: {"motion_pe_stretch": 0},
    OLD_SETTINGS_ADVANCED: {**dict.fromkeys(strength_names(PARTS), 1.0), **_PE_DEFAULTS},
    OLD_SETTINGS_ATTENTION: {**dict.fromkeys(strength_names(ATTENTION), 1.0), **_PE_DEFAULTS},
    LAYER_REPLACE: _LAYER_DEFAULTS,
    LAYER_ADD: _LAYER_DEFAULTS,
    LAYER_WEIGHTED: _LAYER_DEFAULTS,
    LAYER_SUM: _LAYER_DEFAULTS,
    ITERATIONS: {"iterations": 1, "iter_batch_offset": 0, "iter_seed_offset": 0},
    FREE_INIT: {
        "iterations": 2,
        "filter": "gaussian",
        "d_s": 0.25,
        "d_t": 0.25,
        "n_butterworth": 4,
        "sigma_step": 999,
        "apply_to_1st_iter": False,
        "init_type": "FreeInit [sampler sigma]",
        "iter_batch_offset": 0,
        "iter_seed_offset": 1,
    },
    CFG_SIMPLE: {"cfg": 8.0},
    CFG_KEYFRAME_SIMPLE: {"cfg": 8.0, **_STEP},
    CFG_KEYFRAME: _STEP,
    CFG_INTERPOLATION: {
        **_RANGE,
        "cfg_start": 8.0,
        "cfg_end": 8.0,
        "interpolation": "linear",
        "intervals": 50,
    },
    CFG_LIST: _RANGE,
    VIEWS_STATIC: {**_VIEW, "fuse_method": "flat"},
    VIEWS_UNIFORM: {**_VIEW, "fuse_method": "pyramid"},
    VIEWS_LOOPED: {
        **_VIEW,
        "closed_loop": False,
        "fuse_method": "pyramid",
        "use_on_equal_length": False,
    },
}
