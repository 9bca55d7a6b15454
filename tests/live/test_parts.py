"""headless/render_in_parts.py against a server: as a program, killed in the middle too."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from live_graphs import SIZE
from PIL import Image

from tools import media
from tools.paths import REPO

PROGRAM = REPO / "headless" / "render_in_parts.py"
WORKFLOW = REPO / "workflows" / "api" / "long_clip_in_parts.json"
FRAMES, PART, CONTEXT = 14, 6, 2  # three parts: 0-5, 4-9, 8-13


@pytest.fixture
def command(server, standins, tmp_path):
    """The command line for a small clip into a folder, with more assignments."""
    small = {
        "CheckpointLoaderSimple.ckpt_name": standins.checkpoint.name,
        "2.motion_module": standins.motion_module.name,
        "The Whole Clip.width": SIZE,
        "The Whole Clip.height": SIZE,
        "Continue Clip.frames": PART,
        "Continue Clip.context_frames": CONTEXT,
        "Context Windows.context_length": 4,
        "Context Windows.context_overlap": 2,
        "FreeNoise.context_length": 4,
        "FreeNoise.context_overlap": 2,
        "Prompt Schedule.text": '0: "a hill"\n13: "a lake"',
        "KSampler.steps": 2,
    }

    def build(folder: str, *more: str) -> list[str | Path]:
        assignments = [*(f"{key}={value}" for key, value in small.items()), *more]
        options = [part for given in assignments for part in ("--set", given)]
        where = ["--server", server.url, "--output", tmp_path / folder, "--frames", str(FRAMES)]
        return [sys.executable, PROGRAM, WORKFLOW, *where, *options]

    return build


def run(command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def pictures(folder: Path) -> np.ndarray:
    return np.stack([np.asarray(Image.open(file)) for file in sorted(folder.glob("*.png"))])


def test_killed_in_mid_part_it_goes_on_to_the_same_clip(command, tmp_path):
    whole = run(command("whole"))
    assert whole.returncode == 0, whole.stderr
    assert [Path(line).name for line in whole.stdout.split()] == ["frames", "clip.mp4"]
    expected = pictures(tmp_path / "whole" / "frames")
    assert expected.shape == (FRAMES, SIZE, SIZE, 3) and expected.std() > 0
    assert len(media.video_frames(tmp_path / "whole" / "clip.mp4")) == FRAMES

    with subprocess.Popen(command("killed"), stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        for line in program.stderr:
            if line.startswith("Part 2 of 3"):
                program.kill()
                break
    first = tmp_path / "killed" / "part_000" / "part.latent"
    made = first.stat().st_mtime_ns
    assert not (tmp_path / "killed" / "part_001").exists()
    (tmp_path / "killed" / ".part_001").mkdir()  # what a kill while downloading leaves

    again = run(command("killed"))
    assert again.returncode == 0, again.stderr
    assert "Part 1 of 3 is there." in again.stderr and "Part 2 of 3\n" in again.stderr
    assert first.stat().st_mtime_ns == made
    assert np.array_equal(pictures(tmp_path / "killed" / "frames"), expected)
    assert not [path for path in (tmp_path / "killed").iterdir() if path.name.startswith(".")]


def test_parts_of_another_clip_are_not_mixed_in(command, tmp_path):
    done = run(command("mixed", "Continue Clip.frames=14"))
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "mixed" / "plan.json").read_text())["parts"] == 1
    other = run(command("mixed", "Continue Clip.frames=14", "KSampler.seed=2"))
    assert other.returncode == 1 and "made with other settings" in other.stderr


def test_a_workflow_without_parts(command, tmp_path):
    program = command("none")
    program[program.index(WORKFLOW)] = WORKFLOW.with_name("text_to_video.json")
    done = run(program[: program.index("--set")])
    assert done.returncode == 1 and "0 nodes ADN_ContinueClip" in done.stderr
