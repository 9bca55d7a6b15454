"""headless/run_workflow.py against a server: as a program, as users run it."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from live_graphs import FRAMES, SIZE, STEPS

from tools import media
from tools.paths import REPO

PROGRAM = REPO / "headless" / "run_workflow.py"
WORKFLOW = REPO / "workflows" / "api" / "text_to_video.json"
TEXT = "a lake = still, 100% calm"


@pytest.fixture
def two_savers(tmp_path) -> Path:
    """The workflow with a second saver."""
    graph = json.loads(WORKFLOW.read_text(encoding="utf-8"))
    graph["10"] = {"class_type": "CreateVideo", "inputs": {"images": ["8", 0], "fps": 8.0}}
    video = {"video": ["10", 0], "filename_prefix": "clip", "format": "mp4", "codec": "h264"}
    title = {"title": "Save as MP4"}
    graph["11"] = {"class_type": "SaveVideo", "inputs": video, "_meta": title}
    file = tmp_path / "two_savers.json"
    file.write_text(json.dumps(graph), encoding="utf-8")
    return file


@pytest.fixture
def command(server, standins, tmp_path, two_savers):
    """The command line for a small clip, with more assignments; later ones win."""

    def build(*assignments: str, workflow: Path = two_savers) -> list[str | Path]:
        small = (
            f"CheckpointLoaderSimple.ckpt_name={standins.checkpoint.name}",
            f"2.motion_module={standins.motion_module.name}",
            f"Frames.width={SIZE}",
            f"Frames.height={SIZE}",
            f"Frames.batch_size={FRAMES}",
            f"KSampler.steps={STEPS}",
        )
        options = [part for given in (*small, *assignments) for part in ("--set", given)]
        where = ["--server", server.url + "/", "--output", tmp_path / "out"]
        return [sys.executable, PROGRAM, workflow, *where, *options]

    return build


def run(command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def last_graph(server) -> dict:
    """What the server ran last."""
    with urllib.request.urlopen(f"{server.url}/history?max_items=1") as answer:
        (entry,) = json.load(answer).values()
    return entry["prompt"][2]


def test_from_a_workflow_to_files(server, command, tmp_path):
    done = run(command(f"Prompt.text={TEXT}", "7.seed=3", "Save as MP4.filename_prefix=sub/clip"))
    assert done.returncode == 0, done.stderr
    webp, video = sorted((Path(line) for line in done.stdout.splitlines()), key=lambda p: p.suffix)[
        ::-1
    ]
    assert webp.parent == tmp_path / "out" and video.parent == tmp_path / "out" / "sub"
    for frames in (media.webp_frames(webp), media.video_frames(video)):
        assert media.complaint(frames) is None
        assert len(frames) == FRAMES
    for line in ("KSampler", f"KSampler: step {STEPS} of {STEPS}", "Save as MP4"):
        assert line in done.stderr.splitlines()
    graph = last_graph(server)
    assert (graph["4"]["inputs"]["text"], graph["7"]["inputs"]["seed"]) == (TEXT, 3)


def test_text_that_looks_like_json_reaches_the_server_as_text(server, command):
    text = '{"0": "a", "16": "b"}'
    done = run(command(f"Prompt.text={text}", "7.seed=8", '7.positive=["5", 0]', "10.fps=12"))
    assert done.returncode == 0, done.stderr
    graph = last_graph(server)
    assert graph["4"]["inputs"]["text"] == text
    assert graph["7"]["inputs"]["positive"] == ["5", 0] and graph["10"]["inputs"]["fps"] == 12


def test_what_did_not_change_comes_from_the_cache_with_its_files(command):
    first, again = run(command("7.seed=4")), run(command("7.seed=4"))
    assert first.returncode == again.returncode == 0, again.stderr
    assert "KSampler: unchanged, from the server's cache" in again.stderr
    assert first.stdout == again.stdout != ""


def test_unknown_checkpoint_is_named_with_its_node(command):
    done = run(command("1.ckpt_name=nowhere.safetensors"))
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        "Load Checkpoint (node 1): Value not in list: ckpt_name: 'nowhere.safetensors'"
        in done.stderr
    )


def test_node_that_fails_is_named_with_its_reason(server, command):
    page = server.base.path / "models" / "animatediff_models" / "headless.safetensors"
    page.write_text("<!DOCTYPE html>\n<html><body>Not found</body></html>\n", encoding="utf-8")
    done = run(command(f"2.motion_module={page.name}"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: Load Motion Module (node 2): AnimateDiffError: " in done.stderr
    assert page.name in done.stderr and "Traceback" not in done.stderr


def test_unknown_node_class(command, tmp_path):
    graph = json.loads(WORKFLOW.read_text(encoding="utf-8"))
    graph["8"]["class_type"] = "NoSuchNode"
    (tmp_path / "unknown.json").write_text(json.dumps(graph), encoding="utf-8")
    done = run(command(workflow=tmp_path / "unknown.json"))
    assert done.returncode == 1 and "NoSuchNode" in done.stderr


def test_output_that_the_server_leaves_out(command, tmp_path):
    """The others are made and brought, but it is no success."""
    done = run(command("7.seed=5", "Save as WEBP.quality=1000"))
    assert done.returncode == 1
    assert "left out: Save as WEBP (node 9): Value 1000 bigger than max" in done.stderr
    assert [Path(line).suffix for line in done.stdout.splitlines()] == [".mp4"]


def test_interrupted_run(server, command):
    with subprocess.Popen(
        command("7.seed=6", "KSampler.steps=60"), stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stderr is not None
        for line in program.stderr:
            if "step 2 of 60" in line:
                server.client.interrupt()
        assert "error: the run was interrupted in KSampler (node 7)." in line
    assert program.returncode == 1
