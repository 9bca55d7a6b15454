"""The workflows with ControlNets in a running ComfyUI, through the host's own nodes.

The ControlNet has random weights in the file format of ControlNet 1.1; the hints are a video.
"""

import av
import comfy.cldm.cldm
import comfy.ops
import numpy as np
import pytest
import torch
from live_graphs import SIZE, written
from safetensors.torch import save_file

from tools import media, workflow
from tools.random_weights import random_state_dict
from tools.run_events import ExecutionFailed
from tools.standin_checkpoint import SMALL_CHANNEL_MULT, UNET_LAYOUT

FRAMES = 18  # two windows of 16
WORKFLOWS = ("long_clip_depth", "two_controlnets", "video_to_video_depth")


@pytest.fixture(scope="module")
def controlnet(server):
    """A file in the server's models/controlnet, removed afterwards."""
    layout = {key: value for key, value in UNET_LAYOUT.items() if key != "out_channels"}
    net = comfy.cldm.cldm.ControlNet(
        **layout,
        channel_mult=SMALL_CHANNEL_MULT,
        hint_channels=3,
        device="meta",
        operations=comfy.ops.disable_weight_init,
    )
    weights = random_state_dict(net, torch.Generator().manual_seed(5))
    file = server.base.path / "models" / "controlnet" / "control.safetensors"
    save_file({f"control_model.{key}": value for key, value in weights.items()}, file)
    yield file.name
    file.unlink()


@pytest.fixture(scope="module")
def hint_video(server):
    """A video in the server's input folder whose brightness differs in every frame."""
    file = server.base.path / "input" / "hints.mp4"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for i in range(FRAMES):
            picture = np.full((SIZE, SIZE, 3), 255 * i // FRAMES, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    yield file.name
    file.unlink()


def small(name, standins, controlnet, hint_video):
    """A shipped workflow with stand-in models, few frames and few pixels."""
    prompt = workflow.load(name)
    inputs = {
        "CheckpointLoaderSimple": {"ckpt_name": standins.checkpoint.name},
        "ADN_LoadMotionModule": {"motion_module": standins.motion_module.name},
        "ControlNetLoader": {"control_net_name": controlnet},
        "LoadVideo": {"file": hint_video},
        "ImageFromBatch": {"length": FRAMES},
        "ImageScale": {"width": SIZE, "height": SIZE},
        "EmptyLatentImage": {"width": SIZE, "height": SIZE, "batch_size": FRAMES},
        "KSampler": {"steps": 1},
    }
    for node in prompt.values():
        values = inputs.get(node["class_type"], {})
        node["inputs"] |= {k: v for k, v in values.items() if k in node["inputs"]}
    return prompt


def clip(server, prompt):
    outputs = server.client.run(prompt)
    return media.webp_frames(written(server, prompt, outputs, "SaveAnimatedWEBP"))


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_long_clip_with_hints(server, standins, controlnet, hint_video, name):
    frames = clip(server, small(name, standins, controlnet, hint_video))
    assert len(frames) == FRAMES
    assert media.complaint(frames) is None


def test_hints_that_are_too_few_are_an_error(server, standins, controlnet, hint_video):
    prompt = small("long_clip_depth", standins, controlnet, hint_video)
    workflow.set_inputs(prompt, "ImageFromBatch", {"length": 5})
    with pytest.raises(ExecutionFailed, match=r"5 hints, and the clip has 18 frames"):
        server.client.run(prompt)
