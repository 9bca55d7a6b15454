"""People find our nodes by what they know them as, in the search of the page itself."""

import re
from contextlib import suppress

import pytest
from playwright.sync_api import expect

from .comfy_page import SECONDS, ComfyPage

SHOWN = 8  # results that are seen without scrolling
SOON = 10 * SECONDS

# On every page: those that search names alone find what begins in the first 30 characters of one.
FOUND = {
    "animatediff": ["Load Motion Module", "Apply Motion Module"],
    "load animatediff": ["Load Motion Module"],
    "apply animatediff": ["Apply Motion Module"],
    "evolved": ["Apply Motion Module"],
    "animatediff evolved": ["Apply Motion Module"],
    "motion module": ["Load Motion Module", "Apply Motion Module"],
    "prompt travel": ["Prompt Schedule"],
    "prompt schedule": ["Prompt Schedule"],
    "batch prompt schedule": ["Prompt Schedule"],
    "value schedule": ["Frame Strengths"],
    "context options": ["Context Windows"],
    "sliding window": ["Context Windows"],
    "loop": ["Context Windows", "Ping-Pong"],
    "context": ["Context Windows"],
    "view options": ["Views"],
    "long clip": ["FreeLong", "Views"],
    "long video": ["Continue Clip"],
    "ping pong": ["Ping-Pong"],
    "boomerang": ["Ping-Pong"],
    "camera": ["Load MotionLoRA"],
    "zoom": ["Load MotionLoRA"],
    "motion lora": ["Load MotionLoRA", "Train MotionLoRA", "Save MotionLoRA"],
    "motion director": ["Train MotionLoRA"],
    "domain adapter": ["Load Domain Adapter"],
    "beta schedule": ["Noise Schedule"],
    "multival": ["Motion Strength"],
    "motion scale": ["Motion Strength"],
    "adjust pe": ["Stretch Positions"],
    "freenoise": ["FreeNoise"],
    "noise type": ["FreeNoise", "Noise by Frame"],
    "custom noise": ["Noise for KSampler"],
    "freeinit": ["FreeInit"],
    "iteration": ["FreeInit"],
    "custom cfg": ["CFG by Frame and Step"],
    "lora schedule": ["LoRA by Frame"],
}
# Where the page searches the nodes' other words too.
FOUND_BY_ALIASES = {
    "apply animatediff model": ["Apply Motion Module"],
    "load animatediff model": ["Load Motion Module"],
    "motion model": ["Load Motion Module"],
    "mm_sd_v15": ["Load Motion Module"],
    "latent keyframe": ["ControlNet Strength by Frame"],
    "batch value schedule": ["Frame Strengths"],
    "sweetspot": ["Stretch Positions"],
    "sample settings": ["FreeNoise", "Noise by Frame"],
    "pan": ["Load MotionLoRA"],
    "fizz": ["Prompt Schedule"],
}
# A word that no name has.
KNOWS_ALIASES = "sweetspot"


def expect_found(page: ComfyPage, words: str, titles: list[str]) -> None:
    results = page.search(words)
    for title in titles:
        shown = results.filter(has_text=re.compile(rf"{re.escape(title)} \("))
        with suppress(AssertionError):
            expect(shown.first).to_be_visible(timeout=SOON)
        if not shown.count():  # a busy page loses what is typed
            page.search(words)
            with suppress(AssertionError):
                expect(shown.first).to_be_visible(timeout=SOON)
        assert shown.count(), f"{words!r} finds {results.all_inner_texts()}"
        texts = results.all_inner_texts()
        assert any(f"{title} (" in text for text in texts[:SHOWN]), (words, texts)


@pytest.fixture
def search(page, mode):
    page.visit()  # as a user begins; an open video takes the double click
    page.draw_nodes(mode)
    page.open_search()
    yield
    page.tab.keyboard.press("Escape")


@pytest.mark.usefixtures("search")
def test_the_words_that_people_know_find_the_nodes(page):
    for words, titles in FOUND.items():
        expect_found(page, words, titles)
    page.picture("search for nodes")


@pytest.mark.usefixtures("search")
def test_further_words_find_nodes_where_the_page_searches_them(page):
    results = page.search(KNOWS_ALIASES)
    page.tab.wait_for_timeout(SECONDS)
    if not results.count():
        pytest.skip("this page searches names alone")
    for words, titles in FOUND_BY_ALIASES.items():
        expect_found(page, words, titles)
