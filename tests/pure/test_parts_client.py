"""headless/render_in_parts.py, as far as it gets without a ComfyUI."""

import copy
import importlib
import json
import sys
from pathlib import Path

import pytest
from animatediff_native.samplers.clip_in_parts import ClipParts

ROOT = Path(__file__).parents[2]
GRAPH = json.loads((ROOT / "workflows" / "api" / "long_clip_in_parts.json").read_text("utf-8"))
EMPTY, CONTINUE = "5", "6"


@pytest.fixture(scope="module")
def client():
    """As a program finds what lies beside it."""
    sys.path.insert(0, str(ROOT / "headless"))
    try:
        yield importlib.import_module("render_in_parts")
    finally:
        sys.path.remove(str(ROOT / "headless"))


@pytest.fixture
def graph():
    return copy.deepcopy(GRAPH)


@pytest.mark.parametrize("frames", [2, 96, 97, 184, 185, 1000])
def test_it_counts_parts_as_the_node_does(client, graph, frames):
    job = client.job_of(graph, frames)
    assert (job.parts, job.frames) == (ClipParts(frames, 96, 8).count, frames)
    assert job.graph[EMPTY]["inputs"]["batch_size"] == frames


def test_the_workflow_says_the_length_where_nobody_does(client, graph):
    assert client.job_of(graph, None).frames == 256
    graph[CONTINUE]["inputs"]["latent"] = ["10", 0]  # of an encoded video
    with pytest.raises(client.Failure, match="--frames"):
        client.job_of(graph, None)
    assert client.job_of(graph, 300).parts == 4


def test_the_graph_of_a_part(client, graph):
    job = client.job_of(graph, 300)
    first, second = client.part_graph(job, 0, ""), client.part_graph(job, 1, "a/b.latent")
    assert client.PREVIOUS not in first and "previous" not in first[CONTINUE]["inputs"]
    assert second[CONTINUE]["inputs"]["part"] == 1
    assert second[CONTINUE]["inputs"]["previous"] == [client.PREVIOUS, 0]
    assert second[client.PREVIOUS]["inputs"] == {"latent": "a/b.latent"}
    assert job.graph == first


@pytest.mark.parametrize("kind", ["ADN_ContinueClip", "SaveLatent", "SaveImage"])
def test_a_workflow_that_lacks_a_node(client, graph, kind):
    graph = {key: node for key, node in graph.items() if node["class_type"] != kind}
    with pytest.raises(client.Failure, match=f"0 nodes {kind}"):
        client.job_of(graph, 300)


def test_numbers_that_cannot_be(client, graph):
    graph[CONTINUE]["inputs"]["context_frames"] = 96
    with pytest.raises(client.Failure, match="context_frames"):
        client.job_of(graph, 300)


def test_other_settings_are_refused_and_what_a_kill_left_is_taken_away(client, graph, tmp_path):
    job = client.job_of(graph, 300)
    client.prepare(job, tmp_path)
    (tmp_path / ".part_002").mkdir()
    (tmp_path / "part_000").mkdir()
    client.prepare(job, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["part_000", "plan.json"]
    graph["10"]["inputs"]["seed"] = 5
    with pytest.raises(client.Failure, match="other settings"):
        client.prepare(client.job_of(graph, 300), tmp_path)
    with pytest.raises(client.Failure, match="other settings"):
        client.prepare(job._replace(frames=301), tmp_path)


def test_parts_that_are_not_the_clip_are_not_joined(client, graph, tmp_path):
    job = client.job_of(graph, 96)
    (tmp_path / "part_000").mkdir()
    (tmp_path / "part_000" / "00000.png").touch()
    with pytest.raises(
        client.Failure, match=r"1 pictures, and the clip 96 frames[\s\S]*batch_index"
    ):
        client.join(job, tmp_path, 8.0)
    assert not (tmp_path / "frames").exists()
