"""What the page gets to show under Browse Templates."""

import json
import urllib.request

import pytest

from tools.base_directory import EXTENSION_NAME
from tools.paths import REPO

NAMES = sorted(path.stem for path in (REPO / "workflows").glob("*.json"))


def fetched(server, path: str):
    with urllib.request.urlopen(f"{server.url}/api/workflow_templates{path}") as answer:
        return json.load(answer)


def test_every_workflow_is_offered(server):
    assert sorted(fetched(server, "")[EXTENSION_NAME]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_what_is_offered_opens(server, name):
    """ComfyUI looks in `examples` before `workflows`: a folder of that name here would hide ours."""
    shipped = json.loads((REPO / "workflows" / f"{name}.json").read_text(encoding="utf-8"))
    assert fetched(server, f"/{EXTENSION_NAME}/{name}.json") == shipped
