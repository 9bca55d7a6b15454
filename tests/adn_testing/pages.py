"""A server of the host as nodes see it, with one page that waits for one prompt."""

import sys
from queue import Queue
from types import SimpleNamespace
from typing import Any

from comfy_execution.graph import DynamicPrompt
from comfy_execution.progress import reset_progress_state
from comfy_execution.utils import CurrentNodeContext
from protocol import BinaryEventTypes

CLIENT, PROMPT, NODE = "client", "prompt", "7"


class Server:
    """sent: (event, data, client) in their order."""

    def __init__(self, previews_by_node: bool = True):
        self.client_id: str | None = CLIENT
        features = {"supports_preview_metadata": previews_by_node}
        self.sockets_metadata = {CLIENT: {"feature_flags": features}}
        self.messages: Queue = Queue()
        self.running = [(0, PROMPT, {}, {}, [])]
        self.prompt_queue = SimpleNamespace(
            get_current_queue_volatile=lambda: (list(self.running), [])
        )
        self.sent: list[tuple[Any, Any, str | None]] = []

    def send_sync(self, event, data, sid=None) -> None:
        self.sent.append((event, data, sid))

    @property
    def pictures(self) -> list[tuple[Any, dict[str, Any]]]:
        shown = BinaryEventTypes.PREVIEW_IMAGE_WITH_METADATA
        return [data for event, data, _ in self.sent if event == shown]


def install(monkeypatch, server: Server) -> Server:
    """As the host's, for one test."""
    host = SimpleNamespace(
        PromptServer=SimpleNamespace(instance=server), BinaryEventTypes=BinaryEventTypes
    )
    monkeypatch.setitem(sys.modules, "server", host)
    nodes = {NODE: {"class_type": "KSampler", "inputs": {}}}
    reset_progress_state(PROMPT, DynamicPrompt(nodes))
    return server


def at_work(node: str = NODE, prompt: str = PROMPT) -> CurrentNodeContext:
    return CurrentNodeContext(prompt, node)
