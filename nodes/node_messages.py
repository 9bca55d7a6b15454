"""What the log says of a run, on the node that runs; shown by web/node_messages.js."""

import logging

from ..samplers.asking_page import asking_page

log = logging.getLogger("animatediff_native")

EVENT = "animatediff_native.node_messages"
SHORT = "on_node"  # of a record: what the node shows in place of the log's line
PREFIX = "AnimateDiff: "
MOST = 6  # of each kind; a node can run for every entry of a list


class NodeMessages(logging.Handler):
    """Warnings, and records that have a short form, go to the page that waits for the node.

    Kept is what was said in the prompt that runs. What goes wrong here is no matter of the run's.
    """

    def __init__(self):
        super().__init__(logging.INFO)
        self._prompt = ""
        self._said: dict[str, dict[str, list[str]]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = _text(record)
            if text:
                self._tell("warnings" if record.levelno >= logging.WARNING else "lines", text)
        except Exception as error:
            log.debug("AnimateDiff: nothing on the node: %s: %s", type(error).__name__, error)

    def _tell(self, kind: str, text: str) -> None:
        page = asking_page()
        if page is None:
            return
        if page.prompt != self._prompt:
            self._prompt, self._said = page.prompt, {}
        said = self._said.setdefault(page.node, {"warnings": [], "lines": []})
        if text not in said[kind]:
            said[kind] = [*said[kind], text][-MOST:]
        page.tell(EVENT, said)


def _text(record: logging.LogRecord) -> str:
    if record.levelno >= logging.WARNING:
        return _sentence(record.getMessage().removeprefix(PREFIX))
    return getattr(record, SHORT, "")


def _sentence(text: str) -> str:
    """With a capital letter, unless a file's name comes first."""
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first.isalpha() else text


def show_messages_on_nodes() -> None:
    """From now on; once is enough."""
    if not any(type(handler).__name__ == NodeMessages.__name__ for handler in log.handlers):
        log.addHandler(NodeMessages())
