"""The page that waits for the node at work, through the host's server.

ComfyUI 0.3.52, 0.3.75 and 0.33.0 agree in everything that is used here.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from comfy_api import feature_flags
from comfy_execution.progress import get_progress_state
from comfy_execution.utils import get_executing_context

MOST_WAITING = 3  # messages that one preview makes
SHOWS_PREVIEWS_BY_NODE = "supports_preview_metadata"  # the host's name for it


@dataclass(frozen=True)
class AskingPage:
    """One page, for one node of one prompt."""

    server: Any
    client: str
    prompt: str
    node: str
    display_node: str  # the node on the page, where the one at work is made by it

    def tell(self, event: str, data: dict[str, Any]) -> None:
        """A message of our own, for our script in the page."""
        told = {"prompt_id": self.prompt, "node": self.display_node, **data}
        self.server.send_sync(event, told, self.client)

    @property
    def previews_by_node(self) -> bool:
        """Whether a picture can be for a node that is not at work any longer."""
        known = self.server.sockets_metadata
        return feature_flags.supports_feature(known, self.client, SHOWS_PREVIEWS_BY_NODE)

    def preview(self, picture: tuple) -> None:
        """A picture for the node, as the host sends one for a progress bar, without its count."""
        known = get_progress_state().dynprompt
        metadata = {
            "node_id": self.node,
            "prompt_id": self.prompt,
            "display_node_id": self.display_node,
            "parent_node_id": known.get_parent_node_id(self.node),
            "real_node_id": known.get_real_node_id(self.node),
        }
        event = sys.modules["server"].BinaryEventTypes.PREVIEW_IMAGE_WITH_METADATA
        self.server.send_sync(event, (picture, metadata), self.client)

    @property
    def still_waits(self) -> bool:
        """Whether the prompt runs, whatever of it is at work."""
        running, _ = self.server.prompt_queue.get_current_queue_volatile()
        return any(item[1] == self.prompt for item in running)

    @property
    def keeps_up(self) -> bool:
        """Whether the server has sent what it was given. On a slow line it has not, and whatever
        is added now would delay all that comes after it."""
        return self.server.messages.qsize() <= MOST_WAITING


def server() -> Any:
    """The host's, None where there is none."""
    return getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)


def asking_page() -> AskingPage | None:
    """None without a server, for a client that did not say who it is, and outside of nodes."""
    running, at_work = server(), get_executing_context()
    client = getattr(running, "client_id", None)
    if at_work is None or client is None:
        return None
    known = get_progress_state().dynprompt
    display = known.get_display_node_id(at_work.node_id)
    return AskingPage(running, client, at_work.prompt_id, at_work.node_id, display)
