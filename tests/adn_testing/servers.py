"""Fixtures of the tests that talk to a ComfyUI server; a conftest.py takes them by importing them.

Every server has small stand-in models in a folder of its own.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import standins as standin_models
from tools.base_directory import BaseDirectory
from tools.paths import DEV
from tools.server import ComfyServer
from tools.standins import StandIns

ServerFactory = Callable[..., ComfyServer]


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
    """Prepares (does not start) a server: its folder's name, whether it has the extension, and
    further arguments of its command line."""

    def make(name: str, extension: bool, *arguments: str) -> ComfyServer:
        base = BaseDirectory(tmp_path_factory.mktemp(name))
        base.add_model("checkpoints", standins.checkpoint)
        base.add_model("animatediff_models", standins.motion_module)
        on_cpu = os.environ.get("ADN_DEVICE", "cpu") == "cpu"
        return ComfyServer(
            host_tree,
            base,
            extension=extension,
            cpu=True if on_cpu else None,
            arguments=arguments if on_cpu else ("--deterministic", *arguments),
        )

    return make
