"""Conversions of less usual parts: options without an equivalent, modes, wires, the page's files."""

import pytest
from adn_testing.ade import as_graph, converted, models_of, only, read, reasons
from animatediff_native.convert import convert
from animatediff_native.convert.values import UnknownLayout, named_values

APPLY, LOAD, LORA = "ADN_ApplyMotionModule", "ADN_LoadMotionModule", "ADN_LoadMotionLora"
WINDOWS, NOISE = "ADN_ContextWindows", "ADN_FreeNoise"
SETTINGS, LEGACY = "ADE_AnimateDiffSamplingSettings", "ADE_AnimateDiffUniformContextOptions"


def replaced(name: str, **options):
    """An API example with other inputs, by node: n10={"beta_schedule": ...}."""
    given = read(name)
    for key, inputs in options.items():
        given[key[1:]]["inputs"] |= inputs
    result = convert(given)
    return result, as_graph(result.workflow)


@pytest.mark.parametrize("count", [5, 6, 7])
def test_settings_of_every_length(count):
    result, graph = converted(f"settings_{count}_ui")
    noise = only(graph, NOISE)["inputs"]
    seed = 102 if count == 7 else 99  # with an offset of 3
    assert (noise["context_length"], noise["context_overlap"], noise["seed"]) == (16, 6, seed)
    assert noise["schedule"] == "static"
    assert not result.left


@pytest.mark.parametrize(
    ("node", "saved", "expected"),
    [
        (SETTINGS, ["comfy"], {"seed_gen": "comfy"}),
        (
            SETTINGS,
            [1, "default", "comfy"],
            {"batch_offset": 1, "noise_type": "default", "seed_gen": "comfy"},
        ),
        (
            SETTINGS,
            [0, "default", "comfy", 4, "fixed", 5, "randomize", True],
            {"seed_offset": 4, "seed_override": 5, "adapt_denoise_steps": True},
        ),
        (
            LEGACY,
            [16, 1, 4, "uniform", True, "flat", False, 0.2, 3, ""],
            {"closed_loop": True, "start_percent": 0.2, "guarantee_steps": 3},
        ),
        (
            "ADE_LoopedUniformContextOptions",
            [16, 1, 4, "uniform", True],
            {"context_schedule": "uniform", "closed_loop": True},
        ),
        ("ADE_AnimateDiffLoaderWithContext", ["a", "b", True], {"apply_mm_groupnorm_hack": True}),
        ("ADE_AnimateDiffLoaderWithContext", ["a", "b", 0.9], {"motion_scale": 0.9}),
        ("AnimateDiffLoaderV1", ["a", False, "b", ""], {"beta_schedule": "b"}),
        ("AnimateDiffLoaderV1", ["a", "b"], {"beta_schedule": "b"}),
        (
            "KSampler",
            [7, "increment", 20, 8, "euler", "normal", 1],
            {"seed": 7, "seed:control": "increment"},
        ),
        ("ADE_MultivalDynamic", {"float_val": 1.5, "other": 3}, {"float_val": 1.5}),
        ("SomebodyElses", [1, 2], {}),
    ],
)
def test_values_by_position(node, saved, expected):
    named = named_values(node, saved)
    assert expected.items() <= named.items()
    assert "other" not in named


def test_values_that_fit_no_version():
    with pytest.raises(UnknownLayout, match="3 saved values"):
        named_values("ADE_AnimateDiffLoRALoader", ["a.ckpt", True, 4])


def test_options_without_an_equivalent_are_listed_one_by_one():
    result, graph = converted("options_left_api")
    said = reasons(result)
    expected = {
        "15": "batch_offset 2", "16": "iterations 2", "17": "only one context", "18": "random",
    }  # fmt: skip
    assert said.keys() == expected.keys()
    assert all(part in said[key] for key, part in expected.items())
    assert only(graph, "ADN_MotionStrength")["inputs"]["strength"] == 2.5
    assert only(graph, APPLY)["inputs"]["strength"] == 1.0
    assert not any(node["type"].startswith("ADE_") for node in graph.values())


def test_what_cannot_be_converted_stays_with_all_that_it_needs():
    result, graph = converted("injected_i2v_ui")
    assert graph == as_graph(read("injected_i2v_ui"))
    assert result.workflow["links"] == read("injected_i2v_ui")["links"]
    said = reasons(result)
    assert said.keys() == {"6", "7", "8", "9", "10", "11", "12"}
    assert "cannot be converted" in said["12"] and "serves node 12" in said["11"]


def test_bypassed_nodes_stay_bypassed():
    _, graph = converted("bypassed_ui")
    windows, apply, _ = models_of(graph, only(graph, "KSampler"))
    last = graph[apply["inputs"]["motion_lora"][0]]
    first = graph[last["inputs"]["previous"][0]]
    modes = [
        node["mode"]
        for node in (windows, apply, last, first, only(graph, NOISE), only(graph, LOAD))
    ]
    assert modes == [4, 0, 4, 0, 4, 0]


def test_muted_parts_do_not_cut_the_model():
    """A muted option was simply not there; in the way of a model, its place is bypassed."""
    _, graph = converted("muted_parts_ui")
    windows, second, first, _ = models_of(graph, only(graph, "KSampler"))
    assert [node["mode"] for node in (windows, second, first)] == [4, 0, 4]


def test_a_bypassed_loader_stays_bypassed():
    _, graph = converted("bypassed_loader_ui")
    assert {n["mode"] for n in graph.values() if n["type"].startswith("ADN_")} == {4}


def test_subgraphs_are_converted_inside():
    result, graph = converted("subgraph_ui")
    (inside,) = result.workflow["definitions"]["subgraphs"]
    assert inside["id"] == read("subgraph_ui")["definitions"]["subgraphs"][0]["id"]
    assert [node["type"] for node in inside["nodes"]] == [LOAD, APPLY]
    chain = models_of(graph, only(graph, "KSampler"))  # the loader before it is superseded
    assert [node["type"] for node in chain[1:]] == ["CheckpointLoaderSimple"]


def test_reroutes_connected_widgets_and_links_as_dicts():
    result, graph = converted("reroutes_ui")
    chain = models_of(graph, only(graph, "KSampler"))
    assert [n["type"] for n in chain] == [
        WINDOWS,
        APPLY,
        "LoraLoaderModelOnly",
        "CheckpointLoaderSimple",
    ]
    primitive = ("12", 0)
    assert only(graph, WINDOWS)["inputs"]["context_length"] == primitive
    assert only(graph, NOISE)["inputs"]["context_length"] == primitive
    (record,) = (n for n in result.workflow["nodes"] if n["type"] == WINDOWS)
    assert record["inputs"][2]["widget"] == {"name": "context_length"}
    assert record["widgets_values"][0] == 16
    assert all(isinstance(link, dict) for link in result.workflow["links"])
    assert [bend["id"] for bend in result.workflow["extra"]["reroutes"]] == [2]
    assert [link["id"] for link in result.workflow["extra"]["linkExtensions"]] == [1]
    assert only(graph, "VHS_VideoCombine") and "14" not in graph


def test_wires_by_name():
    page = read("gen1_ui")
    loader = next(node for node in page["nodes"] if node["id"] == 10)
    sampler = next(node for node in page["nodes"] if node["id"] == 5)
    link = loader["outputs"][0]["links"][0]
    page["links"] = [x if x[0] != link else [link, 10, 0, 20, 0, "MODEL"] for x in page["links"]]
    page["links"].append([link + 1, 21, 0, 5, 0, "MODEL"])
    sampler["inputs"][0]["link"] = link + 1
    page["nodes"] += [
        {"id": 20, "type": "SetNode", "mode": 0, "inputs": [{"name": "MODEL", "type": "MODEL", "link": link}],
         "outputs": [{"name": "*", "type": "*", "links": None}], "widgets_values": ["motion"]},
        {"id": 21, "type": "GetNode", "mode": 0, "inputs": [], "widgets_values": ["motion"],
         "outputs": [{"name": "MODEL", "type": "MODEL", "links": [link + 1]}]},
    ]  # fmt: skip
    result = convert(page)
    graph = as_graph(result.workflow)
    assert graph[graph["20"]["inputs"]["MODEL"][0]]["type"] == APPLY
    assert graph["5"]["inputs"]["model"] == ("21", 0) and not result.left


def test_free_noise_finds_samplers_behind_guiders():
    _, graph = converted("custom_sampler_api")
    noise = graph[only(graph, "SamplerCustomAdvanced")["inputs"]["latent_image"][0]]
    assert noise["type"] == NOISE and noise["inputs"]["seed"] == 5150
    assert graph[only(graph, "BasicScheduler")["inputs"]["model"][0]]["type"] == WINDOWS


def test_the_first_loaders_gave_the_latent_on():
    result, graph = converted("v1_advanced_ui")
    assert graph[only(graph, "KSampler")["inputs"]["latent_image"][0]]["type"] == "EmptyLatentImage"
    assert only(graph, LOAD)["inputs"]["norms"] == "over all frames for v1 and v2"
    assert not result.notes


def test_nodes_that_comfyui_has_by_itself():
    _, graph = converted("helpers_ui")
    assert only(graph, "EmptyLatentImage")["inputs"] == {
        "width": 512,
        "height": 512,
        "batch_size": 200,
    }
    (_, checkpoint) = models_of(graph, only(graph, "KSampler"))
    assert checkpoint["type"] == "CheckpointLoaderSimple"
    result, graph = replaced("helpers_api", n10={"beta_schedule": "use existing"})
    chain = models_of(graph, only(graph, "KSampler"))  # now nothing else sets its schedule
    assert [node["type"] for node in chain][-2:] == ["ADN_NoiseSchedule", "CheckpointLoaderSimple"]
    assert not result.left


@pytest.mark.parametrize(
    ("proper", "norms"), [(True, "auto"), (False, "over all frames for v1 and v2")]
)
def test_v2_run_as_v1(proper, norms):
    page = read("legacy_options_9_ui")
    loader = next(n for n in page["nodes"] if n["id"] == 10)
    loader["widgets_values"] = ["mm_sd_v15_v2.ckpt", "autoselect", 1, proper]
    result = convert(page)
    assert only(as_graph(result.workflow), LOAD)["inputs"]["norms"] == norms and not result.left


def test_unload_is_the_model_before_the_motion():
    _, graph = converted("unload_ui")
    second = next(node for node in graph.values() if node["inputs"].get("denoise") == 0.4)
    schedule, checkpoint = models_of(graph, second)  # theirs keeps the loader's schedule
    assert schedule["inputs"]["beta_schedule"] == "linear (AnimateDiff)"
    assert checkpoint["type"] == "CheckpointLoaderSimple"


def test_ends_and_unreadable_nodes():
    result, graph = converted("ends_ui")
    saved = only(graph, "SaveAnimatedWEBP")["inputs"]
    assert saved["fps"] == 8 and graph[saved["images"][0]]["type"] == "VAEDecode"
    said = reasons(result)
    assert not said and not result.notes
    unused = [line for line in result.converted if "connected to nothing" in line]
    assert [line.split(",")[0] for line in unused] == ["node 11", "node 12"]


@pytest.mark.parametrize(
    ("options", "key", "part"),
    [
        ({"n13": {"context_overlap": 20}}, "13", "context_overlap 20 is not less"),
        ({"n13": {"fuse_method": "🔬random"}}, "13", "pyramid is used"),
        ({"n13": {"start_percent": 0.4}}, "13", "start_percent 0.4"),
        ({"n13": {"context_length": 1}}, "13", "too short"),
        ({"n14": {"seed_gen": "comfy [gpu]"}}, "14", "drew on the GPU"),
        ({"n10": {"beta_schedule": ["4", 0]}}, "10", "a connected beta_schedule"),
    ],
)
def test_values_without_an_equivalent(options, key, part):
    result, _ = replaced("gen2_simple_api", **options)
    assert part in reasons(result)[key]


def test_a_lora_stronger_than_can_be_typed_in_gets_its_number_by_a_link():
    result, graph = replaced("gen1_loras_api", n11={"strength": 3.5})
    assert not result.left
    number = only(graph, "PrimitiveFloat")
    assert number["inputs"] == {"value": 3.5}
    linked = [n["inputs"]["strength"] for n in graph.values() if n["type"] == LORA]
    assert [graph[link[0]] for link in linked if isinstance(link, tuple)] == [number]


def test_half_converted_graphs_are_understood():
    """As after the page replaced single nodes."""
    given = read("gen2_simple_api")
    given["11"] = {"class_type": LOAD, "inputs": {"motion_module": "x.ckpt"}}
    graph = as_graph(convert(given).workflow)
    assert only(graph, APPLY)["inputs"]["motion_module"] == ("11", 0)


def test_a_sampler_that_adds_no_noise_gets_no_free_noise():
    given = read("gen2_simple_api")
    sampler = given["5"]
    sampler["inputs"] |= {"add_noise": "disable", "noise_seed": sampler["inputs"].pop("seed")}
    sampler["class_type"] = "KSamplerAdvanced"
    result = convert(given)
    assert "adds no noise" in result.notes[0]
    assert NOISE not in {node["type"] for node in as_graph(result.workflow).values()}


def test_group_nodes_that_nothing_uses_and_links_that_were_cut():
    """The page would name what such a group has inside as missing."""
    page = read("gen1_ui")
    page["links"].append(None)
    page["extra"]["groupNodes"] = {"Mine": {"nodes": [{"type": "ADE_MultivalDynamic", "index": 0}]}}
    result = convert(page)
    assert not result.left and None not in result.workflow["links"]
    assert result.workflow["extra"]["groupNodes"] == {}


@pytest.mark.parametrize(
    ("frames", "closed", "in_one_window", "expected", "left"),
    [
        (16, True, True, "looped", True),  # theirs sees it twice at a step
        (16, True, False, "looped open", False),
        (32, True, False, "looped", False),
        (32, True, True, "looped", False),
        (16, False, True, "looped", False),
    ],
)
def test_a_clip_of_one_window_loops_where_it_did(frames, closed, in_one_window, expected, left):
    options = {"context_length": 16, "context_stride": 1, "context_overlap": 4, "fuse_method": "flat"}
    loops = {"closed_loop": closed, "use_on_equal_length": in_one_window}
    nodes = {
        "1": ("CheckpointLoaderSimple", {"ckpt_name": "a"}),
        "2": ("ADE_LoopedUniformContextOptions", {**options, **loops}),
        "3": (
            "ADE_AnimateDiffLoaderGen1",
            {"model": ["1", 0], "model_name": "mm", "beta_schedule": "autoselect",
             "context_options": ["2", 0]},
        ),
        "4": ("EmptyLatentImage", {"width": 64, "height": 64, "batch_size": frames}),
        "5": ("KSampler", {"model": ["3", 0], "latent_image": ["4", 0]}),
    }  # fmt: skip
    given = {key: {"class_type": kind, "inputs": inputs} for key, (kind, inputs) in nodes.items()}
    result = convert(given)
    assert only(as_graph(result.workflow), WINDOWS)["inputs"]["schedule"] == expected
    assert ("use_on_equal_length" in str(result.notes)) == left and not result.left
