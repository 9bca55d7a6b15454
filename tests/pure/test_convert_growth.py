"""Conversions of large graphs: what they cost, and that no chain is too long."""

import importlib
import sys
from collections.abc import Callable

import pytest
from adn_testing.ade import NAMES, read
from adn_testing.ade_graphs import (
    Builder,
    as_page,
    camera_poses_in_a_chain,
    loaders_in_a_row,
    loaders_side_by_side,
    loaders_with_options_side_by_side,
    loaders_with_settings_side_by_side,
    loras_in_a_chain,
    mixed,
    one_long_pipe,
    options_in_chains,
    pipes_in_a_row,
    subgraphs_in_a_row,
)
from animatediff_native.convert import convert
from animatediff_native.motion.errors import AnimateDiffError

LONG = 5000
PARTS = "ADN_LoadMotionLora", "ADN_LoadMotionModule", "ADN_ApplyMotionModule"


def lines_run(work: Callable[[], object]) -> int:
    """Lines of Python that a call runs, those of its loops each time round."""
    count = 0

    def trace(_frame, event, _argument):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("kind", [dict, as_page])
@pytest.mark.parametrize(
    "make",
    [
        loras_in_a_chain,
        loaders_in_a_row,
        loaders_side_by_side,
        loaders_with_options_side_by_side,
        loaders_with_settings_side_by_side,
        camera_poses_in_a_chain,
        mixed,
        one_long_pipe,
        options_in_chains,
        pipes_in_a_row,
    ],
)
def test_four_times_the_nodes_are_four_times_the_work(make, kind):
    """Counted, not timed, so that a busy machine changes nothing; 4 for each is linear."""
    small, large = (kind(make(nodes)) for nodes in (100, 400))
    grown = lines_run(lambda: convert(large)) / lines_run(lambda: convert(small))
    assert grown < 4.3


def test_four_times_the_subgraphs_are_four_times_the_work():
    small, large = (subgraphs_in_a_row(nodes) for nodes in (100, 400))
    grown = lines_run(lambda: convert(large)) / lines_run(lambda: convert(small))
    assert grown < 4.3 and "ADN_" in str(convert(small).workflow["definitions"])


def long_reroute() -> dict:
    build = Builder()
    link = build.model
    for _ in range(LONG):
        link = build.add("Reroute", **{"": link})
    return build.sampled(build.loader(link))


def long_contexts() -> dict:
    build, before = Builder(), {}
    for _ in range(LONG):
        link = build.add("ADE_StandardStaticContextOptions", context_length=16, **before)
        before = {"prev_context": link}
    return build.sampled(build.loader(build.model, context_options=before["prev_context"]))


def long_latents() -> dict:
    build = Builder()
    for _ in range(LONG):
        build.latent = build.add("LatentUpscaleBy", samples=build.latent, scale_by=1.0)
    windows = build.add("ADE_StandardUniformContextOptions", context_length=16, context_stride=2)
    return build.sampled(build.loader(build.model, context_options=windows))


def long_patches() -> dict:
    build = Builder()
    model = build.add("CheckpointLoaderSimpleWithNoiseSelect", ckpt_name="a",
                      beta_schedule="sqrt_linear (AnimateDiff)")  # fmt: skip
    for _ in range(LONG):
        model = build.add("FreeU_V2", model=model)
    return build.sampled(build.loader(model))


def long_pipe() -> dict:
    return one_long_pipe(LONG)


def long_subgraphs() -> dict:
    return subgraphs_in_a_row(LONG)


def long_modules() -> dict:
    build = Builder()
    load = build.add("ADE_LoadAnimateDiffModel", model_name="mm.ckpt")
    models = {}
    for _ in range(LONG):
        applied = build.add("ADE_ApplyAnimateDiffModel", motion_model=load, **models)
        models = {"prev_m_models": applied}
    applied = models["prev_m_models"]
    return build.sampled(build.add("ADE_UseEvolvedSampling", model=build.model, m_models=applied))


@pytest.mark.parametrize("make", [
    lambda: loras_in_a_chain(LONG), lambda: loaders_in_a_row(LONG), long_reroute, long_contexts,
    long_latents, long_patches, long_modules, long_pipe, long_subgraphs, lambda: as_page(loras_in_a_chain(LONG)),
], ids=["loras", "loaders", "reroutes", "contexts", "latents", "patches", "modules", "pipe", "subgraphs", "page"])  # fmt: skip
def test_no_chain_is_too_long(make):
    assert convert(make()).converted


@pytest.mark.parametrize("nodes", [20])
def test_large_graphs_are_converted_as_small_ones(nodes):
    """Each loader becomes its parts, in the order of the chain."""
    graph = convert(loras_in_a_chain(nodes)).workflow
    apply = next(n for n in graph.values() if n["class_type"] == PARTS[2])
    names, link = [], apply["inputs"]["motion_lora"]
    while link:
        names.append(graph[link[0]]["inputs"]["motion_lora"])
        link = graph[link[0]]["inputs"].get("previous")
    assert names == [f"{number}.ckpt" for number in reversed(range(nodes))]
    kinds = [n["class_type"] for n in convert(loaders_side_by_side(nodes)).workflow.values()]
    assert kinds.count(PARTS[1]) == kinds.count(PARTS[2]) == nodes


def test_free_noise_of_each_loader_goes_before_the_sampler():
    graph = convert(loaders_with_options_side_by_side(7)).workflow
    samplers = [n for n in graph.values() if n["class_type"] == "KSampler"]
    assert len(samplers) == 7
    for sampler in samplers:
        noise = graph[sampler["inputs"]["latent_image"][0]]
        assert noise["class_type"] == "ADN_FreeNoise"
        assert graph[noise["inputs"]["samples"][0]]["class_type"] == "EmptyLatentImage"


def test_a_loader_takes_the_place_of_those_before_it():
    kinds = [n["class_type"] for n in convert(loaders_in_a_row(20)).workflow.values()]
    assert kinds.count(PARTS[1]) == kinds.count(PARTS[2]) == 1


@pytest.mark.parametrize("given", [*NAMES, "mixed"])
def test_what_the_graph_knows_of_its_links_is_so(given, monkeypatch):
    """After a conversion, as after reading the nodes that are left anew."""
    workflow = importlib.import_module("animatediff_native.convert.workflow")
    graphs = importlib.import_module("animatediff_native.convert.graph")
    jobs = []
    monkeypatch.setattr(workflow, "Job", lambda *parts: jobs.append(job := real(*parts)) or job)
    real = importlib.import_module("animatediff_native.convert.options").Job
    convert(mixed(60) if given == "mixed" else read(given))
    (graph,) = (job.graph for job in jobs)
    anew = graphs.Graph(graph.nodes, graph.last_id)
    for node in graph.nodes.values():
        assert graph.users(node) == anew.users(node)
        assert graph.taken(node) == anew.taken(node)
        assert {n.id for n in graph.sources(node)} == {n.id for n in anew.sources(node)}
        for _, link in node.links():
            assert graph.origin(link) == anew.origin(link)
            assert list(graph.consumers(link)) == list(anew.consumers(link))


def test_more_nodes_than_any_workflow_has_are_refused():
    with pytest.raises(AnimateDiffError, match="10100 nodes"):
        convert(loras_in_a_chain(10_096))


def test_a_conversion_that_would_multiply_its_nodes_ends(monkeypatch):
    """Many loaders that share one long chain of motion modules would each need all of it."""
    graphs = importlib.import_module("animatediff_native.convert.graph")
    monkeypatch.setattr(graphs, "MOST_NODES", LONG + 500)
    with pytest.raises(AnimateDiffError, match="more than 5500 nodes"):
        convert(long_modules())
