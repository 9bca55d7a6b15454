"""What a user sees of a mistake: the message in full, and the node that it belongs to."""

import re

import pytest
from playwright.sync_api import expect

from tools import workflow

from .comfy_page import ComfyPage
from .small_clip import make_small

NO_MODULE = "not_a_motion_module.safetensors"
ABSENT = "mm_sd_v15_v2.ckpt"
ADDRESS = "https://huggingface.co/guoyww/animatediff/resolve/main/"

# workflow, node type, its widgets, and the parts of the message: given, expected, what to do
MISTAKES = {
    "a file that is no motion module": (
        "text_to_video",
        "ADN_LoadMotionModule",
        {"motion_module": NO_MODULE},
        [
            f"'{NO_MODULE}' is a whole checkpoint",
            "move it to models/checkpoints, press R, and choose it in ComfyUI's Load Checkpoint",
        ],
    ),
    "a file that is not there": (
        "text_to_video",
        "ADN_LoadMotionModule",
        {"motion_module": ABSENT},
        [f"'{ABSENT}' is not in models/animatediff_models", f"download {ADDRESS}{ABSENT} into"],
    ),
    "an empty range": (
        "text_to_video",
        "ADN_ApplyMotionModule",
        {"start_percent": 0.5, "end_percent": 0.5},
        ["start_percent is 0.5 and end_percent 0.5", "raise end_percent, or lower start_percent"],
    ),
    "a prompt before the clip": (
        "prompt_travel",
        "ADN_PromptSchedule",
        {"text": '0: "spring"\n-9: "winter"', "frames": 8},
        ["line 2 of the prompt schedule", "lies before a clip of 8 frames", "correct that line"],
    ),
    "a window that the module cannot see": (
        "prompt_travel",
        "ADN_ContextWindows",
        {"context_length": 40},
        [
            "a context window has 40 frames",
            "can see 32 at once",
            "set context_length of Context Windows to 16",
        ],
    ),
}  # fmt: skip
MODULE_PATH = "motion.errors"  # newer pages show an error's class in full
# In the words of older and of newer pages.
NOT_CONNECTED = re.compile(
    r"ADN_ApplyMotionModule.*Required input is missing: motion_module"
    r"|Missing connection.*Apply Motion Module.* - motion_module",
    re.DOTALL,
)
ELSEWHERE = {
    "a window that the module cannot see": {
        "EmptyLatentImage": {"batch_size": 48},
        "ADN_PromptSchedule": {"frames": 48},
    },
}


@pytest.fixture
def wrong_file(server, standins):
    """A checkpoint where motion modules are, which users mix up."""
    folder = server.base.path / "models" / "animatediff_models"
    (folder / NO_MODULE).symlink_to(standins.checkpoint)
    yield
    (folder / NO_MODULE).unlink()


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.usefixtures("wrong_file")
def test_an_error_is_shown_at_its_node(page: ComfyPage, standins, mode, mistake):
    name, node_type, wrong, said = MISTAKES[mistake]
    page.drop(workflow.page_file(name))
    make_small(page, standins)
    page.set_widgets({**ELSEWHERE.get(mistake, {}), node_type: wrong})
    page.look_at(node_type)
    page.run()
    problems = page.problems()
    for part in said:
        expect(problems).to_contain_text(part)
    expect(problems).not_to_contain_text(MODULE_PATH)
    page.picture(f"error {mistake} {mode}")
    assert page.outlined() == [node_type]
    page.tidy()  # the picture at the end of the test shows the node


def test_an_input_that_is_not_connected_is_shown_before_the_run(page: ComfyPage, standins, mode):
    page.drop(workflow.page_file("text_to_video"))
    make_small(page, standins)
    page.select("ADN_LoadMotionModule")
    page.tab.keyboard.press("Delete")
    page.look_at("ADN_ApplyMotionModule")
    page.run()
    expect(page.problems()).to_contain_text(NOT_CONNECTED)
    page.picture(f"error an input that is not connected {mode}")
    assert page.outlined() == ["ADN_ApplyMotionModule"]
    page.tidy()
