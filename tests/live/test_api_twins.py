"""Every workflow in API format runs to its end, with small stand-ins, and its outputs are real.

A new workflow needs no entry here: its sizes and files shrink by the names of its inputs. Where
that is not enough, the run fails and says what is missing.
"""

import pytest
from small_runs import LogLines, check_outputs, clip_length, shrink

from tools import workflow

NAMES = sorted(path.stem for path in workflow.API_WORKFLOWS.glob("*.json"))
CLIP_SAVERS = {"SaveAnimatedWEBP", "SaveVideo"}
SMALLER = {  # what has to be smaller in another way, by workflow and node
    "motion_lora_ramp": {"ADN_FrameStrengths": {"keyframes": "0: 0.0, 1: 0.0, 3: 1.0"}},
    "train_motion_lora": {"ADN_TrainMotionLora": {"rank": 2, "width": 64, "height": 64}},
}
ENDS = {  # of those that save no clip
    "train_motion_lora": {"ADN_SaveMotionLora", "PreviewImage"},
    "long_clip_in_parts": {"SaveImage", "SaveLatent"},
}


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_to_its_end(server, files, name):
    prompt = workflow.load(name)
    files.put(prompt)
    shrink(prompt, name)
    for node_class, values in SMALLER.get(name, {}).items():
        workflow.set_inputs(prompt, node_class, values)
    log = LogLines(server.base.log)
    outputs = server.client.run(prompt)
    ends = check_outputs(server, prompt, outputs, clip_length(prompt))
    assert ENDS[name] == set(ends) if name in ENDS else CLIP_SAVERS & set(ends)
    samplers = [node for node in prompt.values() if node["class_type"] == "KSampler"]
    rounds = [node["inputs"].get("iterations", 1) for node in prompt.values()]  # of FreeInit
    assert len(log.matching(r"AnimateDiff: .* 2[01] modules inserted in ")) == (
        len(samplers) * max(rounds)
    )
