"""Conversions as a user asks for them in the page, and what is then to be seen."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import FilePayload, Locator, TimeoutError, expect

from tools.paths import REPO
from tools.standins import StandIns

from .comfy_page import PATIENCE, ComfyPage
from .small_clip import FRAMES, SIZE, STEPS

FOLDER = REPO / "tests" / "data" / "ade"
QUESTION = "Convert to AnimateDiff Native?"
CONVERT_FILE = "Convert AnimateDiff-Evolved file..."
CONVERT_OPEN = "Convert open workflow to AnimateDiff Native"
NOTE = "MarkdownNote"
TABS = "app.extensionManager.workflow.openWorkflows.map(tab => tab.filename)"
IN_FRONT = "app.extensionManager.workflow.activeWorkflow.filename"
NOTED = """() => app.graph._nodes.filter(node => node.type === "MarkdownNote")
    .map(node => [node.title, String(node.widgets[0].value)])"""
# Of all pairs of nodes, those that lie on one another; titles are above a node's place.
COVERED = """() => {
    const nodes = app.graph._nodes, found = [];
    const box = ({ pos, size }) => [pos[0], pos[1] - 30, pos[0] + size[0], pos[1] + size[1]];
    for (const [index, one] of nodes.entries()) for (const other of nodes.slice(0, index)) {
        const a = box(one), b = box(other);
        if (a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3])
            found.push(`${one.type} on ${other.type}`);
    }
    return found;
}"""


def unknown(page: ComfyPage) -> list[str]:
    """Node types that are not installed."""
    return sorted({node["type"] for node in page.nodes() if not node["known"]})


def types(page: ComfyPage) -> set[str]:
    return {node["type"] for node in page.nodes()}


def question(page: ComfyPage) -> Locator:
    """The question whether to convert, which is there."""
    found = page.dialogs.filter(has_text=QUESTION)
    found.wait_for()
    return found


def convert(page: ComfyPage) -> None:
    """Agrees; ends when the converted workflow is open. Older pages then list files of weights that
    the server does not have in a dialog."""
    found, before = question(page), page.opened_path()
    found.get_by_role("button", name="Convert", exact=True).click()
    expect(found).to_have_count(0)
    page.wait_until_opened(before)
    expect(page.toasts.filter(has_text="Converted")).to_have_count(1)
    weights = page.dialogs.filter(has_text="Missing Models")
    if weights.count():
        page.tab.keyboard.press("Escape")
        expect(weights).to_have_count(0)


def choose(page: ComfyPage, command: str) -> None:
    """Clicks an entry of the page's File menu, which opens under the pointer, unless that was there
    before the menu was."""
    page.tab.locator(".comfyui-logo").first.click()
    menu = page.tab.get_by_role("menuitem", name="File", exact=True).first
    menu.hover()
    entry = page.tab.get_by_role("menuitem", name=command)
    with suppress(TimeoutError):
        entry.wait_for(timeout=PATIENCE / 40)
    if not entry.is_visible():
        menu.click()
    entry.click()


def choose_files(page: ComfyPage, *files: Path | FilePayload) -> None:
    """Has files converted by the menu."""
    with page.tab.expect_file_chooser() as chooser:
        choose(page, CONVERT_FILE)
    given: Any = list(files)
    chooser.value.set_files(given)


def payload(name: str, data: bytes, kind: str) -> FilePayload:
    return {"name": name, "mimeType": kind, "buffer": data}


def tabs(page: ComfyPage) -> list[str]:
    return page.tab.evaluate(TABS)


def in_front(page: ComfyPage) -> str:
    return page.tab.evaluate(IN_FRONT)


def notes(page: ComfyPage) -> list[list[str]]:
    """Title and text of each note."""
    return page.tab.evaluate(NOTED)


def small(name: str, standins: StandIns, folder: Path = FOLDER) -> dict[str, Any]:
    """An example with files that are there, and a size that a CPU samples in seconds."""
    text = (folder / f"{name}.json").read_text(encoding="utf-8")
    given = json.loads(re.sub(r'"[^"]*\.ckpt"', json.dumps(standins.motion_module.name), text))
    for node in given["nodes"]:
        kind, values = node["type"], node.get("widgets_values")
        if kind == "CheckpointLoaderSimple":
            values[0] = standins.checkpoint.name
        elif kind == "EmptyLatentImage":
            values[:] = [SIZE, SIZE, FRAMES]
        elif kind == "KSampler":
            values[2] = STEPS
    return given


def with_something_left() -> dict[str, Any]:
    """Options that serve a node of another pack, and so stay."""
    given = json.loads((FOLDER / "gen1_ui.json").read_text(encoding="utf-8"))
    empty = {"size": [200, 100], "flags": {}, "order": 0, "mode": 0,
             "properties": {}, "widgets_values": []}  # fmt: skip
    options = {"name": "CONTEXT_OPTS", "type": "CONTEXT_OPTIONS", "links": [90]}
    taken = {"name": "context_options", "type": "CONTEXT_OPTIONS", "link": 90}
    given["nodes"] += [
        {**empty, "id": 90, "pos": [0, 1200], "type": STAYS, "inputs": [], "outputs": [options]},
        {
            **empty,
            "id": 91,
            "pos": [300, 1200],
            "type": "AnimateDiff Script",
            "inputs": [taken],
            "outputs": [],
        },
    ]
    given["links"].append([90, 90, 0, 91, 0, "CONTEXT_OPTIONS"])
    return {**given, "last_node_id": 91, "last_link_id": 90}


STAYS = "ADE_AnimateDiffUniformContextOptions"
