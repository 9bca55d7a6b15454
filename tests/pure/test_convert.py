"""Workflows of AnimateDiff-Evolved, converted: nodes, values and links of every example."""

import copy
import functools
import operator

import pytest
from adn_testing.ade import (
    NAMES,
    PAIRS,
    converted,
    is_page,
    models_of,
    only,
    read,
    types_by_id,
    wires,
)
from animatediff_native.convert import Left, convert
from animatediff_native.motion.errors import AnimateDiffError

APPLY, LOAD, LORA = "ADN_ApplyMotionModule", "ADN_LoadMotionModule", "ADN_LoadMotionLora"
WINDOWS, NOISE, PROMPTS = "ADN_ContextWindows", "ADN_FreeNoise", "ADN_PromptSchedule"
OTHERS_CONVERTED = (
    "AnimateDiffLoader",
    "AnimateDiffLoaderV1",
    "BatchPromptSchedule",
    "CheckpointLoaderSimpleWithNoiseSelect",
)
LINEAR, SCALED = "linear (AnimateDiff)", "scaled_linear (Stable Diffusion)"
CLEAN = [  # everything in them has an equivalent
    "ad_keyframe_constant_ui", "ad_keyframes_of_effect_ui", "ad_settings_adjusted_ui",
    "adapt_denoise_steps_on_ui", "animate_lcm_i2v_ui", "animate_lcm_ui", "apply_v2_properly_off_ui",
    "batched_api", "beta_average_ui", "beta_cosine_ui", "beta_lcm_100_ui", "beta_lcm_average_ui",
    "beta_linear_adxl_ui", "beta_unknown_api", "bypassed_loader_ui", "bypassed_scale_ui",
    "bypassed_ui", "cameractrl_joined_api", "cameractrl_ui", "closed_loop_off_long_clip_ui",
    "closed_loop_off_short_clip_ui", "combine_to_core_nodes_ui", "context_stride_above_range_ui",
    "context_stride_unknown_clip_ui", "custom_cfg_constant_ui", "custom_cfg_keyframes_ui",
    "custom_sampler_api", "ends_ui", "first_versions_ui", "fizz_ui", "gen1_api", "gen1_loras_api",
    "gen1_loras_ui", "gen1_ui", "gen2_simple_api", "gen2_simple_ui", "gen2_two_modules_api",
    "gen2_two_modules_ui", "helpers_api", "helpers_ui", "hotshot_module_ui", "lcm_sqrt_linear_api",
    "legacy_loader_no_v2_choice_api", "legacy_options_10_ui", "legacy_options_5_ui",
    "legacy_options_6_ui", "legacy_options_9_ui", "loader_behind_loader_ui", "looped_ui",
    "model_sampling_before_loader_ui", "motion_model_settings_neutral_ui", "motion_scale_legacy_ui",
    "multival_left_api", "muted_parts_ui", "noise_select_checkpoint_ui",
    "noise_select_used_alone_ui", "noise_type_constant_ui", "noise_type_empty_ui", "pia_ui",
    "prompt_scheduling_api", "prompt_scheduling_ui", "reroutes_ui", "scale_multival_constant_ui",
    "scale_multival_from_primitive_ui", "scale_multival_gen2_ui", "sdxl_module_ui",
    "second_pass_shares_model_ui", "settings_5_ui", "settings_6_ui", "settings_7_ui",
    "sigma_schedule_setting_ui", "sparsectrl_ui", "subgraph_ui", "unload_api",
    "unload_behind_patch_ui", "unload_ui", "v1_advanced_ui", "v1_loader_latents_ui",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_what_is_left_is_listed_and_nothing_else(name):
    result, _ = converted(name)
    assert bool(result.left) == (name not in CLEAN), result.left
    theirs = {t for t in types_by_id(result.workflow).values() if t.startswith("ADE_")}
    assert theirs <= {entry.type for entry in result.left}
    for entry in result.left:
        assert entry.node_id and entry.type and entry.reason
        assert entry.type in str(entry) and entry.reason in str(entry)


@pytest.mark.parametrize("name", NAMES)
def test_every_node_of_theirs_is_accounted_for(name):
    """Nothing is dropped in silence: converted, left, or noted."""
    result, after = converted(name)
    said = "\n".join([*result.converted, *result.notes, *map(str, result.left)])
    for key, node_type in types_by_id(read(name)).items():
        if node_type.startswith(("ADE_", "ACN_")) or node_type in OTHERS_CONVERTED:
            assert f"node {key}," in said or f"node {key} " in said
        elif node_type != "Reroute":
            assert after[key]["type"] == node_type


@pytest.mark.parametrize("name", NAMES)
def test_no_link_dangles(name):
    result, graph = converted(name)
    for node in graph.values():
        for value in node["inputs"].values():
            assert not isinstance(value, tuple) or value[0] in graph
    if is_page(result.workflow):
        assert_consistent(result.workflow)


def assert_consistent(page: dict) -> None:
    """Both ends know each link, and the last ids are the highest."""
    nodes = {node["id"]: node for node in page["nodes"]}
    assert len(nodes) == len(page["nodes"])
    arriving = [s["link"] for n in nodes.values() for s in n["inputs"] if s["link"] is not None]
    leaving = [i for n in nodes.values() for o in n["outputs"] for i in o["links"] or []]
    assert sorted(arriving) == sorted(leaving) == sorted(wires(page))
    for link in page["links"]:
        number, origin, output, target, slot, kind = (
            link.values() if isinstance(link, dict) else link
        )
        assert number in nodes[origin]["outputs"][output]["links"]
        assert nodes[target]["inputs"][slot]["link"] == number
        assert nodes[target]["inputs"][slot]["type"] in (kind, "*") or kind == "*"
    last = page.get("state") or {
        "lastNodeId": page["last_node_id"],
        "lastLinkId": page["last_link_id"],
    }
    insides = (page.get("definitions") or {}).get("subgraphs") or []
    highest = max(node["id"] for part in (page, *insides) for node in part["nodes"])
    assert last["lastNodeId"] == highest and last["lastLinkId"] >= max(wires(page))


@pytest.mark.parametrize("name", NAMES)
def test_the_given_workflow_stays_as_it_is(name):
    given = read(name)
    before = copy.deepcopy(given)
    result = convert(given)
    assert given == before
    if is_page(given):
        kept = {"nodes", "links", "last_node_id", "last_link_id", "state", "extra", "definitions",
                "groups"}  # fmt: skip
        assert {k: v for k, v in result.workflow.items() if k not in kept} == {
            k: v for k, v in given.items() if k not in kept
        }


@pytest.mark.parametrize("name", PAIRS)
def test_both_formats_convert_to_one_graph(name):
    page, api = converted(f"{name}_ui"), converted(f"{name}_api")
    ours = {key for key, node in api[1].items() if node["type"].startswith("ADN_")}
    assert ours and page[1].keys() == api[1].keys()
    for key, node in api[1].items():
        other = page[1][key]["inputs"]
        assert page[1][key]["type"] == node["type"]
        assert other == node["inputs"] if key in ours else other.items() <= node["inputs"].items()
    assert [entry.reason for entry in page[0].left] == [entry.reason for entry in api[0].left]
    assert page[0].converted == api[0].converted and page[0].notes == api[0].notes


@pytest.mark.parametrize("name", CLEAN)
def test_a_converted_workflow_has_nothing_to_convert(name):
    result, _ = converted(name)
    with pytest.raises(AnimateDiffError, match="no node of ComfyUI-AnimateDiff-Evolved"):
        convert(result.workflow)


def test_what_is_left_stays_when_converted_again():
    once, _ = converted("injected_i2v_ui")
    twice = convert(once.workflow)
    assert twice.workflow == once.workflow and twice.left == once.left and twice.converted == []


@pytest.mark.parametrize(
    "given", [{}, [], "x", 3, {"a": 1}, {"nodes": 3}, {"1": {"class_type": "X"}}]
)
def test_not_a_workflow(given):
    with pytest.raises(AnimateDiffError, match="not a workflow"):
        convert(given)


def test_gen1_becomes_load_and_apply():
    _, graph = converted("gen1_ui")
    apply, checkpoint = models_of(graph, only(graph, "KSampler"))
    assert (apply["type"], checkpoint["type"]) == (APPLY, "CheckpointLoaderSimple")
    load = graph[apply["inputs"]["motion_module"][0]]
    assert (load["type"], load["mode"]) == (LOAD, 0)
    assert load["inputs"] == {"motion_module": "mm_sd_v15_v2.ckpt", "norms": "auto"}
    assert apply["inputs"]["strength"] == 1.0 and apply["inputs"]["beta_schedule"] == "auto"


def test_loras_keep_their_chain():
    result, graph = converted("gen1_loras_api")
    windows, apply, _ = models_of(graph, only(graph, "KSampler"))
    assert windows["inputs"] | {"model": 0} == {
        "model": 0, "context_length": 16, "context_overlap": 4, "context_stride": 1, "schedule": "static",
        "fuse": "relative", "hint_count": "error",
        "reference": 0.0, "reference_start": 0.0, "reference_end": 1.0,
    }  # fmt: skip
    assert apply["inputs"]["beta_schedule"] == LINEAR
    last = graph[apply["inputs"]["motion_lora"][0]]["inputs"]
    first = graph[last["previous"][0]]["inputs"]
    assert (last["motion_lora"], last["strength"]) == ("v2_lora_PanLeft.ckpt", 0.5)
    assert (first["motion_lora"], first["strength"]) == ("v2_lora_ZoomIn.ckpt", 0.8)
    assert "previous" not in first
    titles = {n["class_type"]: n["_meta"]["title"] for n in result.workflow.values()}
    assert titles[APPLY] == "My motion" and titles[WINDOWS] == "Context Windows"


def test_gen2_with_windows_and_free_noise():
    result, graph = converted("gen2_simple_ui")
    sampler = only(graph, "KSampler")
    windows, _, _ = models_of(graph, sampler)
    assert (windows["inputs"]["schedule"], windows["inputs"]["fuse"]) == (
        "uniform (Evolved)",
        "overlap-linear",
    )
    assert windows["inputs"]["context_stride"] == 2
    noise = graph[sampler["inputs"]["latent_image"][0]]["inputs"]
    assert graph[noise["samples"][0]]["type"] == "EmptyLatentImage"
    assert (noise["seed"], noise["schedule"], noise["context_stride"]) == (123, "static", 1)
    (saved,) = (n["widgets_values"] for n in result.workflow["nodes"] if n["type"] == NOISE)
    assert saved == [16, 4, 123, "randomize", "static", 1, 0, 0]


def test_two_modules_become_two_nodes_in_the_order_in_which_they_ran():
    _, graph = converted("gen2_two_modules_ui")
    second, first, _ = models_of(graph, only(graph, "KSampler"))
    ranges = [
        [n["inputs"][f"{edge}_percent"] for edge in ("start", "end")] for n in (first, second)
    ]
    assert ranges == [[0, 0.5], [0.5, 1]]
    files = [
        graph[n["inputs"]["motion_module"][0]]["inputs"]["motion_module"] for n in (first, second)
    ]
    assert files == ["mm_sd_v15_v2.ckpt", "v3_sd15_mm.ckpt"]
    assert [n["inputs"]["strength"] for n in (first, second)] == [1.0, 1.25]
    assert {n["inputs"]["beta_schedule"] for n in (first, second)} == {"keep"}
    assert "motion_lora" in second["inputs"] and "motion_lora" not in first["inputs"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("looped_ui", (16, 8, 1, "looped", "overlap-linear")),
        ("batched_api", (8, 0, 1, "batched", "flat")),
        ("legacy_options_5_ui", (16, 4, 1, "looped open", "flat")),
        ("legacy_options_6_ui", (16, 6, 1, "looped", "pyramid")),
        ("legacy_options_9_ui", (12, 3, 1, "looped", "pyramid")),
        ("legacy_options_10_ui", (16, 4, 2, "looped open", "flat")),
        ("custom_sampler_api", (16, 4, 1, "looped open", "flat")),
        ("v1_advanced_ui", (16, 4, 1, "looped", "flat")),
        ("options_left_api", (16, 4, 1, "static", "pyramid")),
    ],
)
def test_contexts(name, expected):
    _, graph = converted(name)
    inputs = only(graph, WINDOWS)["inputs"]
    names = ("context_length", "context_overlap", "context_stride", "schedule", "fuse")
    assert tuple(inputs[n] for n in names) == expected
    assert graph[inputs["model"][0]]["type"] == APPLY


@pytest.mark.parametrize(
    ("name", "schedule", "lcm"),
    [
        ("gen1_api", "auto", False),
        ("gen1_loras_ui", LINEAR, False),
        ("looped_ui", SCALED, False),
        ("gen2_two_modules_api", "keep", False),
        ("animate_lcm_ui", "keep", True),
        ("lcm_sqrt_linear_api", LINEAR, True),
        ("beta_unknown_api", "average of linear and scaled_linear", False),
    ],
)
def test_beta_schedules(name, schedule, lcm):
    _, graph = converted(name)
    chain = models_of(graph, only(graph, "KSampler"))
    applied = [node for node in chain if node["type"] == APPLY]
    assert {node["inputs"]["beta_schedule"] for node in applied} == {schedule}
    sampling = [node for node in chain if node["type"] == "ModelSamplingDiscrete"]
    assert len(sampling) == lcm
    for node in sampling:
        assert node["inputs"]["sampling"] == "lcm" and chain.index(node) > chain.index(applied[-1])


def test_an_unknown_schedule_is_listed():
    given = read("beta_unknown_api")
    given["10"]["inputs"]["beta_schedule"] = "lcm[25_ots]"
    assert convert(given).left == [
        Left("10", "ADE_AnimateDiffLoaderGen1", "ADE_AnimateDiffLoaderGen1",
             "beta_schedule 'lcm[25_ots]' has no equivalent; auto is used instead")
    ]  # fmt: skip


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("_ui")])
def test_nodes_whose_links_stay_are_written_as_they_were(name):
    """They can have moved aside: see test_convert_places."""
    given = read(name)
    written = convert(given).workflow
    after, kept = {node["id"]: node for node in written["nodes"]}, wires(written)
    same = 0
    for node in given["nodes"]:
        links = [s["link"] for s in node["inputs"]] + functools.reduce(
            operator.iadd, [o["links"] or [] for o in node["outputs"]], []
        )
        if node["id"] in after and all(number in kept for number in links if number is not None):
            assert after[node["id"]] == {**node, "pos": after[node["id"]]["pos"]}
            same += 1
    assert same
