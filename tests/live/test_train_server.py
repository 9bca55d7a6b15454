"""Training in a running ComfyUI: the shipped workflow, cancelled and finished."""

import io
import re

import numpy as np
import pytest
import small_files
from live_graphs import SIZE
from PIL import Image
from safetensors.numpy import load_file

from tools import workflow
from tools.client import ExecutionFailed, ExecutionInterrupted, Progress

CLIPS, FRAMES, RANK = 2, 4, 4
NODE = "ADN_TrainMotionLora"


@pytest.fixture(scope="module")
def video(server):
    """In the server's input folder: a bright bar that moves to the right."""
    file = server.base.path / "input" / "clips.mp4"
    small_files.video(file, CLIPS * FRAMES)
    yield file.name
    file.unlink()


def small(standins, video, seed, steps=2, **settings):
    """The workflow with stand-in models, few frames and few pixels; each seed runs afresh."""
    prompt = workflow.load("train_motion_lora")
    size = {"width": SIZE, "height": SIZE, "frames_per_clip": FRAMES, "rank": RANK}
    for node_class, inputs in {
        "CheckpointLoaderSimple": {"ckpt_name": standins.checkpoint.name},
        "ADN_LoadMotionModule": {"motion_module": standins.motion_module.name},
        "LoadVideo": {"file": video},
        NODE: {**size, "seed": seed, "steps": steps, **settings},
    }.items():
        workflow.set_inputs(prompt, node_class, inputs)
    return prompt


def files(server):
    """Names by folder of the MotionLoRAs that there are."""
    root = server.base.path / "models" / "animatediff_motion_lora"
    return {path.relative_to(root).as_posix(): path for path in root.rglob("*.safetensors")}


def assert_motion_lora(path):
    tensors = load_file(path)
    assert tensors and all(np.isfinite(tensor).all() for tensor in tensors.values())
    ups = [tensor for key, tensor in tensors.items() if ".up." in key]
    assert all(tensor.shape[1] == RANK and tensor.any() for tensor in ups)


def test_the_workflow_trains_and_saves(server, standins, video):
    prompt = small(standins, video, 1, sample_every=2)
    before, seen = files(server), []
    outputs = server.client.run(prompt, seen.append)
    (name,) = files(server).keys() - before.keys()
    assert re.fullmatch(r"my_zoom_in_\d{5}_\.safetensors", name)  # other tests save there too
    assert_motion_lora(files(server)[name])
    (picture,) = outputs[workflow.node_id(prompt, "PreviewImage")]["images"]
    assert Image.open(io.BytesIO(server.client.view(picture))).size == (1024, 576)
    node = workflow.node_id(prompt, NODE)
    assert {step.value for step in seen if step.node == node} >= {1, 2}
    log = server.base.log.read_text(encoding="utf-8")
    assert "4 clips (half of them mirrored) of 4 frames, 64x64, rank 4, 2 steps, fp32" in log


def test_a_cancelled_training_is_kept_and_the_next_one_works(server, standins, video):
    prompt = small(standins, video, 2, steps=50)
    node, before = workflow.node_id(prompt, NODE), files(server)

    def stop_after_a_step(progress: Progress) -> None:
        if (progress.node, progress.value, progress.maximum) == (node, 2, 50):
            server.client.interrupt()

    with pytest.raises(ExecutionInterrupted):
        server.client.run(prompt, stop_after_a_step)
    (name,) = files(server).keys() - before.keys()
    assert name.startswith("training/stopped_after_step_")
    assert_motion_lora(files(server)[name])
    prompt = small(standins, video, 3)
    prompt[node]["inputs"]["continue_from"] = ["kept", 0]
    prompt["kept"] = {
        "class_type": "ADN_LoadMotionLora",
        "inputs": {"motion_lora": name, "strength": 1.0},
    }
    server.client.run(prompt)
    assert "my_zoom_in_00002_.safetensors" in files(server)


def test_an_error_is_shown_at_the_node(server, standins, video):
    prompt = small(standins, video, 4, frames_per_clip=3)
    with pytest.raises(ExecutionFailed, match=r"2 clips of 3, and 2 left over") as caught:
        server.client.run(prompt)
    assert caught.value.node_type == NODE
