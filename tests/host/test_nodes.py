"""The node contract: ids and input names never change; every input explains itself."""

import importlib.util
import inspect
import re
import sys
from pathlib import Path

import folder_paths
import pytest
import torch
from adn_testing import tiny
from adn_testing.motion_files import original

ROOT = Path(__file__).parents[2]

CONTRACT = {
    "ADN_LoadMotionModule": (
        "Load Motion Module (AnimateDiff)",
        ["motion_module", "norms"],
        ["ADN_MOTION_MODULE"],
    ),
    "ADN_ApplyMotionModule": (
        "Apply Motion Module (Evolved AnimateDiff)",
        [
            "model",
            "motion_module",
            "strength",
            "beta_schedule",
            "start_percent",
            "end_percent",
            "motion_lora",
            "clips",
            "motion_strength",
        ],
        ["MODEL"],
    ),
    "ADN_MotionStrength": (
        "Motion Strength (scale multival, AnimateDiff)",
        [
            "strength",
            "kind",
            "keyframes",
            "step_keyframes",
            "blocks",
            "outside",
            "area",
            "frame_strengths",
            "previous",
            "stretch_area",
        ],
        ["ADN_MOTION_STRENGTH", "IMAGE"],
    ),
    "ADN_StretchPositions": (
        "Stretch Positions (adjust PE, AnimateDiff)",
        ["motion_module", "positions", "rows", "first_row", "added"],
        ["ADN_MOTION_MODULE"],
    ),
    "ADN_AdjustWeights": (
        "Adjust Motion Weights (model, AnimateDiff)",
        ["motion_module", "weights", "add", "multiply"],
        ["ADN_MOTION_MODULE"],
    ),
    "ADN_FreeLong": (
        "FreeLong (long clip, spectral, AnimateDiff)",
        ["motion_module", "local_length", "spatial_cutoff", "temporal_cutoff"],
        ["ADN_MOTION_MODULE"],
    ),
    "ADN_LoadSparseCtrl": (
        "Load SparseCtrl (image to video, AnimateDiff)",
        ["sparsectrl", "motion_strength", "empty_windows"],
        ["CONTROL_NET"],
    ),
    "ADN_SparseFrames": (
        "Sparse Frames (keyframes, SparseCtrl, AnimateDiff)",
        ["images", "at", "frames", "latent", "first_frame", "total_frames"],
        ["IMAGE"],
    ),
    "ADN_ClipCondition": (
        "Clip Condition (first and last frame, AnimateDiff)",
        [
            *("images", "mode", "at", "frames", "latent", "first_frame", "total_frames", "width"),
            *("height", "region", "left", "top", "right", "bottom", "feather"),
        ],
        ["IMAGE", "MASK"],
    ),
    "ADN_ImageToVideoWays": (
        "Ways from Image to Video (which files fit, AnimateDiff)",
        ["model", "motion_module"],
        ["STRING"],
    ),
    "ADN_PiaImage": (
        "PIA Image (image to video, AnimateDiff)",
        ["motion_module", "image", "vae", "motion", "image_frame", "frame_strengths"],
        ["ADN_MOTION_MODULE"],
    ),
    "ADN_I2VImage": (
        "AnimateLCM-I2V Image (image to video, AnimateDiff)",
        ["motion_module", "image", "vae", "motion_scale"],
        ["ADN_MOTION_MODULE"],
    ),
    "ADN_CameraPath": (
        "Camera Path (CameraCtrl poses, AnimateDiff)",
        ["move", "speed", "frames", "latent", "first_frame", "total_frames", "previous", "join", "speed_by_frame", "focal_x", "focal_y"],
        ["ADN_CAMERA_PATH", "STRING"],
    ),
    "ADN_CameraPoses": (
        "Camera Poses (RealEstate10K text, AnimateDiff)",
        ["text", "frames", "latent", "first_frame", "total_frames"],
        ["ADN_CAMERA_PATH"],
    ),
    "ADN_CameraControl": (
        "Camera Control (CameraCtrl, AnimateDiff)",
        ["motion_module", "camera_control", "camera_path", "strength", "frame_strengths", "width", "height"],
        ["ADN_MOTION_MODULE"],
    ),
    "ADN_ContinueClip": (
        "Continue Clip (long video in parts, AnimateDiff)",
        ["latent", "part", "frames", "context_frames", "previous"],
        ["LATENT", "INT", "INT", "INT"],
    ),
    "ADN_PingPong": ("Ping-Pong (boomerang, loop, reverse, AnimateDiff)", ["images"], ["IMAGE"]),
    "ADN_NoiseSchedule": (
        "Noise Schedule (beta schedule, AnimateDiff)",
        ["model", "beta_schedule"],
        ["MODEL"],
    ),
    "ADN_Views": (
        "Views (view options, long clips, AnimateDiff)",
        ["motion_module", "view_length", "view_overlap", "schedule", "fuse"],
        ["ADN_MOTION_MODULE"],
    ),
    "ADN_Trajectory": (
        "Trajectory (draw a path, motion path, AnimateDiff)",
        [
            *("points", "width", "height", "frames", "interpolation", "timing", "box", "image"),
            *("tracks", "previous", "latent", "first_frame", "total_frames"),
        ],
        ["ADN_TRAJECTORY", "IMAGE", "STRING", "MASK"],
    ),
    "ADN_TrajectoryNoise": (
        "Noise along a Path (FreeTraj, trajectory, AnimateDiff)",
        ["seed", "trajectory", "strength", "mix", "noise", "first_frame"],
        ["NOISE"],
    ),
    "ADN_FollowTrajectory": (
        "Follow Trajectory (object motion, TrailBlazer, AnimateDiff)",
        [
            *("model", "trajectory", "clip", "prompt", "subject", "strength", "outside"),
            *("start_percent", "end_percent", "temporal", "spatial", "tail"),
        ],
        ["MODEL"],
    ),
    "ADN_TrajectoryControl": (
        "Trajectory Control (Tora, AnimateDiff)",
        ["motion_module", "trajectory_control", "trajectory", "strength", "frame_strengths"],
        ["ADN_MOTION_MODULE"],
    ),
    "ADN_ReferenceMotion": (
        "Reference Motion (motion from a video, MotionClone, AnimateDiff)",
        [
            *("model", "images", "vae", "conditioning", "strength", "start_percent"),
            *("end_percent", "timestep"),
        ],
        ["MODEL"],
    ),
    "ADN_SpaceTime": (
        "Frame Sharing (space-time U-Net, AnimateDiff)",
        ["model", "levels", "start_percent", "end_percent"],
        ["MODEL"],
    ),
    "ADN_FrameLora": (
        "LoRA by Frame (LoRA schedule, AnimateDiff)",
        ["model", "lora", "strength", "frame_strengths"],
        ["MODEL"],
    ),
    "ADN_FrameControlStrength": (
        "ControlNet Strength by Frame (keyframes, AnimateDiff)",
        ["positive", "frame_strengths", "negative"],
        ["CONDITIONING", "CONDITIONING"],
    ),
    "ADN_FramePromptStrength": (
        "Prompt Strength by Frame (blend, AnimateDiff)",
        ["conditioning", "frame_strengths"],
        ["CONDITIONING"],
    ),
    "ADN_FrameGuidance": (
        "CFG by Frame and Step (custom CFG, AnimateDiff)",
        ["model", "cfg", "step_keyframes", "frame_strengths"],
        ["MODEL", "IMAGE"],
    ),
    "ADN_FrameNoise": (
        "Noise by Frame (noise type, seeds, AnimateDiff)",
        ["seed", "kind", "seeds", "context_length", "share", "first_frame"],
        ["NOISE"],
    ),
    "ADN_NoiseLayer": (
        "Noise Layer (add noise, mix noise, AnimateDiff)",
        [
            "noise",
            "layer",
            "mix",
            "weight",
            "first_frame",
            "last_frame",
            "area",
            "balance",
        ],
        ["NOISE"],
    ),
    "ADN_UseNoise": (
        "Noise for KSampler (custom noise, AnimateDiff)",
        ["model", "noise"],
        ["MODEL"],
    ),
    "ADN_FreeInit": (
        "FreeInit (iteration opts, flicker, AnimateDiff)",
        [
            "model",
            "iterations",
            "filter",
            "spatial_cutoff",
            "temporal_cutoff",
            "order",
            "seed_offset",
        ],
        ["MODEL"],
    ),
    "ADN_ContextWindows": (
        "Context Windows (loop/sliding options, AnimateDiff)",
        [
            "model",
            "context_length",
            "context_overlap",
            "context_stride",
            "schedule",
            "fuse",
            "hint_count",
            "reference",
            "reference_start",
            "reference_end",
            "latent",
        ],
        ["MODEL"],
    ),
    "ADN_FreeNoise": (
        "FreeNoise (noise type, long clip, AnimateDiff)",
        [
            "samples",
            "context_length",
            "context_overlap",
            "seed",
            "schedule",
            "context_stride",
            "first_frame",
            "total_frames",
        ],
        ["LATENT"],
    ),
    "ADN_PromptSchedule": (
        "Prompt Schedule (batch prompt travel, AnimateDiff)",
        [
            "clip",
            "text",
            "frames",
            "prefix",
            "suffix",
            "interpolation",
            "latent",
            "first_frame",
            "total_frames",
        ],
        ["CONDITIONING", "STRING", "CONDITIONING"],
    ),
    "ADN_LoadMotionLora": (
        "Load MotionLoRA (camera zoom, AnimateDiff)",
        [
            "motion_lora",
            "strength",
            "previous",
            "frame_strengths",
            "wrong_length",
            "start_percent",
            "end_percent",
        ],
        ["ADN_MOTION_LORA"],
    ),
    "ADN_SaveMotionLora": (
        "Save MotionLoRA (merge, combine, AnimateDiff)",
        ["motion_lora", "filename_prefix", "rank"],
        [],
    ),
    "ADN_FrameStrengths": (
        "Frame Strengths (value schedule, AnimateDiff)",
        ["keyframes", "frames", "latent", "first_frame", "total_frames"],
        ["FLOAT", "IMAGE"],
    ),
    "ADN_LoadDomainAdapter": (
        "Load Domain Adapter (v3 LoRA, AnimateDiff)",
        ["model", "domain_adapter", "strength"],
        ["MODEL"],
    ),
    "ADN_TrainMotionLora": (
        "Train MotionLoRA (MotionDirector, AnimateDiff)",
        [
            "model",
            "vae",
            "positive",
            "rank",
            "learning_rate",
            "steps",
            "seed",
            "augmentation",
            "images",
            "frames_per_clip",
            "video_folder",
            "frame_stride",
            "width",
            "height",
            "negative",
            "clips_per_step",
            "appearance_debias",
            "text_dropout",
            "precision",
            "gradient_checkpointing",
            "continue_from",
            "sample_every",
            "least_timestep",
            "hidden_motion",
        ],
        ["ADN_MOTION_LORA", "IMAGE"],
    ),
}


@pytest.fixture(scope="module")
def extension():
    """The root `__init__.py`, loaded as the host loads a custom node."""
    name = "loaded_as_a_custom_node"
    spec = importlib.util.spec_from_file_location(name, ROOT / "__init__.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def nodes(extension):
    import asyncio

    async def collect():
        entry = extension.comfy_entrypoint()
        loaded = await entry if inspect.isawaitable(entry) else entry
        return await loaded.get_node_list()

    return {node.GET_SCHEMA().node_id: node for node in asyncio.run(collect())}


def test_the_contract(nodes):
    assert set(nodes) == set(CONTRACT)
    for node_id, (display_name, inputs, outputs) in CONTRACT.items():
        schema = nodes[node_id].GET_SCHEMA()
        assert schema.display_name == display_name
        assert schema.category == "AnimateDiff"
        assert [i.id for i in schema.inputs] == inputs
        assert [o.get_io_type() for o in schema.outputs] == outputs


def test_everything_explains_itself(nodes):
    for node in nodes.values():
        schema = node.GET_SCHEMA()
        assert schema.description
        assert all(i.tooltip for i in schema.inputs)
        assert all(o.tooltip for o in schema.outputs)


def test_help_pages_list_every_input_and_output(nodes):
    for node_id, node in nodes.items():
        schema = node.GET_SCHEMA()
        page = (ROOT / "web" / "docs" / f"{node_id}.md").read_text(encoding="utf-8")
        for heading, has in (("Input", schema.inputs), ("Output", schema.outputs)):
            (part,) = re.findall(rf"^## {heading}s?\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)
            listed = re.findall(r"^- \*\*(.+?)\*\*", part, re.MULTILINE)
            names = [name.strip("`") for names in listed for name in names.split(", ")]
            assert sorted(names) == sorted(one.display_name or one.id for one in has), node_id


def test_ranges_and_choices(nodes):
    inputs = {i.id: i.as_dict() for i in nodes["ADN_ApplyMotionModule"].GET_SCHEMA().inputs}
    strength = inputs["strength"]
    assert (strength["default"], strength["min"], strength["max"]) == (1.0, 0.0, 2.0)
    assert inputs["beta_schedule"]["options"] == [
        "auto",
        "linear (AnimateDiff)",
        "scaled_linear (Stable Diffusion)",
        "keep",
        "average of linear and scaled_linear",
        "scaled_linear to 0.020 (AnimateDiff-SDXL)",
        "lcm of 100 timesteps (scaled_linear)",
        "sqrt",
        "cosine",
        "squaredcos_cap_v2",
        "linear to 0.014 (AnimateLCM-I2V)",
    ]
    alone = {i.id: i.as_dict() for i in nodes["ADN_NoiseSchedule"].GET_SCHEMA().inputs}
    without = [one for one in inputs["beta_schedule"]["options"] if one not in ("auto", "keep")]
    assert alone["beta_schedule"]["options"] == without
    assert inputs["start_percent"]["default"] == 0.0
    assert inputs["end_percent"]["default"] == 1.0


def test_folders_are_merged_with_what_is_there(extension, tmp_path, monkeypatch):
    """extra_model_paths.yaml runs first, and other packs register the same ids."""
    theirs = tmp_path / "shared_models"
    monkeypatch.setitem(
        folder_paths.folder_names_and_paths, "animatediff_models", ([str(theirs)], {".special"})
    )
    extension.register_folders()
    paths, extensions = folder_paths.folder_names_and_paths["animatediff_models"]
    assert str(theirs) in paths
    assert str(Path(folder_paths.models_dir) / "animatediff_models") in paths
    assert {".special", ".safetensors", ".ckpt", ".pth"} <= set(extensions)


@pytest.fixture
def folder(extension, tmp_path, monkeypatch):
    monkeypatch.setitem(
        folder_paths.folder_names_and_paths, "animatediff_models", ([str(tmp_path)], {".ckpt"})
    )
    return tmp_path


def test_from_file_to_clip(nodes, folder):
    torch.save(original("v3"), folder / "mm.ckpt")
    load, apply = nodes["ADN_LoadMotionModule"], nodes["ADN_ApplyMotionModule"]
    combo = next(i for i in load.define_schema().inputs)
    assert combo.options == ["mm.ckpt"]
    module = load.execute("mm.ckpt")[0]
    animated = apply.execute(tiny.model(), module, 0.5, "auto", 0.0, 1.0)[0]
    assert animated.get_model_object("model_sampling").sigma_max == pytest.approx(25.146, abs=1e-3)
    with torch.inference_mode():
        assert torch.isfinite(tiny.sample(animated, steps=1)).all()


def test_strength_zero_is_stock_to_the_schedule(nodes, folder):
    torch.save(original("v3"), folder / "mm.ckpt")
    module = nodes["ADN_LoadMotionModule"].execute("mm.ckpt")[0]
    model = tiny.model()
    off = nodes["ADN_ApplyMotionModule"].execute(model, module, 0.0, "auto", 0.0, 1.0)[0]
    with torch.inference_mode():
        assert torch.equal(tiny.sample(off), tiny.sample(model))


def test_a_replaced_file_is_loaded_again(nodes, folder):
    load = nodes["ADN_LoadMotionModule"]
    torch.save(original("v3"), folder / "mm.ckpt")
    first = load.fingerprint_inputs("mm.ckpt")
    assert load.fingerprint_inputs("mm.ckpt") == first
    torch.save(original("v2"), folder / "mm.ckpt")
    assert load.fingerprint_inputs("mm.ckpt") != first


def test_a_file_deleted_after_the_graph_was_built(nodes, folder):
    with pytest.raises(ValueError, match=r"gone\.ckpt"):
        nodes["ADN_LoadMotionModule"].execute("gone.ckpt")
