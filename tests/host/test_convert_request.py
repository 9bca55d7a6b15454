"""Requests to convert a workflow, against the handler as aiohttp runs it."""

import asyncio
import gzip
import importlib
import json
import struct
import threading
import time
from typing import Any

import pytest
from adn_testing.ade import read
from adn_testing.bad_json import CONVERTED, REFUSED
from aiohttp import FormData, web
from aiohttp.test_utils import TestClient, TestServer

JSON = {"Content-Type": "application/json"}
GOOD = json.dumps(read("gen1_api")).encode()
BODIES: dict[str, tuple[Any, dict[str, str]]] = {
    "empty": (b"", JSON),
    "no JSON": (b"{", JSON),
    "two of them": (GOOD + GOOD, JSON),
    "Latin-1": ('{"a": "\xe9"}'.encode("latin-1"), JSON),
    "UTF-16": (GOOD.decode().encode("utf-16"), JSON),
    "zeros": (b"\0" * 100, JSON),
    "5,000 digits": (b"[" + b"9" * 5000 + b"]", JSON),
    "deep lists": (b"[" * 200_000, JSON),
    "deep objects": (b'{"a":' * 200_000, JSON),
    "no gzip": (GOOD, {**JSON, "Content-Encoding": "gzip"}),
    "half a gzip": (gzip.compress(GOOD)[:50], {**JSON, "Content-Encoding": "gzip"}),
    "a text": (GOOD, {"Content-Type": "text/plain"}),
    "a type that is none": (GOOD, {"Content-Type": "//"}),
    "a form": (FormData({"workflow": "x"}), {}),
}


@pytest.fixture(scope="module")
def route():
    return importlib.import_module("animatediff_native.nodes.convert_route")


def asked(route, body: Any, headers: dict[str, str], also=None, query="") -> tuple[int, dict]:
    """Status and answer of one request, which has to be JSON."""

    async def ask():
        app = web.Application(client_max_size=100 * 2**20)
        app.router.add_post(route.ROUTE, route.convert_workflow)
        async with TestClient(TestServer(app)) as client:
            beside = asyncio.create_task(also()) if also else None
            answer = await client.post(
                route.ROUTE + query, data=body, headers=headers, skip_auto_headers=["Content-Type"]
            )
            if beside:
                await beside
            return answer.status, json.loads(await answer.text())

    return asyncio.run(ask())


@pytest.mark.parametrize(("body", "headers"), BODIES.values(), ids=BODIES)
def test_a_body_that_is_none_is_refused(route, body, headers):
    status, answer = asked(route, body, headers)
    assert status == 400
    assert "Expected: " in answer["error"] and "What to do: " in answer["error"]


@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED)
def test_json_that_is_no_workflow_is_refused(route, given):
    body = _dumped(given)
    status, answer = asked(route, body, JSON)
    assert status == 400
    assert "Expected: " in answer["error"] and "What to do: " in answer["error"]


def _dumped(value: Any) -> bytes:
    try:
        return json.dumps(value).encode()
    except RecursionError:
        return b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize("name", [name for name in CONVERTED if "not a number" not in name])
def test_what_does_not_matter_is_converted(route, name):
    status, answer = asked(route, json.dumps(CONVERTED[name]).encode(), JSON)
    assert status == 200 and answer["workflow"]


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_what_python_writes_for_no_number_comes_back_as_json(route, number):
    """A browser reads neither; `json.loads` of the test does, so it is told not to."""
    body = GOOD.replace(b'"inputs": {', b'"inputs": {"x": ' + number.encode() + b", ", 1)
    status, answer = asked(route, body, JSON)
    assert status == 200 and "is 1 now" in answer["notes"][0]
    json.dumps(answer, allow_nan=False)


def test_a_picture_is_read_and_a_report_changes_nothing(route):
    text = b"workflow\0" + json.dumps(read("gen1_ui")).encode()
    chunk = struct.pack(">I", len(text)) + b"tEXt" + text + bytes(4)
    body = b"\x89PNG\r\n\x1a\n" + chunk
    status, answer = asked(route, body, {"Content-Type": "image/png"}, query="?report")
    assert status == 200 and "workflow" not in answer
    assert answer["whole"] and answer["report"][0]["title"] == "Converted"
    status, answer = asked(route, body, {"Content-Type": "image/png"})
    assert "ADN_ApplyMotionModule" in json.dumps(answer["workflow"])


@pytest.mark.parametrize("headers", [JSON, {}, {"Content-Type": "application/json; charset=x"}])
def test_a_workflow_is_converted(route, headers):
    status, answer = asked(route, GOOD, headers)
    assert status == 200
    assert "ADN_ApplyMotionModule" in json.dumps(answer["workflow"]) and answer["converted"]


def test_a_mark_of_the_byte_order_and_gzip_are_understood(route):
    assert asked(route, b"\xef\xbb\xbf" + GOOD, JSON)[0] == 200
    assert asked(route, gzip.compress(GOOD), {**JSON, "Content-Encoding": "gzip"})[0] == 200


async def in_parts(size: int):
    for _ in range(size // 2**16):
        yield b" " * 2**16


@pytest.mark.parametrize("kind", ["known", "in parts", "packed"])
def test_a_body_that_is_too_large_is_refused_by_its_size(route, kind):
    """Where its length is said, before any of it is read; a packed one by what it becomes."""
    size = route.LARGEST + 2**20
    body, headers = b" " * size, JSON
    if kind == "in parts":
        body = in_parts(size)
    elif kind == "packed":
        body, headers = gzip.compress(body), {**JSON, "Content-Encoding": "gzip"}
    status, answer = asked(route, body, headers)
    assert status == 413
    assert "Expected: " in answer["error"] and "8 MB" in answer["error"]


def test_the_loop_runs_on_during_a_conversion(route, monkeypatch):
    """And the conversion is in a thread of its own: two at once wait for one another there."""
    entered, leave, threads = threading.Event(), threading.Event(), []

    def slow(given):
        threads.append(threading.current_thread().name)
        entered.set()
        assert leave.wait(30)
        return convert(given)

    async def beside():
        while not entered.is_set():
            await asyncio.sleep(0.01)
        leave.set()

    convert = route.convert
    monkeypatch.setattr(route, "convert", slow)
    started = time.monotonic()
    assert asked(route, GOOD, JSON, beside)[0] == 200
    assert time.monotonic() - started < 30
    assert [name.startswith("animatediff-convert") for name in threads] == [True]
    assert route.WORKER._max_workers == 1
