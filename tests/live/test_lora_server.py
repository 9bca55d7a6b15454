"""The LoRA nodes in a running ComfyUI: a list over a FLOAT link, and a file written and read."""

import numpy as np
import pytest
from live_graphs import FRAMES, latent_graph, sample

from tools import workflow
from tools.client import ExecutionFailed


@pytest.fixture(scope="module")
def folder(server, files):
    files.add("motion_lora", "move.safetensors")
    return server.base.path / "models" / "animatediff_motion_lora"


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
