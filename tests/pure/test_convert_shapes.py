"""What published graphs are made of is seen through: pipes, constants, reroutes and switches of
packs, links without wires, and what is off."""

# Cases are typed loosely.
# pyright: reportArgumentType=false

import pytest
from adn_testing.ade import as_graph, models_of, only, reasons, shape
from adn_testing.ade_graphs import Builder, as_page
from adn_testing.page_graphs import (
    PageBuilder,
    checkpoint,
    free_noise,
    loader,
    sampled,
    static_windows,
)
from adn_testing.sound import new_faults
from animatediff_native.convert import convert
from animatediff_native.motion.errors import AnimateDiffError

APPLY, WINDOWS, NOISE = "ADN_ApplyMotionModule", "ADN_ContextWindows", "ADN_FreeNoise"
MODEL, LATENT, COND = "MODEL", "LATENT", "CONDITIONING"


def after(given):
    result = convert(given)
    assert new_faults(given, result.workflow) == set()
    return result, as_graph(result.workflow)


def origin(graph, node, name):
    """The node at the other end of an input."""
    return graph[node["inputs"][name][0]]


@pytest.mark.parametrize("name", ["impact_basic_pipe", "rgthree_context_windows", "easy_use_pipe",
    "anything_everywhere", "reroute_options", "lora_loader_empty", "noise_select_reroute",
    "bypassed_scale", "muted_loader", "scale_multival_from_primitive", "context_length_null",
    "closed_loop_from_primitive", "subgraph", "group_node"])  # fmt: skip
def test_nothing_is_lost_or_noted(name):
    result = convert(shape(name))
    assert not result.left and not result.notes
    assert not any("ADE_" in str(node["type"]) for node in result.workflow["nodes"])


def test_free_noise_goes_before_the_sampler_behind_a_basic_pipe():
    _, graph = after(shape("impact_basic_pipe"))
    noise = origin(graph, only(graph, "KSampler"), "latent_image")
    assert noise["type"] == NOISE and origin(graph, noise, "samples")["type"] == "EmptyLatentImage"
    assert noise["inputs"]["seed"] == 7


def test_free_noise_goes_into_a_pipe_that_is_sampled():
    _, graph = after(shape("easy_use_pipe"))
    noise = origin(graph, only(graph, "easy pipeIn"), "latent")
    assert noise["type"] == NOISE and noise["inputs"]["seed"] == 7


def test_samplers_that_share_a_pipe_share_its_free_noise():
    given = shape("easy_use_pipe")
    twin = {**next(n for n in given["nodes"] if n["type"] == "easy fullkSampler"), "id": 90}
    twin["inputs"] = [dict(socket) for socket in twin["inputs"]]
    twin["inputs"][0]["link"] = 900
    twin["outputs"] = [{**output, "links": []} for output in twin["outputs"]]
    given["links"].append([900, 10, 0, 90, 0, "PIPE_LINE"])
    next(n for n in given["nodes"] if n["id"] == 10)["outputs"][0]["links"].append(900)
    given |= {"last_node_id": 90, "last_link_id": 900, "nodes": [*given["nodes"], twin]}
    _, graph = after(given)
    assert only(graph, NOISE)


def pipes():
    """A name, the pipe's type, and how it is packed, changed and unpacked."""
    yield "impact", "BASIC_PIPE", "ToBasicPipe", "EditBasicPipe", "FromBasicPipe_v2"
    yield "rgthree", "RGTHREE_CONTEXT", *["Context (rgthree)"] * 3
    yield "easy", "PIPE_LINE", "easy pipeIn", "easy pipeEdit", "easy pipeOut"
    yield "unknown", "PIPE_LINE", "Some Pipe In", "Some Pipe Edit", "Some Pipe Out"


@pytest.mark.parametrize(("_", "kind", "pack", "edit", "unpack"), [*pipes()])
@pytest.mark.parametrize("edited", [False, True])
def test_a_model_goes_through_pipes(_, kind, pack, edit, unpack, edited):
    """Packed, changed by another pipe node, unpacked; where that has a model of its own, no."""
    build = PageBuilder()
    model = loader(build, checkpoint(build), context_options=("CONTEXT_OPTIONS", _looped(build)))
    name = {"BASIC_PIPE": "basic_pipe", "RGTHREE_CONTEXT": "base_ctx"}.get(kind, "pipe")
    outputs = f"{kind} MODEL"
    pipe = (build.add(pack, outputs, model=(MODEL, model)), 0)
    own = {"model": (MODEL, checkpoint(build))} if edited else {}
    pipe = (build.add(edit, outputs, **{name: (kind, pipe)}, **own), 0)
    taken = (build.add(unpack, outputs, **{name: (kind, pipe)}), 1)
    latent = (build.add("EmptyLatentImage", LATENT, [512, 512, 16]), 0)
    sampled(build, taken, latent)
    _, graph = after(build.page())
    # windows do not loop in a clip that is known to be one window
    loops = only(graph, WINDOWS)["inputs"]["schedule"] == "looped"
    assert loops == edited
    loader_model = origin(graph, only(graph, APPLY), "model")
    assert loader_model["type"] == "CheckpointLoaderSimple"


def _looped(build):
    values = [16, 1, 4, True, "flat", False, 0, 1]
    return build.add("ADE_LoopedUniformContextOptions", "CONTEXT_OPTIONS", values), 0


def test_contexts_that_are_merged_take_the_later_and_switches_the_first():
    for node_type, expected in (("Context Merge (rgthree)", 16), ("Context Switch (rgthree)", 48)):
        build = Builder()
        small = build.add("EmptyLatentImage", width=8, height=8, batch_size=16)
        large = build.add("EmptyLatentImage", width=8, height=8, batch_size=48)
        model = build.loader(build.model, context_options=build.add(
            "ADE_StandardStaticContextOptions", context_length=16, context_overlap=4),
            sample_settings=build.add("ADE_AnimateDiffSamplingSettings", noise_type="FreeNoise"))  # fmt: skip
        first = build.add("Context (rgthree)", model=model, latent=large)
        second = build.add("Context (rgthree)", base_ctx=first, latent=small)
        both = build.add(node_type, ctx_01=first, ctx_02=second)
        build.latent = [both[0], 6]
        graph = build.sampled([both[0], 1])
        schedule = build.add(
            "BatchPromptSchedule", text='"0": "a"', max_frames=0, clip=[build.model[0], 1]
        )
        build.add("KSampler", positive=schedule)
        _, graph = after(graph)
        assert only(graph, "ADN_PromptSchedule")["inputs"]["frames"] == expected


def test_a_link_that_only_the_page_makes_becomes_one_of_our_nodes():
    """What is not touched keeps its own; the reports' ids are those of the page."""
    _, graph = after(shape("anything_everywhere"))
    assert origin(graph, only(graph, APPLY), "model")["type"] == "CheckpointLoaderSimple"


def test_anything_everywhere_behind_a_loader():
    given = shape("anything_everywhere")
    loaders = [n for n in given["nodes"] if n["type"] == "ADE_AnimateDiffLoaderGen1"]
    (sampler,) = [n for n in given["nodes"] if n["type"] == "KSampler"]
    number = sampler["inputs"][0]["link"]
    sampler["inputs"][0]["link"] = None
    loaders[0]["outputs"][0]["links"] = []
    given["links"] = [link for link in given["links"] if link[0] != number]
    given["extra"]["ue_links"].append({
        "downstream": sampler["id"], "downstream_slot": 0, "upstream": str(loaders[0]["id"]),
        "upstream_slot": 0, "controller": 5, "type": "MODEL",
    })  # fmt: skip
    _, graph = after(given)
    assert origin(graph, only(graph, "KSampler"), "model")["type"] == APPLY


@pytest.mark.parametrize("links", [
    None, 3, [3], [{}], [{"downstream": 99}], [{"downstream": 6, "upstream": 1}],
    [{"downstream": 6, "downstream_slot": 9, "upstream": 1, "upstream_slot": 0}],
    [{"downstream": 6, "downstream_slot": -1, "upstream": 1, "upstream_slot": 0}],
    [{"downstream": 6, "downstream_slot": 0, "upstream": 1, "upstream_slot": 1}],
])  # fmt: skip
def test_a_model_for_all_is_known_without_those_links(links):
    given = shape("anything_everywhere")
    given["extra"]["ue_links"] = links
    _, graph = after(given)
    assert origin(graph, only(graph, APPLY), "model")["type"] == "CheckpointLoaderSimple"


@pytest.mark.parametrize(("node_type", "values"), [
    ("KSampler (Efficient)", [11, None, 20, 7, "euler", "normal", 1.0, "auto", "true"]),
    ("KSampler Adv. (Efficient)", ["enable", 11, "fixed", 20, 7, "euler", "normal", 0, 99]),
    ("easy kSampler", [20, 7.0, "Preview", 11, "randomize"]),
])  # fmt: skip
def test_samplers_of_packs_have_seeds(node_type, values):
    build = PageBuilder()
    model = loader(
        build, checkpoint(build), context_options=("CONTEXT_OPTIONS", static_windows(build)),
        sample_settings=("SAMPLE_SETTINGS", free_noise(build)),
    )  # fmt: skip
    latent = (build.add("EmptyLatentImage", LATENT, [512, 512, 32]), 0)
    build.add(
        node_type, "MODEL LATENT", values, model=(MODEL, model), latent_image=(LATENT, latent)
    )
    result, graph = after(build.page())
    assert only(graph, NOISE)["inputs"]["seed"] == 11 and not result.notes


def test_a_sampler_that_gives_its_model_on_leads_to_the_next():
    build = PageBuilder()
    model = loader(
        build, checkpoint(build), context_options=("CONTEXT_OPTIONS", static_windows(build)),
        sample_settings=("SAMPLE_SETTINGS", free_noise(build)),
    )  # fmt: skip
    latent = (build.add("EmptyLatentImage", LATENT, [512, 512, 32]), 0)
    first = build.add("KSampler (Efficient)", "MODEL LATENT", [11, None, 20],
                      model=(MODEL, model), latent_image=(LATENT, latent))  # fmt: skip
    sampled(build, (first, 0), (first, 1))
    _, graph = after(build.page())
    assert [n["type"] for n in graph.values()].count(NOISE) == 2


def test_easy_use_names_its_wires_as_kjnodes_does():
    build = Builder()
    build.add("easy setNode", MODEL=build.loader(build.model), Constant="m")
    given = build.sampled(build.add("easy getNode", Constant="m"))
    for workflow in (given, as_page(given)):
        _, graph = after(workflow)
        assert origin(graph, only(graph, "easy setNode"), "MODEL")["type"] == APPLY


def test_loaders_that_are_off_and_have_no_model_go():
    for mode, gone in ((2, True), (0, False)):
        build = PageBuilder()
        sampled(build, loader(build, None))
        build.nodes[0]["mode"] = mode
        result = convert(build.page())
        kept = {node["type"] for node in result.workflow["nodes"]}
        assert ("ADE_AnimateDiffLoaderGen1" not in kept) == gone == (not result.left)


def test_of_what_takes_part_in_no_run_nothing_is_listed():
    """A loader whose model goes nowhere: its FreeNoise finds no sampler, which is no loss."""
    build = PageBuilder()
    settings = ("SAMPLE_SETTINGS", free_noise(build))
    windows = ("CONTEXT_OPTIONS", static_windows(build))
    loader(build, checkpoint(build), context_options=windows, sample_settings=settings)
    result, _ = after(build.page())
    assert not result.left


def test_a_muted_lora_takes_those_before_it_along():
    result, graph = after(shape("muted_lora_in_chain"))
    assert not result.left
    apply = only(graph, APPLY)
    assert origin(graph, apply, "motion_lora")["mode"] == 2


def test_another_pack_is_named():
    with pytest.raises(AnimateDiffError, match="ArtVentureX") as refused:
        convert(shape("artventurex_nodes"))
    assert "AnimateDiffSampler" in refused.value.given


def test_beside_nodes_of_theirs_that_pack_s_combine_stays():
    build = PageBuilder()
    sampled(build, loader(build, checkpoint(build)))
    build.add("AnimateDiffSampler", "LATENT", [])
    combine = build.add("AnimateDiffCombine", "", [8, 0, True, "a", "image/gif", False])
    result = convert(build.page())
    kept = {node["id"]: node["type"] for node in result.workflow["nodes"]}
    assert kept[combine] == "AnimateDiffCombine" and not result.left


def test_a_script_of_efficiency_nodes_is_named():
    (reason,) = reasons(convert(shape("options_of_a_script"))).values()
    assert "AnimateDiff Script" in reason and "cannot be converted" in reason


def test_the_model_of_a_sampler_is_the_converted_one():
    _, graph = after(shape("rgthree_context_windows"))
    context = only(graph, "Context (rgthree)")
    chain = [n["type"] for n in models_of(graph, context)]
    assert chain == [WINDOWS, APPLY, "CheckpointLoaderSimple"]
