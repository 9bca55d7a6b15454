"""The page's way to the conversion of other packs' workflows: POST /animatediff_native/convert."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

from aiohttp import web
from aiohttp.http_exceptions import PayloadEncodingError
from server import PromptServer

from ..convert import convert
from ..motion.errors import AnimateDiffError

ROUTE = "/animatediff_native/convert"
LARGEST = 8 * 2**20  # bytes; large workflows have one or two million
BAD_REQUEST, TOO_LARGE = 400, 413

# The server goes on answering meanwhile: a thread that computes in Python lets the event loop's run
# every 5 ms. One thread, so that several requests wait for one another and not the server for all;
# its own, since the loop's others serve files.
WORKER = ThreadPoolExecutor(1, "animatediff-convert")


def register_route() -> None:
    """Tell the server, where there is one."""
    server = getattr(PromptServer, "instance", None)
    if server is not None:
        server.routes.post(ROUTE)(convert_workflow)


async def convert_workflow(request: web.Request) -> web.Response:
    """A workflow as JSON; the answer is it converted, and what is left."""
    try:
        body = await _body(request)
        if body is None:
            return _refused(_too_large(), TOO_LARGE)
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(WORKER, _converted, body)
    except AnimateDiffError as error:
        return _refused(error, BAD_REQUEST)
    return web.Response(text=answer, content_type="application/json")


async def _body(request: web.Request) -> bytes | None:
    """What was sent; None as soon as it is known to be too large."""
    if "Content-Type" in request.headers and request.content_type != "application/json":
        raise _unusable(f"a body of type {request.content_type}")
    if (request.content_length or 0) > LARGEST:
        return None
    body = bytearray()
    try:
        async for part in request.content.iter_any():
            body += part
            if len(body) > LARGEST:
                return None
    except (web.RequestPayloadError, PayloadEncodingError) as error:
        raise _unusable(f"a body that cannot be read ({error})") from error
    return bytes(body)


def _converted(body: bytes) -> str:
    """The answer's text. Whatever takes time is done here."""
    conversion = convert(_parsed(body))
    answer = {
        "workflow": conversion.workflow,
        "converted": conversion.converted,
        "left": [entry._asdict() for entry in conversion.left],
        "notes": conversion.notes,
    }
    return json.dumps(answer)


def _parsed(body: bytes) -> Any:
    try:
        text = body.decode("utf-8-sig")
        return json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except RecursionError as error:
        raise _unusable("JSON whose lists lie too deep in one another") from error
    except ValueError as error:
        raise _unusable(f"a body that is not JSON ({error})") from error


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    return number if abs(number) < float("inf") else _no_number(text)


def _unusable(given: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"this request has {given}.",
        "a workflow of ComfyUI as JSON, in UTF-8, of type application/json",
        "send what a file holds that ComfyUI saved.",
    )


def _too_large() -> AnimateDiffError:
    return AnimateDiffError(
        f"this request is larger than {LARGEST // 2**20} MB.",
        f"a workflow of at most {LARGEST // 2**20} MB",
        "convert the file with `python -m tools.convert_workflow IN.json OUT.json`.",
    )


def _refused(error: AnimateDiffError, status: int) -> web.Response:
    return web.json_response({"error": str(error)}, status=status)
