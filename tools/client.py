"""Talks to a ComfyUI server: HTTP for requests, a websocket to follow a run."""

import asyncio
import json
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Prompt = dict[str, dict[str, Any]]
Outputs = dict[str, dict[str, Any]]
Message = dict[str, Any] | bytes  # what the server tells a page; binary ones are previews

REQUEST_SECONDS = 60
UNTIL_READ = 0.5  # seconds that a server may take to read what a page announces


class PromptRejected(RuntimeError):
    """The server refused to queue a prompt. `node_errors` is its answer per node id."""

    def __init__(self, message: str, node_errors: dict[str, Any]) -> None:
        details = [
            f"node {node_id} ({node['class_type']}): {error['message']}: {error['details']}"
            for node_id, node in node_errors.items()
            for error in node["errors"]
        ]
        super().__init__("\n  ".join([f"the server rejected the prompt: {message}", *details]))
        self.node_errors = node_errors


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


@dataclass(frozen=True)
class ComfyClient:
    url: str

    def queue(
        self, prompt: Prompt, client_id: str = "", extra: dict[str, Any] | None = None
    ) -> str:
        """Queues a prompt in API format and returns its id; extra: what a page sends besides."""
        body = {"prompt": prompt, "client_id": client_id or uuid.uuid4().hex}
        try:
            answer = self._json("/prompt", body if extra is None else {**body, "extra_data": extra})
        except urllib.error.HTTPError as error:
            if error.code != 400:
                raise
            refusal = json.loads(error.read())
            cause = refusal["error"]
            raise PromptRejected(
                cause["message"] if isinstance(cause, dict) else cause, refusal["node_errors"]
            ) from error
        return answer["prompt_id"]

    def run(self, prompt: Prompt, on_progress: Callable[[Progress], None] | None = None) -> Outputs:
        """Queues a prompt, follows it to its end and returns what its nodes put out, by node id.

        Raises PromptRejected, ExecutionFailed or ExecutionInterrupted. `on_progress` may call
        this client.
        """
        return self.watch(prompt, lambda _: None, on_progress)

    def watch(
        self,
        prompt: Prompt,
        on_message: Callable[[Message], None],
        on_progress: Callable[[Progress], None] | None = None,
        *,
        extra: dict[str, Any] | None = None,
        features: dict[str, Any] | None = None,
    ) -> Outputs:
        """As run, with all that a page is told on the way, which may announce features first."""
        return asyncio.run(self._watch(prompt, on_message, on_progress, extra, features))

    async def _watch(self, prompt: Prompt, on_message, on_progress, extra, features) -> Outputs:
        import aiohttp

        client_id = uuid.uuid4().hex
        address = f"{self.url.replace('http', 'ws', 1)}/ws?clientId={client_id}"
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(address, max_msg_size=0) as socket,
        ):
            if features is not None:
                await socket.send_json({"type": "feature_flags", "data": features})
                await asyncio.sleep(UNTIL_READ)
            events = RunEvents(self.queue(prompt, client_id, extra), on_progress)
            async for message in socket:
                if message.type == aiohttp.WSMsgType.BINARY:
                    on_message(message.data)
                elif message.type == aiohttp.WSMsgType.TEXT:
                    told = json.loads(message.data)
                    on_message(told)
                    if events.ended_by(told):
                        return self.history(events.prompt_id)["outputs"]
        raise ConnectionError(
            f"the server closed the connection before prompt {events.prompt_id} ended"
        )

    def history(self, prompt_id: str) -> dict[str, Any]:
        """What the server recorded about a prompt; empty until it has ended."""
        return self._json(f"/history/{prompt_id}").get(prompt_id, {})

    def object_info(self) -> dict[str, Any]:
        return self._json("/object_info")

    def view(self, file: dict[str, str]) -> bytes:
        """Downloads a file as an output names it: filename, subfolder and type."""
        return self._request(f"/view?{urllib.parse.urlencode(file)}")

    def interrupt(self) -> None:
        """Ends the run in progress."""
        self._request("/interrupt", {})

    def free(self) -> None:
        """Has the server drop its cached results and unload its models (before the next prompt)."""
        self._request("/free", {"unload_models": True, "free_memory": True})

    def _json(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return json.loads(self._request(path, body))

    def _request(self, path: str, body: dict[str, Any] | None = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as answer:
            return answer.read()


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
