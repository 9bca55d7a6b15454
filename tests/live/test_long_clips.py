"""Long clips in a running ComfyUI: what the runs of the shipped workflows do not show."""

import pytest
from small_runs import clip_length, shrink

from tools import workflow
from tools.client import ExecutionFailed


def small(files, name: str) -> dict:
    prompt = workflow.load(name)
    files.put(prompt)
    shrink(prompt, f"{name} of long clips")
    return prompt


def test_prompt_travel_shows_its_schedule(server, files):
    prompt = small(files, "prompt_travel")
    schedule = workflow.node_id(prompt, "ADN_PromptSchedule")
    prompt["table"] = {"class_type": "PreviewAny", "inputs": {"source": [schedule, 1]}}
    last = clip_length(prompt) - 1
    outputs = server.client.run(prompt)
    (table,) = outputs["table"]["text"]
    assert len(outputs[schedule]["images"]) == 1
    assert f"- {last}: a small house by a lake, winter, deep snow" in table


def test_hints_that_are_too_few_are_an_error(server, files):
    prompt = small(files, "long_clip_depth")
    workflow.set_inputs(prompt, "ImageFromBatch", {"length": 5})
    with pytest.raises(ExecutionFailed, match=r"5 images, and the clip has 16 frames"):
        server.client.run(prompt)
