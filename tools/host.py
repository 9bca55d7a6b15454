"""Prepares a ComfyUI to develop against, and runs a command with it.

    python3 -m tools.host                           prepare only
    python3 -m tools.host -- python -m demo         then run a command in the host's environment
    python3 -m tools.host --tests -- pytest         the same, with the test requirements installed

Needs the standard library only. Environment variables choose the host:

    COMFYUI_VERSION  a version pinned under tools/pins (default: 0.3.75)
    COMFYUI_PATH     a ComfyUI folder to use in place; nothing is written to it
    COMFYUI_PYTHON   the Python of an existing environment; nothing is installed into it

The command finds the host's tree in ADN_HOST, and its environment's scripts first on PATH.
"""

import argparse
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.environment import (
    Environment,
    check_test_requirements,
    install_host_requirements,
    install_test_requirements,
    make_venv,
)
from tools.host_tree import DEFAULT_VERSION, HostTree
from tools.package import NAME as PACKAGE_NAME
from tools.paths import DEV, REPO, ToolError, replace_link

OLDEST_PYTHON = (3, 10)


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """Two commands started side by side prepare one after the other."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def chosen_tree() -> HostTree:
    path, version = os.environ.get("COMFYUI_PATH"), os.environ.get("COMFYUI_VERSION")
    if path:
        return HostTree.of_path(path)
    return HostTree.of_version(version or DEFAULT_VERSION)


def prepare(with_tests: bool) -> tuple[HostTree, Environment]:
    """Makes the chosen host ready. Quick when nothing changed since the last time."""
    host = chosen_tree()
    given_python = os.environ.get("COMFYUI_PYTHON")
    with _only_one(host.folder / "lock"):
        if given_python:
            environment = Environment.of(
                Path(shutil.which(given_python) or given_python).absolute()
            )
            host.fetch(environment.python)
            if with_tests:
                check_test_requirements(environment)
        else:
            environment = make_venv(host.folder / "venv")
            host.fetch(environment.python)
            install_host_requirements(environment, host.tree)
            if with_tests:
                install_test_requirements(environment)
    replace_link(DEV / "host", host.tree)
    replace_link(DEV / "venv", environment.prefix)
    # Where the type checker finds this checkout under the name that tests import it by.
    replace_link(DEV / "package" / PACKAGE_NAME, REPO)
    return host, environment


def run(command: list[str], host: HostTree, environment: Environment) -> None:
    """Becomes `command`; caches that the tools would strew over the trees go under .dev."""
    caches = DEV / "cache"
    os.environ.update(
        ADN_HOST=str(host.tree),
        PATH=f"{environment.scripts}{os.pathsep}{os.environ.get('PATH', '')}",
        PYTHONPYCACHEPREFIX=str(caches / "python"),
        RUFF_CACHE_DIR=str(caches / "ruff"),
        PYTEST_ADDOPTS=f"{os.environ.get('PYTEST_ADDOPTS', '')} -o cache_dir={caches / 'pytest'}",
    )
    # torch's threads then sleep while they wait for each other, instead of taking the cores that
    # a second process (tests and server, two checkouts) computes on.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.chdir(REPO)
    program = str(environment.python) if command[0] == "python" else command[0]
    try:
        os.execvp(program, [program, *command[1:]])
    except FileNotFoundError as error:
        raise ToolError(
            f"{command[0]} was not found in {environment.scripts} nor on PATH."
        ) from error


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python3 -m tools.host", description="Prepares a ComfyUI host."
    )
    parser.add_argument(
        "--tests", action="store_true", help="also install (or check for) the test requirements"
    )
    parser.add_argument("command", nargs="*", help="what to run in the host's environment")
    arguments = parser.parse_args()
    if sys.version_info < OLDEST_PYTHON:
        raise ToolError(
            f"Python {sys.version.split()[0]} is too old: 3.10 or newer is needed. "
            "Try PYTHON=python3.12."
        )
    host, environment = prepare(arguments.tests)
    if arguments.command:
        run(arguments.command, host, environment)
    print(f"Host: {host.tree}\nPython: {environment.python}")


if __name__ == "__main__":
    try:
        main()
    except ToolError as error:
        sys.exit(f"error: {error}")
