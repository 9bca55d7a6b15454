"""Makes a host's modules importable in this process, also where torch's companions are missing."""

import importlib
import importlib.util
import runpy
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from tools.environment import requirement_lines, requirement_name
from tools.paths import REPO

NMS_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


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
    _stand_in_for_torchaudio(tree)
    if torch_is_cpu_only():
        _make_torchvision_importable()


class _Absent(ModuleType):
    """A module that imports, and says what is missing when something of it is used."""

    def __getattr__(self, name: str) -> object:
        raise AttributeError(
            f"{self.__name__}.{name} was asked for, but torchaudio is not installed here"
        )


def _stand_in_for_torchaudio(tree: Path) -> None:
    """Newer hosts import it at start-up, and PyPI has no CPU build of it."""
    wanted = (requirement_name(line) for line in requirement_lines(tree / "requirements.txt"))
    if "torchaudio" not in wanted or importlib.util.find_spec("torchaudio") is not None:
        return
    package = _add("torchaudio")
    package.__path__ = []
    for part in ("functional", "transforms"):
        setattr(package, part, _add(f"torchaudio.{part}"))


def _add(name: str) -> ModuleType:
    module = _Absent(name)
    module.__spec__ = ModuleSpec(name, None, is_package=name == "torchaudio")
    sys.modules[name] = module
    return module


def _make_torchvision_importable() -> None:
    """Declares the operators that importing it looks up, where its compiled part cannot load, as
    beside a CPU build of torch.

    They have no implementation: ComfyUI's core never calls them.
    """
    import torch

    found = importlib.util.find_spec("torchvision")
    if (
        found is None
        or not found.submodule_search_locations
        or _compiled_part_loads(found.submodule_search_locations[0])
    ):
        return
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            torch.library.define(f"torchvision::{name}", NMS_SCHEMA)


def _compiled_part_loads(package: str) -> bool:
    import torch

    libraries = sorted(path for path in Path(package).glob("_C*") if path.suffix in (".so", ".pyd"))
    if not libraries:
        return False
    try:
        torch.ops.load_library(libraries[0])
    except OSError:
        return False
    return True
