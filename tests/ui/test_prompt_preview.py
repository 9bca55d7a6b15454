"""Prompt Schedule shows in the page which prompt is when, with the nodes of both kinds of page."""

from tools import workflow

from .small_clip import FRAMES, make_small


def test_the_schedule_is_shown(page, standins, mode):
    page.drop(workflow.page_file("prompt_travel"))
    make_small(page, standins)
    text = f"0: spring {mode}\n7: winter"  # another one, or the host would have it at hand
    page.set_widgets({"ADN_PromptSchedule": {"text": text, "frames": FRAMES}})
    page.look_at("ADN_PromptSchedule")
    page.run()
    page.wait_for_picture("ADN_PromptSchedule")
    page.picture(f"prompts by frame, {mode}")
