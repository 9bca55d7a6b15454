"""ComfyUI's page, as a user handles it."""

import base64
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Error, Locator, Page, TimeoutError, expect

from tools.base_directory import EXTENSION_NAME
from tools.client import Prompt

SECONDS = 1000  # Playwright counts in milliseconds
PATIENCE = 120 * SECONDS  # much more than anything takes, for machines that are busy otherwise
expect.set_options(timeout=PATIENCE)
OURS = f"/extensions/{EXTENSION_NAME}/"
# The page asks for a translated help page first, and takes the English one if there is none.
TRANSLATED_HELP = re.compile(rf"{OURS}docs/\w+/[\w-]+\.md$")

READY = """() => {
    const manager = window.app?.extensionManager;
    return Boolean(manager?.workflow?.activeWorkflow && !manager.spinner && app.graph?._nodes.length);
}"""
OPENED = """before => {
    const manager = app.extensionManager;
    return !manager.spinner && manager.workflow.activeWorkflow.path !== before;
}"""
FILE = """([encoded, name, type]) => {
    const carried = new DataTransfer();
    const bytes = Uint8Array.from(atob(encoded), sign => sign.charCodeAt(0));
    carried.items.add(new File([bytes], name, { type }));
    return carried;
}"""
SET_WIDGETS = """values => {
    for (const [type, chosen] of Object.entries(values)) {
        const found = app.graph._nodes.filter(node => node.type === type);
        if (found.length !== 1) throw new Error(`expected one ${type}, found ${found.length}`);
        const [node] = found;
        for (const [name, value] of Object.entries(chosen)) {
            const widget = node.widgets.find(widget => widget.name === name);
            if (!widget) throw new Error(`${type} has no widget ${name}`);
            const before = widget.value;
            widget.value = value;
            widget.callback?.(value);
            node.onWidgetChanged?.(name, value, before, widget);
        }
    }
}"""
NODES = """() => app.graph._nodes.map(node => ({
    id: String(node.id),
    type: node.type,
    known: node.type in LiteGraph.registered_node_types,
}))"""
# An outline that the page draws around a node is a style that answers; green is for running ones.
OUTLINED = """() => app.graph._nodes.filter(node => {
    const drawn = Object.values(node.strokeStyles).map(style => style.call(node));
    return drawn.some(style => ["red", "#f0f", "#E00"].includes(style?.color));
}).map(node => node.type)"""
# Zoomed until the text of nodes is drawn, with the named node in the middle.
LOOK_AT = """id => {
    const node = app.graph.getNodeById(id), view = app.canvas.ds, box = app.canvas.canvas;
    view.scale = 1;
    view.offset[0] = box.clientWidth / 2 - node.pos[0] - node.size[0] / 2;
    view.offset[1] = box.clientHeight / 2 - node.pos[1] - node.size[1] / 2;
    app.canvas.setDirty(true, true);
}"""
TITLE_AT = """id => {
    const node = app.graph.getNodeById(id), view = app.canvas.ds;
    const box = app.canvas.canvas.getBoundingClientRect();
    const at = (side, inset) => (node.pos[side] + inset + view.offset[side]) * view.scale;
    return [box.left + at(0, 60), box.top + at(1, -LiteGraph.NODE_TITLE_HEIGHT / 2)];
}"""
DISMISS = """() => {
    const { toast, sidebarTab } = app.extensionManager;
    (toast.removeAll ?? toast.dismissAll).call(toast);
    if (sidebarTab.activeSidebarTab) sidebarTab.toggleSidebarTab(sidebarTab.activeSidebarTab.id);
}"""
# The page's two ways to draw nodes; older pages have the first alone.
CLASSIC, NODES_2 = "classic", "nodes 2.0"
DRAW_BY_DOM = """async on => {
    const { setting } = app.extensionManager;
    try {
        if (setting.get("Comfy.VueNodes.Enabled") === on) return true;
        await setting.set("Comfy.VueNodes.Enabled", on);
        return setting.get("Comfy.VueNodes.Enabled") === on;
    } catch { return false; }
}"""
DRAWN_BY_DOM = """on => {
    const drawn = Boolean(document.querySelector("[data-node-id]"));
    return drawn === on || !app.graph._nodes.length;
}"""
# Away from all nodes, so that a double click is on the empty canvas.
LOOK_AWAY = """() => {
    app.canvas.ds.offset[0] = 99999;
    app.canvas.setDirty(true, true);
}"""
# Of newer and of older pages.
SEARCH_BOX = ".comfy-vue-node-search-container input, [role=dialog] input"
SEARCH_RESULT = ".p-autocomplete-option, [data-testid=result-item]"
RUN = "button[data-testid=queue-button], [data-testid=queue-button] button"
TOAST = "[data-testid=toast], .p-toast-message"
# The page's own words about nodes that it does not know.
MISSING_NODES = "#global-missing-nodes, #global-load-workflow-warning, [data-testid=error-overlay]"
# A node that tells one picture and no text, where the page draws it.
PICTURE = """type => {
    const [node] = app.graph._nodes.filter(node => node.type === type);
    const told = app.nodeOutputs[node.id];
    if (told?.images?.length !== 1 || told.text) return false;
    const drawn = node.imgs?.length === 1 && node.imgs[0].naturalWidth > 0;
    const file = encodeURIComponent(told.images[0].filename);
    return drawn || [...document.images].some(i => i.src.includes(file) && i.naturalWidth > 0);
}"""
SELECTED = "id => Boolean(app.canvas.selected_nodes[id])"
CLICKS = 5
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


class ComfyPage:
    """`tab` is the browser's; `pictures` is where screenshots go."""

    def __init__(self, tab: Page, url: str, pictures: Path) -> None:
        self.tab = tab
        self._url = url
        self._pictures = pictures
        self._complaints: list[str] = []
        self._dropped = 0
        tab.set_default_timeout(PATIENCE)
        tab.on("console", self._hear)
        tab.on("pageerror", self._hear_uncaught)

    def _hear(self, message: ConsoleMessage) -> None:
        """Keeps errors about our files; the host's own (icons that it lacks) are not our business."""
        source = message.location.get("url", "")
        about_us = OURS in source or OURS in message.text or "AnimateDiffNative" in message.text
        if message.type == "error" and about_us and not TRANSLATED_HELP.search(source):
            self._complaints.append(f"{message.text} ({source})")

    def _hear_uncaught(self, error: Error) -> None:
        if OURS in (error.stack or ""):
            self._complaints.append(f"uncaught: {error.stack}")

    def take_complaints(self) -> list[str]:
        taken, self._complaints = self._complaints, []
        return taken

    def visit(self) -> None:
        """Ends when the workflow that the page begins with is open: not the one of last time."""
        if self.tab.url.startswith(self._url):
            self.tab.evaluate("() => [localStorage, sessionStorage].forEach(kept => kept.clear())")
        self.tab.goto(self._url)
        self.tab.wait_for_function(READY)

    def tidy(self) -> None:
        """Closes what lies over the canvas and beside it, as a user would."""
        while count := self.dialogs.count():
            self.tab.keyboard.press("Escape")
            expect(self.dialogs).to_have_count(count - 1)
        self.tab.evaluate(DISMISS)
        expect(self.toasts).to_have_count(0)
        if self._panel.is_visible():
            self._panel.get_by_role("button", name=re.compile("toggle|close", re.I)).first.click()
            expect(self._panel).to_have_count(0)
        if self._overlay.is_visible():
            self._overlay.get_by_test_id("error-overlay-dismiss").click()
            expect(self._overlay).to_have_count(0)

    @property
    def dialogs(self) -> Locator:
        return self.tab.get_by_role("dialog")

    @property
    def toasts(self) -> Locator:
        return self.tab.locator(TOAST)

    @property
    def _overlay(self) -> Locator:
        """Where newer pages say that there are errors, and offer the details."""
        return self.tab.get_by_test_id("error-overlay")

    @property
    def _panel(self) -> Locator:
        """Beside the canvas on newer pages: errors, help, parameters."""
        return self.tab.get_by_test_id("properties-panel")

    def problems(self) -> Locator:
        """What the page says of errors, in full, opened if it has to be: a dialog or a panel."""
        details = self._overlay.get_by_test_id("error-overlay-see-errors")
        self.dialogs.or_(details).first.wait_for()
        if self.dialogs.count():
            return self.dialogs
        details.click()  # waits, where the page has just taken an earlier message away
        return self._panel

    def picture(self, name: str) -> None:
        self._pictures.mkdir(parents=True, exist_ok=True)
        file = re.sub(r"[^\w.-]+", "_", name).strip("_")
        self.tab.evaluate(DRAWN)
        self.tab.screenshot(path=self._pictures / f"{file}.png")

    def drop(self, file: Path) -> None:
        """Drops a workflow file on the canvas; ends when the page has opened it."""
        before = self.opened_path()
        self.drop_bytes(file.name, file.read_bytes(), "application/json")
        self.wait_until_opened(before)

    def drop_bytes(self, name: str, data: bytes, kind: str) -> None:
        """Drops a file of any kind, which the page may open or not."""
        self._dropped += 1  # newer pages open a name in the tab that has it already
        stem, _, suffix = name.rpartition(".")
        encoded = base64.b64encode(data).decode()
        carried = self.tab.evaluate_handle(
            FILE, [encoded, f"{stem}_{self._dropped}.{suffix}", kind]
        )
        self.tab.dispatch_event("#graph-canvas", "drop", {"dataTransfer": carried})

    def opened_path(self) -> str:
        """Of the workflow in front; it need not be a saved one."""
        return self.tab.evaluate("app.extensionManager.workflow.activeWorkflow.path")

    def wait_until_opened(self, before: str) -> None:
        """Until another workflow than `before` is in front."""
        self.tab.wait_for_function(OPENED, arg=before)

    def draw_nodes(self, mode: str) -> bool:
        """In this mode; False where the page does not have it."""
        by_dom = mode == NODES_2
        if not self.tab.evaluate(DRAW_BY_DOM, by_dom):
            return not by_dom
        self.tab.wait_for_function(DRAWN_BY_DOM, arg=by_dom)
        return True

    def nodes(self) -> list[dict[str, Any]]:
        return self.tab.evaluate(NODES)

    def missing(self) -> list[str]:
        """Node types that the page does not know."""
        return sorted({node["type"] for node in self.nodes() if not node["known"]})

    def outlined(self) -> list[str]:
        """Types of the nodes with an error's outline."""
        return sorted(self.tab.evaluate(OUTLINED))

    def node_id(self, node_type: str) -> str:
        (found,) = [node["id"] for node in self.nodes() if node["type"] == node_type]
        return found

    def set_widgets(self, values: dict[str, dict[str, Any]]) -> None:
        """By node type, of which there is one, and widget."""
        self.tab.evaluate(SET_WIDGETS, values)

    def exported(self) -> Prompt:
        """What the page would send to the server."""
        return self.tab.evaluate("async () => (await app.graphToPrompt()).output")

    def look_at(self, node_type: str) -> None:
        self.tab.evaluate(LOOK_AT, self.node_id(node_type))
        self.tab.evaluate(DRAWN)

    def select(self, node_type: str) -> None:
        """Clicks a node's title, again where a busy page lost the click."""
        node = self.node_id(node_type)
        self.look_at(node_type)
        for _ in range(CLICKS):
            self.tab.mouse.click(*self.tab.evaluate(TITLE_AT, node))
            with suppress(TimeoutError):
                self.tab.wait_for_function(SELECTED, arg=node, timeout=PATIENCE / CLICKS)
                return
        raise AssertionError(f"{node_type} cannot be selected")

    def open_search(self) -> None:
        """The page's own search for nodes, by a double click on the canvas."""
        self.tab.evaluate(LOOK_AWAY)
        self.tab.evaluate(DRAWN)
        box = self.tab.locator(SEARCH_BOX).first
        for _ in range(CLICKS):  # a busy page loses a click
            self.tab.locator("#graph-canvas").dblclick(position={"x": 800, "y": 450}, force=True)
            with suppress(TimeoutError):
                box.wait_for(timeout=PATIENCE / CLICKS)
                return
        raise AssertionError("the search does not open")

    def search(self, words: str) -> Locator:
        """What an open search shows for these words, best first; it may still change."""
        self.tab.locator(SEARCH_BOX).first.fill(words)
        return self.tab.locator(SEARCH_RESULT)

    def wait_for_picture(self, node_type: str) -> None:
        """Until the node shows the one picture that it makes."""
        self.tab.wait_for_function(PICTURE, arg=node_type)

    def run(self) -> None:
        """Clicks the Run button; also where an older page has left the veil over it that it draws
        while it opens a file."""
        button = self.tab.locator(RUN).first
        try:
            button.click(timeout=PATIENCE / CLICKS)
        except TimeoutError:
            button.dispatch_event("click")
