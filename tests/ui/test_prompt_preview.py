"""Prompt Schedule shows in the page which prompt is when, with the nodes of both kinds of page."""

from tools import workflow

from .small_clip import FRAMES, make_small

SHOWN = """() => {
    const [node] = app.graph._nodes.filter(node => node.type === "ADN_PromptSchedule");
    const told = app.nodeOutputs[node.id];
    if (told?.images?.length !== 1 || told.text) return false;
    const drawn = node.imgs?.length === 1 && node.imgs[0].naturalWidth > 0;
    const file = encodeURIComponent(told.images[0].filename);
    return drawn || [...document.images].some(i => i.src.includes(file) && i.naturalWidth > 0);
}"""

def test_the_schedule_is_shown(page, standins, mode):
    page.drop(workflow.page_file("prompt_travel"))
    make_small(page, standins)
    text = f"0: spring {mode}\n7: winter"  # another one, or the host would have it at hand
    page.set_widgets({"ADN_PromptSchedule": {"text": text, "frames": FRAMES}})
    page.look_at("ADN_PromptSchedule")
    page.run()
    page.tab.wait_for_function(SHOWN)
    page.picture(f"prompts by frame, {mode}")
