"""What the page gets to show under Browse Templates."""

import json
import urllib.request
from urllib.parse import quote

import pytest

from tools import workflow
from tools.base_directory import EXTENSION_NAME


def fetched(server, path: str):
    with urllib.request.urlopen(f"{server.url}/api/workflow_templates{path}") as answer:
        return json.load(answer)


def test_every_workflow_is_offered(server):
    assert sorted(fetched(server, "")[EXTENSION_NAME]) == sorted(
        workflow.page_file(name).stem for name in workflow.TITLES
    )


@pytest.mark.parametrize("name", workflow.TITLES)
def test_what_is_offered_opens(server, name):
    """ComfyUI looks in `examples` before `workflows`: a folder of that name here would hide ours."""
    shipped = json.loads((file := workflow.page_file(name)).read_text(encoding="utf-8"))
    assert fetched(server, f"/{EXTENSION_NAME}/{quote(file.name)}") == shipped
