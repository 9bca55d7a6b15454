"""The Python environment a host runs in: a venv of ours, or an existing one used as it is."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools import stamps
from tools.paths import CONSTRAINTS, DEV_REQUIREMENTS, EXTENSION_REQUIREMENTS, ToolError

# Pinned by CONSTRAINTS instead (torchaudio has no CPU build on PyPI: see tools/host_imports.py).
PINNED_APART = {"torch", "torchvision", "torchaudio"}
# requests: imported by hosts that do not list it.
EXTRA_REQUIREMENTS = ["requests"]

_FACTS = """
import json, sys, sysconfig
print(json.dumps([sys.prefix, sysconfig.get_path("scripts")]))
"""
_MISSING = """
import importlib.metadata, json, sys
def has(name):
    try:
        return bool(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return False
print(json.dumps([line for name, line in json.loads(sys.argv[1]) if not has(name)]))
"""


@dataclass(frozen=True)
class Environment:
    """An interpreter with its scripts (pytest, ruff, pyright lie beside them)."""

    python: Path
    prefix: Path
    scripts: Path

    @classmethod
    def of(cls, python: Path) -> "Environment":
        prefix, scripts = _facts(python)
        return cls(python, Path(prefix), Path(scripts))


def _facts(python: Path) -> list[str]:
    try:
        done = subprocess.run([python, "-c", _FACTS], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ToolError(
            f"{python} was expected to be a Python interpreter, but it did not run: {error}"
        ) from error
    return json.loads(done.stdout)


def requirement_lines(path: Path) -> list[str]:
    """The requirements in a file, without comments and blank lines; none if the file is missing."""
    if not path.is_file():
        return []
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def requirement_name(line: str) -> str:
    return re.split(r"[\s\[<>=!~;@]", line, maxsplit=1)[0].lower()


def _plain_environ() -> dict[str, str]:
    """Without the variable that moves byte code out of what pip installs."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPYCACHEPREFIX"}


def pip(python: Path, *arguments: str | Path) -> None:
    """Runs pip showing errors only: its warnings about find-links places would bury them."""
    command = [
        python,
        "-m",
        "pip",
        arguments[0],
        "-qq",
        "--disable-pip-version-check",
        *arguments[1:],
    ]
    if subprocess.run(command, env=_plain_environ()).returncode != 0:
        shown = " ".join(str(part) for part in command)
        raise ToolError(
            f"pip failed (its message is above): {shown}\nCheck the network and the package index."
        )


def make_venv(folder: Path) -> Environment:
    """A venv in `folder`, made afresh when it was made by another Python, or elsewhere."""
    stamp = folder / "venv.stamp"
    key = stamps.fingerprint(sys.version, str(folder))
    python = folder / "bin" / "python"
    if not stamps.is_current(stamp, key) or not python.exists():
        print(f"Creating a virtual environment in {folder}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "venv", "--clear", folder], env=_plain_environ()
        )
        if done.returncode != 0:
            raise ToolError(
                f"{sys.executable} -m venv failed. "
                "On Debian and Ubuntu, install the package python3-venv."
            )
        stamps.write(stamp, key)
    return Environment.of(python)


def install_host_requirements(environment: Environment, tree: Path) -> None:
    """torch, the host's requirements and the extension's, in one pip call under the same pins."""
    files = (tree / "requirements.txt", EXTENSION_REQUIREMENTS)
    listed = [line for file in files for line in requirement_lines(file)]
    wanted = [line for line in listed if requirement_name(line) not in PINNED_APART]
    pins = requirement_lines(CONSTRAINTS)
    _install(environment, "host", [*pins, *wanted, *EXTRA_REQUIREMENTS])


def install_test_requirements(environment: Environment) -> None:
    _install(environment, "test", requirement_lines(DEV_REQUIREMENTS))


def _install(environment: Environment, what: str, requirements: list[str]) -> None:
    stamp = environment.prefix / f"{what}-requirements.stamp"
    key = stamps.fingerprint(sys.version, requirements, requirement_lines(CONSTRAINTS))
    if stamps.is_current(stamp, key):
        return
    print(
        f"Installing the {what} requirements into {environment.prefix} (once; this takes minutes)",
        flush=True,
    )
    stamp.unlink(missing_ok=True)
    pip(environment.python, "install", "--no-compile", "-c", CONSTRAINTS, *requirements)
    stamps.write(stamp, key)


def check_test_requirements(environment: Environment) -> None:
    """For an environment that is not ours: names what is missing instead of installing it."""
    wanted = [(requirement_name(line), line) for line in requirement_lines(DEV_REQUIREMENTS)]
    command = [environment.python, "-c", _MISSING, json.dumps(wanted)]
    missing = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if missing:
        raise ToolError(
            f"{environment.python} lacks packages that the tests need: {', '.join(missing)}.\n"
            "An environment given by COMFYUI_PYTHON is used as it is. Install them yourself:\n"
            f"  {environment.python} -m pip install -r {DEV_REQUIREMENTS.name}\n"
            "or leave COMFYUI_PYTHON out to use a virtual environment under .dev/."
        )
