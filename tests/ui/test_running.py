"""From the Run button to a clip that moves in the page."""

import time
from pathlib import Path
from urllib.parse import parse_qs, urlparse

from playwright.sync_api import Locator, expect

from tools import media
from tools.paths import REPO

from .small_clip import FRAMES, SIZE, make_small

MOVES_WITHIN = 20  # seconds; it shows 8 frames in each


def shown_file(server, element: Locator) -> Path:
    """The file in the server's output folder that an element of the page shows."""
    asked = parse_qs(urlparse(element.get_attribute("src") or "").query)
    assert asked["type"] == ["output"]
    return server.base.output / asked["filename"][0]


def assert_it_moves(element: Locator) -> None:
    """What a user sees of it changes."""
    first, end = element.screenshot(), time.monotonic() + MOVES_WITHIN
    while element.screenshot() == first:
        assert time.monotonic() < end, "the picture stands still"


def test_a_clip_is_shown_in_the_page(page, server, standins):
    page.drop(REPO / "workflows" / "text_to_video.json")
    make_small(page, standins)
    page.look_at("SaveAnimatedWEBP")  # the page makes the picture when the node is in view
    page.run()
    animation = page.tab.locator(".dom-widget img")
    expect(animation).to_be_visible()
    expect(animation).to_have_js_property("naturalWidth", SIZE)
    frames = media.webp_frames(shown_file(server, animation))
    assert len(frames) == FRAMES
    assert media.complaint(frames) is None
    assert_it_moves(animation)
    page.picture("animation")

    page.look_at("SaveVideo")
    video = page.tab.locator(".dom-widget video")
    expect(video).to_be_visible()
    expect(video).to_have_js_property("videoWidth", SIZE)
    frames = media.video_frames(shown_file(server, video))
    assert len(frames) == FRAMES
    assert media.complaint(frames) is None
    video.evaluate("shown => shown.play()")
    page.tab.wait_for_function("document.querySelector('.dom-widget video').currentTime > 0.5")
