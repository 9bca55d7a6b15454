"""What the page asks the server when it opens a workflow of another pack."""

import json
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from adn_testing.ade_graphs import mixed

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


def test_the_server_answers_others_while_it_converts(server):
    """A graph larger than any that is known; before, the server stood for as long as it took."""
    answers = []
    body = json.dumps(mixed(9_000)).encode()
    converting = threading.Thread(target=lambda: answers.append(post(server, body)))
    converting.start()
    meanwhile = 0
    while converting.is_alive():
        with urllib.request.urlopen(f"{server.url}/queue") as answer:
            assert json.load(answer)["queue_running"] == []
        meanwhile += converting.is_alive()
    ((status, answer),) = answers
    assert status == 200 and len(answer["converted"]) > 4_000
    assert meanwhile >= 5


def test_what_is_too_large_is_told_its_limit(server):
    status, answer = post(server, b" " * (8 * 2**20 + 1))
    assert status == 413
    assert "at most 8 MB" in answer["error"]
