"""The package under a fixed name, the host on the path, and the device that tests use.

The checkout's folder can have any name and its `nodes/` must not shadow the host's
`nodes.py`, so the package is registered by hand; its root `__init__.py`, which needs a running
ComfyUI, is left to the tests that want it.
"""

import importlib
import os
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOST = Path(os.environ.get("ADN_HOST") or ROOT / ".dev" / "host")


def _register_package() -> None:
    package = types.ModuleType("animatediff_native")
    package.__path__ = [str(ROOT)]
    sys.modules["animatediff_native"] = package


def _prepare_host() -> None:
    """Make `comfy` importable; on the CPU unless ADN_DEVICE says otherwise."""
    sys.path[:0] = [str(HOST), str(ROOT / "tests")]
    if not HOST.is_dir():
        return
    sys.path.append(str(ROOT))
    importlib.import_module("tools.torchvision_compat").ensure()
    sys.path.remove(str(ROOT))
    cli_args = importlib.import_module("comfy.cli_args")
    if os.environ.get("ADN_DEVICE", "cpu") == "cpu":
        cli_args.args.cpu = True


_register_package()
_prepare_host()


def pytest_collection_modifyitems(items):
    """A folder is a tier, and a tier is a marker."""
    for item in items:
        tier = item.path.relative_to(ROOT / "tests").parts[0]
        if tier in ("host", "weights", "live"):
            item.add_marker(tier)


@pytest.fixture(scope="session")
def device():
    """The device that the host computes on."""
    return importlib.import_module("comfy.model_management").get_torch_device()


@pytest.fixture
def inference():
    """As the host runs nodes: without autograd."""
    torch = importlib.import_module("torch")
    with torch.inference_mode():
        yield
