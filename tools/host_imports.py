"""Makes a host's modules importable in this process."""

import importlib
import importlib.util
import runpy
import sys
from pathlib import Path

from tools import torchaudio_stub, torchvision_compat
from tools.paths import REPO


def torch_is_cpu_only() -> bool:
    """Whether torch was built without an accelerator, found out without importing it."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return False
    build = runpy.run_path(str(Path(found.origin).with_name("version.py")))
    return build.get("cuda") is None and build.get("hip") is None and build.get("xpu") is None


def enter(tree: Path) -> None:
    """Puts `tree` first on sys.path, and this repository off it: nodes/ would hide nodes.py.

    torch is imported only if it is a CPU build: the host sets the allocator of other builds up
    before it imports them.
    """
    sys.path[:] = [
        str(tree),
        *(entry for entry in sys.path if Path(entry or ".").resolve() != REPO),
    ]
    # Before anything imports nodes.py, which puts the host's comfy/ first on sys.path: utils.py
    # there would hide the package utils.
    importlib.import_module("utils")
    torchaudio_stub.ensure(tree)
    if torch_is_cpu_only():
        torchvision_compat.ensure()
