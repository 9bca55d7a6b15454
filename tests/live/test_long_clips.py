"""Workflows of long clips in a running ComfyUI: longer than a window, at the size of a stamp."""

import pytest
from live_graphs import SIZE, written

from tools import media, workflow

FRAMES = 18  # two windows of 16


def small(name: str, standins) -> dict:
    """A shipped workflow with the stand-in models, few frames and few pixels."""
    prompt = workflow.load(name)
    workflow.set_inputs(prompt, "CheckpointLoaderSimple", {"ckpt_name": standins.checkpoint.name})
    workflow.set_inputs(
        prompt, "ADN_LoadMotionModule", {"motion_module": standins.motion_module.name}
    )
    size = {"width": SIZE, "height": SIZE, "batch_size": FRAMES}
    workflow.set_inputs(prompt, "EmptyLatentImage", size)
    workflow.set_inputs(prompt, "KSampler", {"steps": 1})
    return prompt


def assert_clip(server, prompt):
    outputs = server.client.run(prompt)
    webp = media.webp_frames(written(server, prompt, outputs, "SaveAnimatedWEBP"))
    assert len(webp) == FRAMES
    assert media.complaint(webp) is None
    return outputs


@pytest.mark.parametrize("schedule", ["static", "looped"])
def test_a_long_clip(server, standins, schedule):
    prompt = small("looped_clip", standins)
    workflow.set_inputs(prompt, "ADN_ContextWindows", {"schedule": schedule})
    assert_clip(server, prompt)


def test_prompt_travel_shows_its_schedule(server, standins):
    prompt = small("prompt_travel", standins)
    text = '0: "spring"\n17: "winter, deep snow"'
    workflow.set_inputs(prompt, "ADN_PromptSchedule", {"text": text, "frames": FRAMES})
    outputs = assert_clip(server, prompt)
    for node in ("ADN_PromptSchedule", "PreviewAny"):
        (table,) = outputs[workflow.node_id(prompt, node)]["text"]
        assert "17  a small house by a lake, winter, deep snow" in table
