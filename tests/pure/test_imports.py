"""Imports point one way; and the mathematics needs no host."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "nodes": 4,
    "trajectories": 3,
    "training": 2,
    "conditions": 2,
    "lora": 1,
    "samplers": 1,
    "convert": 1,
    "motion": 0,
}
HOST_MODULES = {
    "comfy",
    "comfy_api",
    "comfy_execution",
    "comfy_extras",
    "folder_paths",
    "nodes",
    "execution",
    "latent_preview",
    "server",
}
PURE = [
    "motion/config.py",
    "motion/formats.py",
    "motion/detect.py",
    "motion/recognise.py",
    "motion/positions.py",
    "motion/keyed_text.py",
    "motion/known_files.py",
    "motion/missing_file.py",
    "motion/keyed_entries.py",
    "motion/frame_keys.py",
    "motion/expressions.py",
    "motion/clip_part.py",
    "motion/file_start.py",
    "motion/block.py",
    "motion/network.py",
    "motion/errors.py",
    "motion/files.py",
    "motion/report.py",
    "motion/step_range.py",
    "motion/effects.py",
    "motion/call.py",
    "motion/run.py",
    "motion/placement.py",
    "motion/slots.py",
    "motion/frame_sharing.py",
    "motion/space_time.py",
    "motion/space_time_files.py",
    "conditions/clip_modes.py",
    "conditions/clip_region.py",
    "motion/cross_frame_norm.py",
    "trajectories/drawn_path.py",
    "trajectories/flow.py",
    "trajectories/follow_boxes.py",
    "trajectories/follow_cross.py",
    "trajectories/follow_spatial.py",
    "trajectories/follow_temporal.py",
    "trajectories/ordinary_tensors.py",
    "trajectories/reference_maps.py",
    "trajectories/reference_steps.py",
    "trajectories/subject_tokens.py",
    "trajectories/trajectory_noise.py",
    "trajectories/flow_autoencoder.py",
    "trajectories/tora_network.py",
    "trajectories/trajectory.py",
    "trajectories/trajectory_keys.py",
    "trajectories/trajectory_pictures.py",
    "trajectories/trajectory_text.py",
    "trajectories/trajectory_times.py",
    "trajectories/trajectory_tracks.py",
    "lora/pairs.py",
    "lora/names.py",
    "lora/formats.py",
    "lora/chain.py",
    "motion/frame_strengths.py",
    "motion/call_frames.py",
    "motion/motion_strength.py",
    "motion/block_factors.py",
    "motion/stretched_positions.py",
    "motion/free_long.py",
    "motion/plot.py",
    "motion/keyframes.py",
    "lora/fit.py",
    "lora/compose.py",
    "lora/save.py",
    "lora/frame_path.py",
    "lora/layer_update.py",
    "lora/uncompiled.py",
    "samplers/windows.py",
    "samplers/fuse.py",
    "samplers/control_slicing.py",
    "samplers/free_noise.py",
    "samplers/frame_noise.py",
    "samplers/free_init.py",
    "samplers/views.py",
    "samplers/control_strength.py",
    "samplers/frame_control.py",
    "samplers/frame_prompt.py",
    "samplers/prompt_schedule.py",
    "samplers/prompt_frames.py",
    "samplers/prompt_text.py",
    "samplers/prompt_plot.py",
    "samplers/windows_plot.py",
    "samplers/clip_in_parts.py",
    "samplers/run_progress.py",
    "samplers/clip_player.py",
    "motion/beside.py",
    "conditions/camera_encoder.py",
    "conditions/camera_plot.py",
    "conditions/camera_poses.py",
    "conditions/camera_rays.py",
    "conditions/camera_text.py",
    "conditions/frame_places.py",
    "conditions/image_files.py",
    "conditions/pia_masks.py",
    "conditions/sparse_files.py",
    "conditions/sparse_frames.py",
    "conditions/sparse_hints.py",
    "conditions/sparse_windows.py",
    "conditions/ways.py",
    "training/settings.py",
    "training/clip_set.py",
    "training/clips.py",
    "training/augment.py",
    "training/objective.py",
    "training/low_rank.py",
    "training/normal_tensors.py",
    "training/trainer.py",
    "training/prompts.py",
    "training/curve.py",
    *sorted(f"convert/{path.name}" for path in (ROOT / "convert").glob("*.py")),
]
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def imports(path: Path):
    """(level, module) of every import; relative ones resolved to our package names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path):
    own = path.relative_to(ROOT).parts[0]
    for level, module in imports(path):
        if level == 2 and module.split(".")[0] in PACKAGES:
            assert PACKAGES[module.split(".")[0]] < PACKAGES[own], f"{own} imports {module}"


@pytest.mark.parametrize("path", PURE)
def test_the_mathematics_needs_no_host(path):
    for level, module in imports(ROOT / path):
        assert level or module.split(".")[0] not in HOST_MODULES


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_outgrows_its_concept(path):
    assert len(path.read_text().splitlines()) <= 300
