"""Runs a workflow in API format on a ComfyUI server, and downloads the files that it makes.

    python headless/run_workflow.py workflows/api/text_to_video.json --set "Prompt.text=a lake"

Needs aiohttp, which ComfyUI brings: use ComfyUI's own Python. Progress and errors go to stderr, the
paths of the files to stdout. Exit status: 0, or 1 after an error (2 for a wrong command line).
"""

import argparse
import asyncio
import json
import sys
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

try:
    import aiohttp
except ImportError:
    sys.exit("error: this needs aiohttp; run it with the Python that ComfyUI runs with.")

Graph = dict[str, dict[str, Any]]
TRUE, FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


class Failure(Exception):
    """Something that the user can put right; shown as one message."""


def show(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def read_graph(path: Path) -> Graph:
    try:
        graph = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise Failure(f"{path} is not JSON: {error}.") from error
    nodes = list(graph.values()) if isinstance(graph, dict) else [graph]
    if not all(isinstance(node, dict) and "class_type" in node for node in nodes):
        raise Failure(f"{path} is not in API format. Save it with Workflow > Export (API).")
    return graph


def title(graph: Graph, node_id: str) -> str:
    """A node that another one made while running is not in the graph, and has its id only."""
    node = graph.get(node_id, {"class_type": f"node {node_id}"})
    return node.get("_meta", {}).get("title") or node["class_type"]


def listed(graph: Graph, ids: list[str]) -> str:
    return "".join(f"\n  {key}: {graph[key]['class_type']}, {title(graph, key)!r}" for key in ids)


def nodes_named(graph: Graph, name: str) -> list[str]:
    """An id is one node's alone, so it goes before classes and titles."""
    if name in graph:
        return [name]
    return [key for key, node in graph.items() if name in (node["class_type"], title(graph, key))]


def find_input(graph: Graph, target: str) -> tuple[str, str]:
    """The node id and input that NODE.INPUT names. Both may have dots: the longest NODE counts."""
    splits = [(target[:i], target[i + 1 :]) for i, sign in enumerate(target) if sign == "."]
    named = [(found, key) for name, key in splits if (found := nodes_named(graph, name))]
    if not named:
        raise Failure(
            f"--set {target}: expected NODE.INPUT=VALUE, where NODE is the id, class or title of "
            f"one of these:{listed(graph, list(graph))}"
        )
    found, key = named[-1]
    if len(found) > 1:
        choice = listed(graph, found)
        raise Failure(f"--set {target}: several nodes are called so. Use an id:{choice}")
    inputs = graph[found[0]]["inputs"]
    if key not in inputs:
        raise Failure(f"--set {target}: the node has no input {key!r}, only {', '.join(inputs)}.")
    return found[0], key


def assigned(graph: Graph, assignment: str) -> tuple[str, str, str]:
    """Node id, input and text of NODE.INPUT=VALUE."""
    target, equals, text = assignment.partition("=")
    if not equals:
        raise Failure(f"--set {assignment}: expected NODE.INPUT=VALUE.")
    return *find_input(graph, target), text


def parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=int)  # int refuses NaN and Infinity: they stay text
    except ValueError:
        return text


def is_link(value: Any, graph: Graph) -> bool:
    """Whether a value means an output of a node, such as ["4", 0]."""
    pair = isinstance(value, list) and [type(part) for part in value] == [str, int]
    return pair and value[0] in graph


def value_of(text: str, spec: list[Any] | None, now: Any, graph: Graph) -> Any:
    """What a text is for an input. spec: its type and options, as the server's object_info has
    them; without one, what is there now says whether it is text.

    Links are for sockets, and for a text that is linked already.
    """
    kind, options = spec[0] if spec else "", (spec[1] if spec and len(spec) > 1 else {})
    value = parsed(text)
    is_text = "STRING" in str(kind).split(",") if spec else isinstance(now, str)
    if is_link(value, graph):
        linked = not is_text or is_link(now, graph) or options.get("forceInput") or not spec
        return value if linked else text
    choices = kind if isinstance(kind, list) else options.get("options")
    if choices is not None and not options.get("multiselect"):
        return text if text in choices or value not in choices else value
    if kind == "BOOLEAN":  # the server takes any text for true
        if text.strip().lower() not in TRUE + FALSE:
            raise Failure(f"{text!r} is neither true nor false.")
        return text.strip().lower() in TRUE
    return text if is_text else value


def node_complaints(graph: Graph, node_errors: Any) -> list[str]:
    """What the server found wrong before running, a line per error. No errors can be {} or []."""
    return [
        f"{title(graph, node_id)} (node {node_id}): {error['message']}: {error['details']}"
        for node_id, node in dict(node_errors).items()
        for error in node["errors"]
    ]


def ended(message: dict[str, Any], prompt_id: str, graph: Graph, reached: dict[str, float]) -> bool:
    """Whether a message ends the run, which it shows or raises. Others' messages are passed over.

    reached: how far each node is, as a part of 1. Every preview picture brings that again, and
    windows and whole steps are counted apart; it is shown once.
    `execution_success` comes before the server has filed the outputs; `executing` nothing, after.
    """
    data = message.get("data")
    if not isinstance(data, dict) or data.get("prompt_id") != prompt_id:
        return False
    name = title(graph, str(data.get("display_node") or data.get("node_id") or data.get("node")))
    match message["type"]:
        case "execution_cached":
            for node_id in data["nodes"]:
                show(f"{title(graph, node_id)}: unchanged, from the server's cache")
        case "executing" if data["node"] is None:
            return True
        case "executing":
            show(name)
        case "progress" if data["max"] > 1:
            part = data["value"] / data["max"]
            if part != reached.get(name):
                show(f"{name}: step {data['value']} of {data['max']}")
            reached[name] = part
        case "execution_error":
            kind = data["exception_type"].rpartition(".")[2]
            raise Failure(f"{name} (node {data['node_id']}): {kind}: {data['exception_message']}")
        case "execution_interrupted":
            raise Failure(f"the run was interrupted in {name} (node {data['node_id']}).")
    return False


async def specs_of(session: aiohttp.ClientSession, server: str, kind: str) -> dict[str, list]:
    """Type and options of the inputs of a node class; none where the server does not know it."""
    async with session.get(f"{server}/object_info/{quote(kind, safe='')}") as answer:
        known = await answer.json() if answer.status == 200 else {}
    groups = known.get(kind, {}).get("input", {}).values()
    specs = {
        key: spec for group in groups if isinstance(group, dict) for key, spec in group.items()
    }
    return {key: spec for key, spec in specs.items() if isinstance(spec, list) and spec}


async def set_inputs(
    session: aiohttp.ClientSession, server: str, graph: Graph, given: list[tuple[str, str, str]]
) -> None:
    """Gives inputs of the graph the values that texts mean for them."""
    kinds = {graph[node_id]["class_type"] for node_id, _, _ in given}
    specs = {kind: await specs_of(session, server, kind) for kind in kinds}
    for node_id, key, text in given:
        inputs, spec = graph[node_id]["inputs"], specs[graph[node_id]["class_type"]].get(key)
        try:
            inputs[key] = value_of(text, spec, inputs[key], graph)
        except Failure as failure:
            raise Failure(f"--set {node_id}.{key}={text}: {failure}") from failure


async def queue(
    session: aiohttp.ClientSession, server: str, graph: Graph, client_id: str
) -> tuple[str, list[str]]:
    """The id of the run, and what is wrong with outputs that the server leaves out of it."""
    request = {"prompt": graph, "client_id": client_id}
    async with session.post(f"{server}/prompt", json=request) as answer:
        if answer.status not in (200, 400):
            raise Failure(f"{server}/prompt answered {answer.status} {answer.reason}.")
        body = await answer.json()
    complaints = node_complaints(graph, body.get("node_errors", {}))
    if answer.status == 400:
        cause = body["error"]
        reason = f"{cause['message']}: {cause['details']}" if isinstance(cause, dict) else cause
        raise Failure("\n  ".join(["the server refused the workflow.", *(complaints or [reason])]))
    return body["prompt_id"], complaints


async def follow(socket: Any, prompt_id: str, graph: Graph) -> None:
    reached: dict[str, float] = {}
    async for message in socket:  # binary ones are previews
        is_text = message.type == aiohttp.WSMsgType.TEXT
        if is_text and ended(json.loads(message.data), prompt_id, graph, reached):
            return
    raise Failure("the server closed the connection before the run ended. Its log may say why.")


def files_of(outputs: dict[str, Any], graph: Graph) -> list[dict[str, str]]:
    """The files that nodes put out, be they called images, video, audio or otherwise.

    In the workflow's order; the server's own is the one in which the nodes happened to end.
    """
    place = {key: number for number, key in enumerate(graph)}
    nodes = sorted(outputs, key=lambda key: place.get(key, len(place)))
    items = [item for node in nodes for values in outputs[node].values() for item in values]
    files = [item for item in items if isinstance(item, dict) and "filename" in item]
    return [{key: file[key] for key in ("filename", "subfolder", "type")} for file in files]


async def download(
    session: aiohttp.ClientSession, server: str, file: dict[str, str], folder: Path
) -> Path:
    place = folder / file["subfolder"].replace("\\", "/") / file["filename"]
    if not place.resolve().is_relative_to(folder.resolve()):
        raise Failure(f"the server named a file outside of {folder}: {place}.")
    async with session.get(f"{server}/view", params=file) as answer:
        if answer.status != 200:
            raise Failure(f"{place.name} cannot be downloaded: {answer.status} {answer.reason}.")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(await answer.read())
    return place


async def outputs_of(session: aiohttp.ClientSession, server: str, graph: Graph) -> Any:
    """What the nodes put out, and what the server left out of the run. The websocket is open
    before the workflow is sent, so that no message is missed."""
    client_id = uuid.uuid4().hex
    socket_address = f"{server}/ws?clientId={client_id}"
    async with session.ws_connect(socket_address, max_msg_size=0) as socket:
        prompt_id, left_out = await queue(session, server, graph, client_id)
        for complaint in left_out:
            show(f"left out: {complaint}")
        await follow(socket, prompt_id, graph)
    async with session.get(f"{server}/history/{prompt_id}") as answer:
        return (await answer.json())[prompt_id]["outputs"], left_out


def patient_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_connect=30))


async def run(graph: Graph, server: str, folder: Path, given: list[tuple[str, str, str]]) -> None:
    async with patient_session() as session:
        await set_inputs(session, server, graph, given)
        outputs, left_out = await outputs_of(session, server, graph)
        for file in files_of(outputs, graph):
            print(await download(session, server, file, folder), flush=True)
    if left_out:
        raise Failure("a part of the workflow was left out; see above.")


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a workflow on a ComfyUI server.")
    parser.add_argument("workflow", type=Path, help="a JSON file in API format")
    parser.add_argument("--server", default="http://127.0.0.1:8188", help="default: %(default)s")
    parser.add_argument("--output", type=Path, default=Path("output"), help="default: %(default)s")
    parser.add_argument("--set", action="append", default=[], metavar="NODE.INPUT=VALUE")
    given = parser.parse_args()
    try:
        graph = read_graph(given.workflow)
        assignments = [assigned(graph, assignment) for assignment in given.set]
        given.output.mkdir(parents=True, exist_ok=True)  # a wrong folder is known before the run
        asyncio.run(run(graph, given.server.rstrip("/"), given.output, assignments))
    except aiohttp.ClientError as error:
        sys.exit(f"error: no ComfyUI can be talked to at {given.server} (http://...): {error}")
    except (Failure, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("Stopped watching; the server goes on with the run.")


if __name__ == "__main__":
    main()
