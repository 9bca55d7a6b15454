"""What is known of the incumbent's nodes that begin with a picture or follow a camera: PIA,
AnimateLCM-I2V and CameraCtrl of AnimateDiff-Evolved, SparseCtrl of Advanced-ControlNet."""

from typing import Any

from .host_nodes import CONTROL, CONTROL_ONE
from .layouts import Layout, layouts

APPLY_PIA = "ADE_ApplyAnimateDiffModelWithPIA"
PIA_PRESETS = "ADE_InputPIA_PaperPresets"
PIA_MULTIVAL = "ADE_InputPIA_Multival"
PIA_KEYFRAME = "ADE_PIA_AnimateDiffKeyframe"
INJECT_PIA = "ADE_InjectPIAIntoAnimateDiffModel"
LOAD_I2V = "ADE_LoadAnimateLCMI2VModel"
APPLY_I2V = "ADE_ApplyAnimateLCMI2VModel"
INJECT_I2V = "ADE_InjectI2VIntoAnimateDiffModel"
SCALE_AND_ENCODE = "ADE_UpscaleAndVAEEncode"
LOAD_CAMERA = "ADE_LoadAnimateDiffModelWithCameraCtrl"
APPLY_CAMERA = "ADE_ApplyAnimateDiffModelWithCameraCtrl"
CAMERA_KEYFRAME = "ADE_CameraCtrlAnimateDiffKeyframe"
POSES_BASIC = "ADE_CameraPoseBasic"
POSES_COMBO = "ADE_CameraPoseCombo"
POSES_ADVANCED = "ADE_CameraPoseAdvanced"
POSES_FILE = "ADE_LoadCameraPoses"
POSES_PATH = "ADE_LoadCameraPosesFromPath"
POSES_APPEND = "ADE_CameraManualPoseAppend"
POSES_LENS = "ADE_ReplaceCameraParameters"
POSES_SIZE = "ADE_ReplaceOriginalPoseAspectRatio"

# Advanced-ControlNet's SparseCtrl loads its motion with code of AnimateDiff-Evolved, and cannot run
# without that.
LOAD_SPARSE = "ACN_SparseCtrlLoaderAdvanced"
LOAD_MERGED = "ACN_SparseCtrlMergedLoaderAdvanced"
SPARSE_INDEXES = "ACN_SparseCtrlIndexMethodNode"
SPARSE_SPREAD = "ACN_SparseCtrlSpreadMethodNode"
SPARSE_RGB = "ACN_SparseCtrlRGBPreprocessor"
SPARSE_EXTRAS = "ACN_SparseCtrlWeightExtras"
SPARSE = (LOAD_SPARSE, LOAD_MERGED, SPARSE_INDEXES, SPARSE_SPREAD, SPARSE_RGB, SPARSE_EXTRAS)
CONTROL_FOR_BOTH = ("ACN_AdvancedControlNetApply_v2", "ACN_AdvancedControlNetApply")
CONTROL_FOR_ONE = ("ACN_AdvancedControlNetApplySingle_v2", "ACN_AdvancedControlNetApplySingle")

MOVES = 6  # of one node of poses
_RANGE = "start_percent:f end_percent:f"
_KEYFRAME = "start_percent:f inherit_missing:b guarantee_steps:i"
_TYPES = [f"motion_type{number + 1}" for number in range(MOVES)]
_MIXED = " ".join(f"{name} strength{number + 1}:f" for number, name in enumerate(_TYPES))
_SPARSE = "sparsectrl_name use_motion:b motion_strength:f motion_scale:f"
_FACTORS = "sparse_hint_mult:f sparse_nonhint_mult:f sparse_mask_mult:f"
_CONTROL = layouts(f"strength:f {_RANGE}")

IMAGE_LAYOUTS: dict[str, tuple[Layout, ...]] = {
    APPLY_PIA: layouts(_RANGE),
    PIA_PRESETS: layouts("preset batch_index:i print_values:b", "preset batch_index:i"),
    PIA_KEYFRAME: layouts(_KEYFRAME),
    INJECT_PIA: layouts("model_name"),
    LOAD_I2V: layouts("model_name"),
    APPLY_I2V: layouts(f"ref_drift:f apply_ref_when_disabled:b {_RANGE}"),
    INJECT_I2V: layouts("model_name"),
    SCALE_AND_ENCODE: layouts("scale_method crop"),
    LOAD_CAMERA: layouts("model_name camera_ctrl"),
    APPLY_CAMERA: layouts(_RANGE),
    CAMERA_KEYFRAME: layouts(_KEYFRAME),
    POSES_BASIC: layouts("motion_type speed:f frame_length:i"),
    POSES_COMBO: layouts(f"{' '.join(_TYPES)} speed:f frame_length:i"),
    POSES_ADVANCED: layouts(f"{_MIXED} speed:f frame_length:i"),
    POSES_FILE: layouts("pose_filename"),
    POSES_PATH: layouts("file_path"),
    POSES_LENS: layouts("fx:f fy:f cx:f cy:f"),
    POSES_SIZE: layouts("orig_pose_width:i orig_pose_height:i"),
    LOAD_SPARSE: layouts(
        f"{_SPARSE} context_aware {_FACTORS}", _SPARSE, "sparsectrl_name use_motion:b"
    ),
    SPARSE_INDEXES: layouts("indexes"),
    SPARSE_SPREAD: layouts("spread"),
    **dict.fromkeys((*CONTROL_FOR_BOTH, *CONTROL_FOR_ONE, CONTROL), _CONTROL),
    CONTROL_ONE: layouts("strength:f"),
}

_WHOLE = {"start_percent": 0.0, "end_percent": 1.0}
_KEY = {"start_percent": 0.0, "inherit_missing": True, "guarantee_steps": 1}
_POSES = {"speed": 1.0, "frame_length": 16}

IMAGE_DEFAULTS: dict[str, dict[str, Any]] = {
    APPLY_PIA: _WHOLE,
    PIA_PRESETS: {"batch_index": 0},
    PIA_KEYFRAME: _KEY,
    APPLY_I2V: {"ref_drift": 0.0, "apply_ref_when_disabled": False, **_WHOLE},
    SCALE_AND_ENCODE: {"scale_method": "nearest-exact", "crop": "center"},
    APPLY_CAMERA: _WHOLE,
    CAMERA_KEYFRAME: _KEY,
    POSES_BASIC: _POSES,
    POSES_COMBO: _POSES,
    POSES_ADVANCED: {**{f"strength{number + 1}": 1.0 for number in range(MOVES)}, **_POSES},
    POSES_LENS: {"fx": 0.474812461, "fy": 0.844111024, "cx": 0.5, "cy": 0.5},
    POSES_SIZE: {"orig_pose_width": 1280, "orig_pose_height": 720},
    LOAD_SPARSE: {
        "use_motion": True,
        "motion_strength": 1.0,
        "motion_scale": 1.0,
        "context_aware": "nearest_hint",
        "sparse_hint_mult": 1.0,
        "sparse_nonhint_mult": 1.0,
        "sparse_mask_mult": 1.0,
    },
    SPARSE_INDEXES: {"indexes": "0"},
    SPARSE_SPREAD: {"spread": "uniform"},
    **{
        key: {"strength": 1.0, **_WHOLE}
        for key in (*CONTROL_FOR_BOTH, *CONTROL_FOR_ONE, CONTROL, CONTROL_ONE)
    },
}
