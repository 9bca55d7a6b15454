"""One ComfyUI server, one browser and one page for all tests of the page."""

import json
import os
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from adn_testing.servers import (
    ServerFactory,
    host_tree,  # noqa: F401  fixtures, here and below
    make_server,  # noqa: F401
    standins,  # noqa: F401
)
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tools import browser as browser_tools
from tools.paths import DEV
from tools.server import ComfyServer

from .comfy_page import CLASSIC, NODES_2, ComfyPage

# The page then reaches this server only: whatever it asks the internet for fails at once.
ARGUMENTS = ["--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
# No greeting of a first visit, no news, no files that are missing: what opens, a test has opened. Few frames
# per second of the canvas, which is drawn without a GPU.
SETTINGS = {
    "Comfy.TutorialCompleted": True,
    "Comfy.Notification.ShowVersionUpdates": False,
    "Comfy.Workflow.ShowMissingModelsWarning": False,  # a dialog of older pages
    "LiteGraph.Canvas.MaximumFps": 10,
}
SLOW_NODES = Path(__file__).parents[1] / "adn_testing" / "slow_nodes"
VIEWPORT: ViewportSize = {"width": 1600, "height": 900}


@pytest.fixture(scope="package")
def browser_path() -> Path:
    """Skips where there is no browser, unless the tests were asked for by ADN_UI=required."""
    found = browser_tools.find()
    if found is None:
        complain = pytest.fail if os.environ.get("ADN_UI") == "required" else pytest.skip
        complain(f"no Chromium on PATH: {browser_tools.HOW}")
    return found


@pytest.fixture(scope="package")
def server(browser_path: Path, make_server: ServerFactory) -> Iterator[ComfyServer]:  # noqa: F811
    """With the host's page, or the one that FRONTEND names."""
    page = browser_tools.chosen_page()
    chosen = ("--front-end-root", str(page)) if page else ()
    prepared = make_server("ui_server", True, "--preview-method", "latent2rgb", *chosen)
    prepared.base.add_custom_node("slow", SLOW_NODES)
    settings = prepared.base.path / "user" / "default" / "comfy.settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(SETTINGS), encoding="utf-8")
    with prepared as running:
        yield running


@pytest.fixture(scope="package")
def browser(browser_path: Path, server: ComfyServer) -> Iterator[Browser]:
    """After the server, so that it ends first and leaves no open connection behind."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=browser_path, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="package")
def shared_page(browser: Browser, server: ComfyServer) -> ComfyPage:
    with urllib.request.urlopen(f"{server.url}/system_stats") as answer:
        version = json.load(answer)["system"]["comfyui_version"]
    pictures = DEV / "ui" / "-".join([version, os.environ.get("FRONTEND", "")]).rstrip("-")
    shutil.rmtree(pictures, ignore_errors=True)
    tab = browser.new_page(viewport=VIEWPORT, locale="en-US")
    page = ComfyPage(tab, server.url, pictures)
    page.visit()
    return page


@pytest.fixture
def page(shared_page: ComfyPage, request: pytest.FixtureRequest) -> Iterator[ComfyPage]:
    """The page with nothing open over the canvas; a picture of how the test left it is kept.

    No test may leave an error of our files on the console. After a failure the page starts anew.
    """
    failed = request.session.testsfailed
    yield shared_page
    shared_page.picture(request.node.name)
    complaints = shared_page.take_complaints()
    if request.session.testsfailed != failed or complaints:
        shared_page.visit()
    else:
        shared_page.tidy()
    assert complaints == []


@pytest.fixture(params=[CLASSIC, NODES_2])
def mode(page: ComfyPage, request: pytest.FixtureRequest) -> Iterator[str]:
    """How the page draws nodes: a test that asks for it runs in both modes, where the page has two."""
    if not page.draw_nodes(request.param):
        pytest.skip(f"this page has no {request.param}")
    yield request.param
    page.draw_nodes(CLASSIC)
