"""The command line: what it prints, writes and returns."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from adn_testing.ade import DATA, SHAPES, read

from tools import convert_workflow

ROOT = Path(__file__).parents[2]


def run(capsys, *arguments: str | Path) -> tuple[int, str, str]:
    try:
        status = convert_workflow.main([str(argument) for argument in arguments])
    except SystemExit as ended:
        status = int(ended.code or 0)
    return status, *capsys.readouterr()


def test_all_converted(capsys, tmp_path):
    status, printed, errors = run(capsys, DATA / "gen1_ui.json", tmp_path / "out.json")
    assert (status, errors) == (0, "")
    assert "ADN_ApplyMotionModule" in printed and "Left" not in printed
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["version"] == 0.4


def test_something_left(capsys, tmp_path):
    status, printed, _ = run(capsys, DATA / "injected_i2v_ui.json", tmp_path / "out.json")
    assert status == 2 and (tmp_path / "out.json").is_file()
    assert "node 10, ADE_ApplyAnimateLCMI2VModel:" in printed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not json", "not JSON"),
        (b"\x89PNG\r\n\xff", "not text"),
        (b"[1, 2]", "not a workflow"),
        (b"[" * 100_000, "not a workflow"),
        (b"[" + b"9" * 5000 + b"]", "not a workflow"),
        (
            b'{"1": {"class_type": "KSampler", "inputs": {}}}',
            "no node of ComfyUI-AnimateDiff-Evolved",
        ),
        (None, "cannot be read"),
    ],
)
def test_bad_input(capsys, tmp_path, content, message):
    given = tmp_path / "in.json"
    if content is not None:
        given.write_bytes(content)
    status, printed, errors = run(capsys, given, tmp_path / "out.json")
    assert (status, printed) == (1, "") and message in errors
    assert not (tmp_path / "out.json").exists()


def test_half_a_sign_in_a_title_is_written_as_it_was(capsys, tmp_path):
    """As the page leaves one where it cuts a text inside an emoji; UTF-8 has no way to write it."""
    given = json.loads((DATA / "gen1_ui.json").read_text(encoding="utf-8"))
    given["nodes"][0]["title"] = "\ud83c"
    (tmp_path / "in.json").write_text(json.dumps(given), encoding="utf-8")
    assert run(capsys, tmp_path / "in.json", tmp_path / "out.json")[0] == 0
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert "\ud83c" in {node.get("title") for node in written["nodes"]}


def test_bad_output_and_bad_usage(capsys, tmp_path):
    status, _, errors = run(capsys, DATA / "gen1_ui.json", tmp_path / "no" / "out.json")
    assert status == 1 and "cannot be written" in errors
    assert run(capsys, DATA / "gen1_ui.json")[0] == 1


def test_it_needs_nothing_but_python(tmp_path):
    """-I -S: without site-packages, so without torch and the host."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tools.convert_workflow import main; sys.exit(main(sys.argv[1:]))"
    given = [sys.executable, "-I", "-S", "-c", code, DATA / "gen1_api.json", tmp_path / "out.json"]
    done = subprocess.run(given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_picture_is_read(capsys, tmp_path):
    status, _, errors = run(capsys, SHAPES / "png_metadata.png", tmp_path / "out.json")
    assert (status, errors) == (0, "") and (tmp_path / "out.json").is_file()


def test_a_report_of_many_files_writes_nothing(capsys, tmp_path):
    """Of a .jsonl.gz every line is a workflow, be it under `graph` with an id beside it or not."""
    rows = [{"id": "first", "graph": read("gen1_ui")}, read("gen1_api"), read("injected_i2v_ui")]
    lines = tmp_path / "many.jsonl.gz"
    lines.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    (tmp_path / "no.json").write_text("{}", encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    given = [lines, SHAPES / "png_metadata.png"]
    status, printed, _ = run(capsys, "--report", *given)
    assert status == 2 and sorted(tmp_path.iterdir()) == before
    assert "many.jsonl.gz:first: " in printed and "many.jsonl.gz:2: " in printed
    assert "4 workflows: 3 whole, 1 with something left, 0 that cannot be converted" in printed
    assert "1 with something left of ADE_InjectI2VIntoAnimateDiffModel" in printed
    status, printed, _ = run(capsys, "--report", *given, tmp_path / "no.json", tmp_path / "none.json")
    assert status == 1 and "2 that cannot be converted" in printed and "cannot be read" in printed
