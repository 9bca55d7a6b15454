"""The package that the registry would hand out, in a folder of its own: it is complete."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from adn_testing.packed import packed_files

from tools.paths import REPO

IMPORT = """
import asyncio, importlib, pathlib, sys
tree, repository, package = map(pathlib.Path, sys.argv[1:])
sys.path.insert(0, str(repository))
importlib.import_module("tools.host_imports").enter(tree)  # which takes the repository off again
args = importlib.import_module("comfy.cli_args").args
args.cpu, args.base_directory = True, str(pathlib.Path.cwd())
sys.path.insert(0, str(package.parent))
extension = asyncio.run(importlib.import_module(package.name).comfy_entrypoint())
for folder in ("conditions", "convert", "lora", "motion", "nodes", "samplers", "training", "trajectories"):
    for file in sorted((package / folder).glob("*.py")):
        importlib.import_module(f"{package.name}.{folder}.{file.stem}")
nodes = asyncio.run(extension.get_node_list())
print("NODES", *sorted(node.GET_SCHEMA().node_id for node in nodes))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """A copy, so that nothing beside it can be found by chance."""
    root = tmp_path_factory.mktemp("custom_nodes") / "packed_animatediff"
    for name in packed_files():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPO / name, root / name)
    return root


def run(*command: str | Path, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_every_module_imports_and_every_node_has_its_page(package, tmp_path):
    host = Path(importlib.import_module("folder_paths").__file__ or "").parent
    done = run(sys.executable, "-c", IMPORT, host, REPO, package, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("NODES "))
    nodes = line.split()[1:]
    pages = sorted(path.stem for path in (package / "web" / "docs").glob("*.md"))
    assert nodes == pages


@pytest.mark.parametrize(
    ("command", "said"),
    [(("-m", "tools.convert_workflow"), "FILE"), (("headless/run_workflow.py", "--help"), "--set")],
)
def test_the_programs_for_users_start(package, command, said):
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = run(sys.executable, *command, cwd=package, env=environ)
    assert "Traceback" not in done.stderr
    assert said in done.stdout + done.stderr
