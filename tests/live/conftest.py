"""One ComfyUI server for all live tests, with small stand-in models in a folder of its own."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools import standins as standin_models
from tools.base_directory import BaseDirectory
from tools.paths import DEV
from tools.server import ComfyServer
from tools.standins import StandIns

ServerFactory = Callable[[str, bool], ComfyServer]


@pytest.fixture(scope="session")
def host_tree() -> Path:
    return Path(os.environ.get("ADN_HOST") or DEV / "host").resolve()


@pytest.fixture(scope="session")
def standins(host_tree: Path) -> StandIns:
    return standin_models.ensure(host_tree)


@pytest.fixture(scope="session")
def make_server(
    host_tree: Path, standins: StandIns, tmp_path_factory: pytest.TempPathFactory
) -> ServerFactory:
    """Prepares (does not start) a server: its folder's name, and whether it has the extension."""

    def make(name: str, extension: bool) -> ComfyServer:
        base = BaseDirectory(tmp_path_factory.mktemp(name))
        base.add_model("checkpoints", standins.checkpoint)
        base.add_model("animatediff_models", standins.motion_module)
        on_cpu = os.environ.get("ADN_DEVICE", "cpu") == "cpu"
        return ComfyServer(
            host_tree,
            base,
            extension=extension,
            cpu=True if on_cpu else None,
            arguments=() if on_cpu else ("--deterministic",),
        )

    return make


@pytest.fixture(scope="session")
def server(make_server: ServerFactory) -> Iterator[ComfyServer]:
    """A server with the extension, shared by all tests."""
    with make_server("server", True) as running:
        yield running


@pytest.fixture
def plain_server(make_server: ServerFactory) -> Iterator[ComfyServer]:
    """A server without the extension."""
    with make_server("plain_server", False) as running:
        yield running
