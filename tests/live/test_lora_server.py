"""The LoRA nodes in a running ComfyUI: a list over a FLOAT link, and a file written and read."""

from pathlib import Path

import numpy as np
import pytest
from live_graphs import FRAMES, latent_graph, sample
from safetensors import safe_open
from safetensors.numpy import save_file

from tools import workflow
from tools.run_events import ExecutionFailed

RANK = 4


def write_motion_lora(motion_module: Path, path: Path) -> None:
    """A MotionLoRA with the official keys for the first attention of every block."""
    generator = np.random.default_rng(0)
    tensors = {}
    with safe_open(motion_module, "numpy") as file:
        for key in file.keys():  # noqa: SIM118  (not a dict)
            if key.endswith("attention_blocks.0.to_q.weight"):
                channels = file.get_slice(key).get_shape()[0]
                block = key.removesuffix("to_q.weight")
                for half, shape in (("down", (RANK, channels)), ("up", (channels, RANK))):
                    weight = generator.standard_normal(shape, dtype=np.float32) * channels**-0.25
                    tensors[f"{block}processor.to_q_lora.{half}.weight"] = weight
    save_file(tensors, path)


@pytest.fixture(scope="module")
def folder(server, standins):
    found = server.base.path / "models" / "animatediff_motion_lora"
    found.mkdir(parents=True, exist_ok=True)
    write_motion_lora(standins.motion_module, found / "move.safetensors")
    return found


def with_lora(prompt, **inputs):
    prompt["lora"] = {
        "class_type": "ADN_LoadMotionLora",
        "inputs": {"motion_lora": "move.safetensors", "strength": 1.0, **inputs},
    }
    apply = prompt[workflow.node_id(prompt, "ADN_ApplyMotionModule")]
    apply["inputs"]["motion_lora"] = ["lora", 0]
    return prompt


def with_frame_strengths(prompt, keyframes: str, frames: int, **inputs):
    node = {"keyframes": keyframes, "frames": frames}
    prompt["frames"] = {"class_type": "ADN_FrameStrengths", "inputs": node}
    return with_lora(prompt, frame_strengths=["frames", 0], **inputs)


def test_strengths_by_frame_and_by_step(server, standins, folder):
    bare, _ = sample(server, latent_graph(standins, run=301))
    merged, _ = sample(server, with_lora(latent_graph(standins, run=302)))
    ramp = with_frame_strengths(latent_graph(standins, run=303), f"0: 0, {FRAMES - 1}: 1", FRAMES)
    ramped, _ = sample(server, ramp)
    late, _ = sample(server, with_lora(latent_graph(standins, run=304), start_percent=0.5))
    again, _ = sample(server, latent_graph(standins, run=305))
    results = [bare, merged, ramped, late]
    assert all(np.isfinite(each).all() for each in results)
    assert not any(np.array_equal(a, b) for i, a in enumerate(results) for b in results[i + 1 :])
    assert np.array_equal(bare, again)


def test_a_list_of_the_wrong_length_stops_the_run(server, standins, folder):
    prompt = with_frame_strengths(
        latent_graph(standins, run=306), "0: 0, 4: 1", 5, wrong_length="error"
    )
    with pytest.raises(ExecutionFailed, match=f"5 values for a clip of {FRAMES} frames"):
        server.client.run(prompt)


def test_a_saved_composition_is_the_composition(server, standins, folder):
    prompt = with_lora(latent_graph(standins, run=307), strength=0.5)
    prompt["save"] = {
        "class_type": "ADN_SaveMotionLora",
        "inputs": {"motion_lora": ["lora", 0], "filename_prefix": "mine/half", "rank": 0},
    }
    outputs = server.client.run(prompt)
    assert "exact" in outputs["save"]["text"][0]
    assert (folder / "mine" / "half_00001_.safetensors").is_file()
    half, _ = sample(server, with_lora(latent_graph(standins, run=308), strength=0.5))
    saved = with_lora(latent_graph(standins, run=309), motion_lora="mine/half_00001_.safetensors")
    again, _ = sample(server, saved)
    assert np.abs(again - half).max() <= 1e-2 * half.std()  # the stand-ins are fp16
