"""From the Run button to a clip that moves in the page."""

import time
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from tools import media, workflow

from .small_clip import FRAMES, SIZE, make_small

SAVED = ".dom-widget video[src*='type=output']"  # the one that was loaded is shown too
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


def assert_it_is_the_clip(server, element: Locator, width: str, read) -> None:
    """Of the size and the length asked for, and not a still; width: its property in the page."""
    expect(element).to_be_visible()
    expect(element).to_have_js_property(width, SIZE)
    frames = read(shown_file(server, element))
    assert len(frames) == FRAMES
    assert media.complaint(frames) is None


def test_a_clip_is_shown_in_the_page(page, server, standins):
    page.drop(workflow.page_file("text_to_video"))
    make_small(page, standins)
    page.look_at("SaveAnimatedWEBP")  # the page makes the picture when the node is in view
    page.run()
    animation = page.tab.locator(".dom-widget img")
    assert_it_is_the_clip(server, animation, "naturalWidth", media.webp_frames)
    assert_it_moves(animation)
    page.picture("animation")


@pytest.fixture
def loaded(server):
    """The video that the template names, gone afterwards: templates are as they come without it."""
    file = server.base.path / "input" / "input.mp4"
    yield file
    file.unlink()


def test_a_video_is_shown_in_the_page(page, server, standins, loaded):
    moving = np.random.default_rng(0).integers(0, 256, (FRAMES, SIZE, SIZE, 3), dtype=np.uint8)
    media.write_video(loaded, moving)
    page.drop(workflow.page_file("video_to_video"))
    make_small(page, standins, latent=False)
    page.set_widgets(
        {
            "ImageFromBatch": {"length": FRAMES},
            "ImageScale": {"width": SIZE, "height": SIZE},
        }
    )
    page.look_at("SaveVideo")
    page.run()
    video = page.tab.locator(SAVED)
    assert_it_is_the_clip(server, video, "videoWidth", media.video_frames)
    video.evaluate("shown => shown.play()")
    page.tab.wait_for_function(f'document.querySelector("{SAVED}").currentTime > 0.5')
