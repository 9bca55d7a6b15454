"""The page's way to the conversion of other packs' workflows: POST /animatediff_native/convert.

With ?report the answer says what will and will not convert, without the converted workflow.
"""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web
from aiohttp.http_exceptions import PayloadEncodingError
from server import PromptServer

from ..convert import convert, read_file
from ..motion.errors import AnimateDiffError

ROUTE = "/animatediff_native/convert"
LARGEST = 8 * 2**20  # bytes; large workflows have one or two million
LARGEST_FILE = 128 * 2**20  # of pictures and videos, whose workflow is somewhere in them
FILES = (
    "image/png",
    "image/webp",
    "image/gif",
    "video/mp4",
    "video/webm",
    "video/x-matroska",
    "video/quicktime",
)
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
    """A workflow as JSON, or a picture or video with one; the answer is it converted, and what is
    left."""
    try:
        largest = LARGEST_FILE if request.content_type in FILES else LARGEST
        body = await _body(request, largest)
        if body is None:
            return _refused(_too_large(largest), TOO_LARGE)
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(WORKER, _converted, body, "report" in request.query)
    except AnimateDiffError as error:
        return _refused(error, BAD_REQUEST)
    return web.Response(text=answer, content_type="application/json")


async def _body(request: web.Request, largest: int) -> bytes | None:
    """What was sent; None as soon as it is known to be too large."""
    known = ("application/json", *FILES)
    if "Content-Type" in request.headers and request.content_type not in known:
        raise _unusable(f"a body of type {request.content_type}")
    if (request.content_length or 0) > largest:
        return None
    body = bytearray()
    try:
        async for part in request.content.iter_any():
            body += part
            if len(body) > largest:
                return None
    except (web.RequestPayloadError, PayloadEncodingError) as error:
        raise _unusable(f"a body that cannot be read ({error})") from error
    return bytes(body)


def _converted(body: bytes, report: bool) -> str:
    """The answer's text. Whatever takes time is done here."""
    conversion = convert(read_file(body))
    answer = {
        "whole": conversion.whole,
        "converted": conversion.converted,
        "left": [entry._asdict() for entry in conversion.left],
        "notes": conversion.notes,
        "report": [{"title": title, "lines": lines} for title, lines in conversion.sections()],
    }
    if not report:
        answer["workflow"] = conversion.workflow
    return json.dumps(answer, allow_nan=False)


def _unusable(given: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"this request has {given}.",
        "a workflow of ComfyUI as JSON, in UTF-8, of type application/json, or a picture or video "
        "that ComfyUI wrote, of its type",
        "send what a file holds that ComfyUI saved.",
    )


def _too_large(largest: int) -> AnimateDiffError:
    return AnimateDiffError(
        f"this request is larger than {largest // 2**20} MB.",
        f"a workflow of at most {largest // 2**20} MB",
        "convert the file with `python -m tools.convert_workflow IN.json OUT.json`.",
    )


def _refused(error: AnimateDiffError, status: int) -> web.Response:
    return web.json_response({"error": str(error)}, status=status)
