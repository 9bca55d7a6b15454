"""One ComfyUI server for all live tests."""

import importlib
from collections.abc import Iterator

import pytest
from adn_testing.servers import (
    ServerFactory,
    host_tree,  # noqa: F401  fixtures, here and below
    make_server,  # noqa: F401
    standins,  # noqa: F401
)

from demo import graphs
from tools.server import ComfyServer
from tools.standins import StandIns


@pytest.fixture(scope="session")
def server(make_server: ServerFactory) -> Iterator[ComfyServer]:  # noqa: F811
    """A server with the extension and the demo's nodes, shared by all tests: to start one takes
    as long as five runs."""
    prepared = make_server("server", True)
    if graphs.is_there():
        graphs.install(prepared.base)
    with prepared as running:
        yield running


@pytest.fixture(scope="session")
def files(server: ComfyServer, standins: StandIns):  # noqa: F811
    """Stand-ins on that server, by the names that workflows ask for; see small_files.py."""
    made = importlib.import_module("small_files").SmallFiles(server, standins)
    yield made
    made.remove()


@pytest.fixture
def plain_server(make_server: ServerFactory) -> Iterator[ComfyServer]:  # noqa: F811
    """A server without the extension."""
    with make_server("plain_server", False) as running:
        yield running
