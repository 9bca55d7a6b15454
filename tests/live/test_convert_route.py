"""What the page asks the server when it opens a workflow of another pack."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

GRAPHS = Path(__file__).parents[1] / "data" / "ade"


def post(server, body: bytes) -> tuple[int, dict]:
    request = urllib.request.Request(
        f"{server.url}/animatediff_native/convert", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_workflow_comes_back_converted(server):
    graph = next(file for file in sorted(GRAPHS.glob("*.json")) if "gen1" in file.name)
    status, answer = post(server, graph.read_bytes())
    assert status == 200
    assert "ADN_ApplyMotionModule" in json.dumps(answer["workflow"])
    assert answer["converted"]


@pytest.mark.parametrize(("body", "said"), [(b"{", "not JSON"), (b"{}", "workflow")])
def test_what_is_no_workflow_is_an_error(server, body, said):
    status, answer = post(server, body)
    assert status == 400
    assert said in answer["error"]
