"""The rules of the Comfy Registry, and what its package holds, without asking the registry.

They are those of its page on pyproject.toml and of `comfy node validate`.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from adn_testing.packed import packed_files

tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11 to read pyproject.toml")

ROOT = Path(__file__).parents[2]
VERSION = r"\d+\.\d+\.\d+"
VERSION_RANGE = rf"((==|>=|<=|!=|~=|>|<)?{VERSION})(,(==|>=|<=|!=|~=|>|<)?{VERSION})*"
LONGEST_NAME = 99
SYSTEMS = ("OS Independent", "Microsoft", "POSIX", "MacOS")
PICTURE = r"https://raw\.githubusercontent\.com/{repository}/main/(docs/[\w-]+\.(?:svg|png|jpe?g|gif))"
LARGEST_ICON = 400  # pixels of a side
BANNER = 21 / 9  # width by height
SOUGHT = ("AnimateDiff", "SD1.5", "text to video", "prompt travel", "MotionLoRA", "Evolved")
UNSAFE = "S102,S307,E702"  # exec, eval, and several statements in a line
NEEDED = {  # besides whole folders of code
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "__init__.py",
    "pyproject.toml",
    "requirements.txt",
    "headless/README.md",
    "headless/render_in_parts.py",
    "headless/run_workflow.py",
}
CODE = ("conditions", "convert", "lora", "motion", "nodes", "samplers", "training", "trajectories")
DATA = ("locales", "web", "workflows")
OF_THE_TOOLS = {"__init__.py", "convert_workflow.py", "package.py", "paths.py"}


@pytest.fixture(scope="module")
def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project(pyproject):
    return pyproject["project"]


@pytest.fixture(scope="module")
def comfy(pyproject):
    return pyproject["tool"]["comfy"]


@pytest.fixture(scope="module")
def packed():
    return packed_files()


def test_the_name_is_one_that_the_registry_takes(project):
    name = project["name"]
    assert len(name) <= LONGEST_NAME
    assert re.fullmatch(r"[a-z][a-z0-9]*([-_.][a-z0-9]+)*", name)
    assert "comfyui" not in name


def test_the_version_is_of_three_numbers_and_that_of_the_changelog(project):
    assert re.fullmatch(VERSION, project["version"])
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(rf"^## ({VERSION})", changes, re.MULTILINE)
    assert newest and newest[1] == project["version"]


def test_what_describes_it_is_there(project):
    assert 20 <= len(project["description"]) <= 200
    assert project["license"] == {"file": "LICENSE"} and (ROOT / "LICENSE").is_file()
    assert (ROOT / project["readme"]).is_file()
    assert all(word in project["description"] for word in SOUGHT)
    urls = project["urls"]
    assert urls["Repository"].startswith("https://github.com/")
    assert all(urls[name].startswith(urls["Repository"]) for name in ("Documentation", "Bug Tracker"))


def test_it_says_where_it_runs(project, comfy):
    assert project["requires-python"] == ">=3.10"
    systems = [c.partition(" :: ")[2] for c in project["classifiers"] if c[:9] == "Operating"]
    assert systems and all(system.startswith(SYSTEMS) for system in systems)
    assert re.fullmatch(VERSION_RANGE, comfy["requires-comfyui"])


def test_the_oldest_host_is_one_that_is_tested(comfy):
    pins = [path.stem.removeprefix("comfyui-") for path in (ROOT / "tools/pins").glob("*.txt")]
    oldest = min(pins, key=lambda version: [int(part) for part in version.split(".")])
    assert comfy["requires-comfyui"] == f">={oldest}"
    assert f"ComfyUI {oldest} or newer" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_requirements_are_the_same_in_both_places(project):
    """The registry reads one, a git clone installs the other."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    required = [line for line in map(str.strip, lines) if line and not line.startswith("#")]
    assert required == project["dependencies"]


def test_the_registrys_own_part(comfy):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", comfy["PublisherId"])
    assert comfy["DisplayName"].strip()
    assert all((ROOT / name).exists() for name in comfy.get("includes", []))


def picture(project, address: str) -> Path:
    """The file in this repository that an address on its main branch stands for."""
    repository = project["urls"]["Repository"].removeprefix("https://github.com/")
    named = re.fullmatch(PICTURE.format(repository=re.escape(repository)), address)
    assert named, address
    return ROOT / named[1]


def size(png: Path) -> tuple[int, int]:
    start = png.read_bytes()[:24]
    assert start[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(start[16:20], "big"), int.from_bytes(start[20:24], "big")


def test_the_icon_is_square_and_small(project, comfy):
    width, height = size(picture(project, comfy["Icon"]))
    assert width == height <= LARGEST_ICON


def test_the_banner_has_the_registrys_shape(project, comfy):
    width, height = size(picture(project, comfy["Banner"]))
    assert abs(width / height / BANNER - 1) < 0.01


def test_no_code_that_the_registry_refuses():
    command = [sys.executable, "-m", "ruff", "check", ".", "-q", "--isolated", "--select", UNSAFE]
    done = subprocess.run(
        [*command, "--exclude", ".dev"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if "No module named ruff" in done.stderr:
        pytest.skip("needs ruff")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_package_holds_what_runs(packed):
    folders = [path for name in (*CODE, *DATA) for path in (ROOT / name).rglob("*")]
    made_by_python = {".pyc"}
    due = {
        path.relative_to(ROOT).as_posix()
        for path in folders
        if path.is_file() and path.suffix not in made_by_python
    }
    assert {*due, *NEEDED} <= {*packed}


def test_the_package_holds_nothing_else(packed):
    tools = {f"tools/{name}" for name in OF_THE_TOOLS}
    others = [
        name for name in packed if name.split("/")[0] not in (*CODE, *DATA) and name not in NEEDED
    ]
    assert {*others} == tools


def test_the_package_is_small(packed):
    """Models and clips have no place in it."""
    sizes = {name: (ROOT / name).stat().st_size for name in packed}
    assert sum(sizes.values()) < 8 * 2**20
    assert max(sizes.values()) < 2**20
