"""The package under a fixed name, the host on the path, and the device that tests use.

The checkout's folder can have any name and its `nodes/` must not shadow the host's
`nodes.py`, so the package is registered by hand; its root `__init__.py`, which needs a running
ComfyUI, is left to the tests that want it.
"""

import importlib
import os
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOST = Path(os.environ.get("ADN_HOST") or ROOT / ".dev" / "host")


def _prepare() -> None:
    """Our package importable, and `comfy` too where there is a host to test with."""
    sys.path.insert(0, str(ROOT))
    package = importlib.import_module("tools.package")
    host_imports = importlib.import_module("tools.host_imports")
    importlib.import_module("demo")
    sys.path.remove(str(ROOT))
    package.register()
    sys.path.insert(0, str(ROOT / "tests"))
    if not HOST.is_dir():
        return
    host_imports.enter(HOST)
    args = importlib.import_module("comfy.cli_args").args
    args.base_directory = tempfile.mkdtemp(prefix="adn-test-")  # nothing is written into the host
    if os.environ.get("ADN_DEVICE", "cpu") == "cpu":
        args.cpu = True
    else:  # tolerances are those of fp32
        args.force_fp32 = True
        torch = importlib.import_module("torch")
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.deterministic = True


_prepare()


def pytest_collection_modifyitems(items):
    """A folder is a tier, and a tier is a marker."""
    for item in items:
        tier = item.path.relative_to(ROOT / "tests").parts[0]
        if tier in ("host", "weights", "live", "ui"):
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
