"""Context Windows shows its windows in the page, with the nodes of both kinds."""

from tools import workflow

from .small_clip import make_small


def test_the_windows_are_shown(page, standins, mode):
    page.drop(workflow.page_file("looped_clip"))
    make_small(page, standins)
    overlap = {"classic": 3}.get(mode, 2)  # another one, or the host would have it at hand
    page.set_widgets({"ADN_ContextWindows": {"context_length": 8, "context_overlap": overlap}})
    page.look_at("ADN_ContextWindows")
    page.run()
    page.wait_for_picture("ADN_ContextWindows")
    page.picture(f"windows, {mode}")
