"""headless/run_workflow.py, as far as it gets without a ComfyUI: as a program, as users run it."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tools import workflow

ROOT = Path(__file__).parents[2]
API = ROOT / "workflows" / "api"
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there


def error_of(tmp_path: Path, workflow: Path, *assignments: str, server: str = NOWHERE) -> str:
    """What the program says on stderr; it must fail, say nothing else, and show no traceback."""
    options = [part for assignment in assignments for part in ("--set", assignment)]
    program = [sys.executable, ROOT / "headless" / "run_workflow.py", workflow, *options]
    where = ["--server", server, "--output", tmp_path / "out"]
    done = subprocess.run([*program, *where], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("name", "assignment", "expected"),
    [
        ("text_to_video", "Sampler.seed=3", ["expected NODE.INPUT=VALUE", "7: KSampler, 'KSampler'", "4: CLIPTextEncode, 'Prompt'"]),
        ("text_to_video", "99.seed=3", ["--set 99.seed:", "6: EmptyLatentImage, 'Frames'"]),
        ("text_to_video", "7.sed=3", ["no input 'sed'", "seed, steps, cfg"]),
        ("text_to_video", "CLIPTextEncode.text=a", ["Use an id:\n  4: CLIPTextEncode, 'Prompt'\n  5: CLIPTextEncode, 'Negative Prompt'\n"]),
        ("two_controlnets", "First 16 Frames.length=8", ["Use an id:\n  7: ImageFromBatch", "  12: ImageFromBatch"]),
        ("domain_adapter", "Adapter at 0.5.nothing=1", ["no input 'nothing'", "strength"]),
        ("text_to_video", "seed=3", ["--set seed: expected NODE.INPUT=VALUE"]),
        ("text_to_video", "7.seed", ["--set 7.seed: expected NODE.INPUT=VALUE"]),
    ],
)  # fmt: skip
def test_substitution_errors_list_what_there_is(tmp_path, name, assignment, expected):
    said = error_of(tmp_path, API / f"{name}.json", assignment)
    assert all(part in said for part in expected), said


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "cannot be read"),
        ("not json", "not JSON"),
        ("[1, 2]", "not in API format"),
        (workflow.page_file("text_to_video").read_text(encoding="utf-8"), "Export (API)"),
    ],
    ids=["missing", "not json", "a list", "of the page"],
)
def test_file_that_is_no_workflow(tmp_path, content, expected):
    given = tmp_path / "given.json"
    if content is not None:
        given.write_text(content, encoding="utf-8")
    assert expected in error_of(tmp_path, given)


@pytest.mark.parametrize("server", [NOWHERE, "127.0.0.1:9", "nonsense"])
def test_server_that_is_not_there(tmp_path, server):
    assert server in error_of(tmp_path, API / "text_to_video.json", server=server)


def test_output_that_is_a_file(tmp_path):
    (tmp_path / "out").write_text("", encoding="utf-8")
    assert "out" in error_of(tmp_path, API / "text_to_video.json")


def test_it_stands_alone(tmp_path):
    """A copy elsewhere runs too, and reads a file that another program marked as UTF-8."""
    copy = tmp_path / "mine.py"
    copy.write_bytes((ROOT / "headless" / "run_workflow.py").read_bytes())
    graph = {"1": {"class_type": "PreviewImage", "inputs": {}}}
    (tmp_path / "marked.json").write_text(json.dumps(graph), encoding="utf-8-sig")
    command = [sys.executable, copy, "marked.json", "--server", NOWHERE]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1 and NOWHERE in done.stderr


def met(tmp_path: Path, messages: list[Any], outputs: dict[str, Any]) -> tuple[int, str, str]:
    """Runs the program against a server that sends these messages and then hangs up."""

    async def socket(request: web.Request) -> web.WebSocketResponse:
        talk = web.WebSocketResponse()
        await talk.prepare(request)
        await queued.wait()
        for message in messages:
            await (talk.send_bytes if isinstance(message, bytes) else talk.send_json)(message)
        await talk.close()
        return talk

    async def prompt(request: web.Request) -> web.Response:
        queued.set()
        return web.json_response({"prompt_id": "ours", "node_errors": []})

    async def history(request: web.Request) -> web.Response:
        return web.json_response({"ours": {"outputs": outputs}})

    async def view(request: web.Request) -> web.Response:
        return web.Response(text=request.query["filename"])

    async def both() -> tuple[int, str, str]:
        app = web.Application()
        app.add_routes([web.get("/ws", socket), web.post("/prompt", prompt)])
        app.add_routes([web.get("/history/ours", history), web.get("/view", view)])
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        where = f"http://127.0.0.1:{runner.addresses[0][1]}"
        program = [
            sys.executable,
            ROOT / "headless" / "run_workflow.py",
            API / "text_to_video.json",
        ]
        command = [*program, "--server", where, "--output", tmp_path / "out"]
        child = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        printed, errors = await child.communicate()
        await runner.cleanup()
        return await child.wait(), printed.decode(), errors.decode()

    queued = asyncio.Event()
    return asyncio.run(both())


OVER = {"type": "executing", "data": {"node": None, "prompt_id": "ours"}}
OF_OTHERS = [
    {"type": "executing", "data": {"node": None, "prompt_id": "theirs"}},
    {"type": "executing", "data": {"node": "7"}},
    {"type": "execution_error", "data": {"prompt_id": "theirs"}},
    {"type": "some_pack.says", "data": "hello"},
    {"type": "some_pack.nods"},
    b"a preview",
]


def test_messages_of_others_are_passed_over(tmp_path):
    step = {"type": "progress", "data": {"node": "7", "value": 1, "max": 2, "prompt_id": "ours"}}
    made = {"type": "executing", "data": {"node": "7.0.1", "prompt_id": "ours"}}
    files = {
        "images": [{"filename": "a.webp", "subfolder": "sub\\b", "type": "output"}],
        "animated": [True],
        "text": ["words"],
    }
    status, printed, errors = met(tmp_path, [*OF_OTHERS, step, made, OVER], {"9": files})
    assert (status, printed.strip()) == (0, str(tmp_path / "out" / "sub" / "b" / "a.webp"))
    assert errors.splitlines() == ["KSampler: step 1 of 2", "node 7.0.1"]


def test_progress_is_shown_once_per_place(tmp_path):
    """Every preview repeats it, windows and whole steps are counted apart, a list runs again."""
    steps = [
        {"type": "progress", "data": {"node": "7", "value": value, "max": of, "prompt_id": "ours"}}
        for value, of in ((1, 4), (2, 4), (1, 2), (2, 4), (2, 4), (4, 4), (2, 2), (1, 2))
    ]
    _, _, errors = met(tmp_path, [*steps, OVER], {})
    shown = [line.removeprefix("KSampler: step ") for line in errors.splitlines()]
    assert shown == ["1 of 4", "2 of 4", "4 of 4", "1 of 2"]


def test_connection_that_is_lost(tmp_path):
    status, printed, errors = met(tmp_path, OF_OTHERS, {})
    assert (status, printed) == (1, "")
    assert errors.startswith("error: the server closed the connection")


def test_no_file_is_written_outside_of_the_folder(tmp_path):
    files = {"images": [{"filename": "a.webp", "subfolder": "../..", "type": "output"}]}
    status, printed, errors = met(tmp_path / "deep", [OVER], {"9": files})
    assert (status, printed) == (1, "") and "outside" in errors
    assert not list(tmp_path.rglob("a.webp"))
