"""What the messages a server sends mean for one run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Progress:
    """How far a node is: `value` of `maximum` steps."""

    node: str
    value: int
    maximum: int


class ExecutionFailed(RuntimeError):
    """A node raised."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.node_id: str = data["node_id"]
        self.node_type: str = data["node_type"]
        self.exception_type: str = data["exception_type"]
        self.exception_message: str = data["exception_message"]
        super().__init__(
            f"node {self.node_id} ({self.node_type}) raised "
            f"{self.exception_type}: {self.exception_message}"
        )


class ExecutionInterrupted(RuntimeError):
    """The run was interrupted by request."""


class RunEvents:
    """Reads the messages about one prompt, and reports each step of progress once."""

    def __init__(self, prompt_id: str, on_progress: Callable[[Progress], None] | None) -> None:
        self.prompt_id = prompt_id
        self._on_progress = on_progress
        self._seen: set[Progress] = set()

    def ended_by(self, message: dict[str, Any]) -> bool:
        """Whether this message ends the run. Raises if it ends it badly."""
        data = message.get("data", {})
        if data.get("prompt_id") != self.prompt_id:
            return False
        match message["type"]:
            case "execution_error":
                raise ExecutionFailed(data)
            case "execution_interrupted":
                raise ExecutionInterrupted(
                    f"prompt {self.prompt_id} was interrupted in node {data.get('node_id')}"
                )
            case "progress":
                self._report(data["node"], data)
            case "progress_state":
                for node, state in data["nodes"].items():
                    self._report(node, state)
            case "executing":
                return data["node"] is None
        return False

    def _report(self, node: str, state: dict[str, Any]) -> None:
        progress = Progress(str(node), int(state["value"]), int(state["max"]))
        if self._on_progress is not None and progress not in self._seen:
            self._seen.add(progress)
            self._on_progress(progress)
