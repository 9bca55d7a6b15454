"""Context Windows shows its windows in the page, with the nodes of both kinds."""

from tools import workflow

from .small_clip import make_small

SHOWN = """() => {
    const [node] = app.graph._nodes.filter(node => node.type === "ADN_ContextWindows");
    const told = app.nodeOutputs[node.id];
    if (told?.images?.length !== 1) return false;
    const drawn = node.imgs?.length === 1 && node.imgs[0].naturalWidth > 0;
    const file = encodeURIComponent(told.images[0].filename);
    return drawn || [...document.images].some(i => i.src.includes(file) && i.naturalWidth > 0);
}"""


def test_the_windows_are_shown(page, standins, mode):
    page.drop(workflow.page_file("looped_clip"))
    make_small(page, standins)
    overlap = {"classic": 3}.get(mode, 2)  # another one, or the host would have it at hand
    page.set_widgets({"ADN_ContextWindows": {"context_length": 8, "context_overlap": overlap}})
    page.look_at("ADN_ContextWindows")
    page.run()
    page.tab.wait_for_function(SHOWN)
    page.picture(f"windows, {mode}")
