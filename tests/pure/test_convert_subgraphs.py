"""Subgraphs and group nodes are converted inside, and what an instance shows stays right."""

import copy
import json

import pytest
from adn_testing.ade import shape
from adn_testing.page_graphs import (
    INPUTS,
    PageBuilder,
    checkpoint,
    free_noise,
    loader,
    sampled,
    static_windows,
)
from adn_testing.sound import new_faults
from animatediff_native.convert import convert


def converted(build):
    given = build.page()
    before = copy.deepcopy(given)
    result = convert(given)
    assert given == before and new_faults(given, result.workflow) == set()
    return result


def insides(result):
    """The types inside each subgraph, by its id."""
    listed = result.workflow["definitions"]["subgraphs"]
    return {one["id"]: [node["type"] for node in one["nodes"]] for one in listed}


def node(part, node_type):
    (found,) = [one for one in part["nodes"] if one["type"] == node_type]
    return found


def motion(key="motion", values=None, **shown):
    """A subgraph of a loader with windows, whose length it can take from its input."""
    inside = PageBuilder()
    length = {"context_length": ("INT", (INPUTS, 1))} if shown else {}
    windows = static_windows(inside, **length, widgets=("context_length",))
    model = loader(inside, (INPUTS, 0), context_options=("CONTEXT_OPTIONS", windows))
    inputs = {"model": "MODEL", **({"context_length": "INT"} if shown else {})}
    return inside.subgraph(key, inputs, {"MODEL": ("MODEL", model)})


def instance(build, key, model, values=(), proxies=(), mode=0):
    shown = {"context_length": ("INT", None)} if values else {}
    return build.add(
        key, "MODEL", list(values), mode, ("context_length",),
        {"proxyWidgets": [list(pair) for pair in proxies]}, model=("MODEL", model), **shown,
    ), 0  # fmt: skip


def test_a_loader_inside_is_converted_there():
    result = convert(shape("subgraph"))
    assert not result.left and not result.notes
    (types,) = insides(result).values()
    assert types == ["ADN_LoadMotionModule", "ADN_ApplyMotionModule", "ADN_ContextWindows"]
    assert "node 5:2, ADE_AnimateDiffLoaderGen1" in result.converted[-1]


def test_the_page_outside_stays_as_it_was():
    given = shape("subgraph")
    result = convert(given)
    assert result.workflow["nodes"] == given["nodes"] and result.workflow["links"] == given["links"]


def test_a_shown_widget_goes_on_to_our_node():
    build = PageBuilder()
    build.subgraphs = [motion(shown=True)]
    model = instance(build, "motion", checkpoint(build), [24], [("-1", "context_length")])
    sampled(build, model)
    result = converted(build)
    (inside,) = result.workflow["definitions"]["subgraphs"]
    windows = node(inside, "ADN_ContextWindows")
    assert windows["inputs"][2]["widget"] == {"name": "context_length"}
    number = windows["inputs"][2]["link"]
    (link,) = [one for one in inside["links"] if one["id"] == number]
    assert (link["origin_id"], link["origin_slot"]) == (INPUTS, 1)
    shown = node(result.workflow, "motion")
    assert shown["widgets_values"] == [24]
    assert shown["properties"]["proxyWidgets"] == [["-1", "context_length"]]


def test_a_shown_widget_of_the_inside_is_shown_of_the_node_in_its_place():
    build = PageBuilder()
    build.subgraphs = [motion()]
    proxies = [("2", "model_name"), ("2", "beta_schedule"), ("9", "gone")]
    sampled(build, instance(build, "motion", checkpoint(build), (), proxies[:2]))
    result = converted(build)
    names = {n["id"]: n["type"] for n in result.workflow["definitions"]["subgraphs"][0]["nodes"]}
    shown = node(result.workflow, "motion")["properties"]["proxyWidgets"]
    assert [(names[int(key)], name) for key, name in shown] == [
        ("ADN_LoadMotionModule", "motion_module"),
        ("ADN_ApplyMotionModule", "beta_schedule"),
    ]


def test_instances_that_become_alike_share_one_definition():
    build = PageBuilder()
    build.subgraphs = [motion()]
    for seed in (1, 2):
        sampled(build, instance(build, "motion", checkpoint(build)), seed=seed)
    result = converted(build)
    assert list(insides(result)) == ["motion"]
    assert len([line for line in result.converted if "ADE_AnimateDiffLoaderGen1" in line]) == 2


def test_instances_that_become_different_get_their_own():
    """What is known of the clip differs: windows with use_on_equal_length off, of a clip of 16."""
    build = PageBuilder()
    inside = PageBuilder()
    values = [16, 1, 4, True, "flat", False, 0, 1]
    windows = (inside.add("ADE_LoopedUniformContextOptions", "CONTEXT_OPTIONS", values), 0)
    model = loader(inside, (INPUTS, 0), context_options=("CONTEXT_OPTIONS", windows))
    build.subgraphs = [inside.subgraph("motion", {"model": "MODEL"}, {"MODEL": ("MODEL", model)})]
    for frames in (16, 48):
        latent = (build.add("EmptyLatentImage", "LATENT", [512, 512, frames]), 0)
        sampled(build, instance(build, "motion", checkpoint(build)), latent)
    result = converted(build)
    kinds = {
        one["id"]: node(one, "ADN_ContextWindows")["widgets_values"][3]
        for one in result.workflow["definitions"]["subgraphs"]
    }
    used = [one["type"] for one in result.workflow["nodes"] if one["type"] in kinds]
    assert len(kinds) == 2 and len(set(kinds.values())) == 2 and used[0] != used[1]


def test_options_across_a_border_get_a_slot_for_what_they_became():
    """The loader of the motion module is inside; what applies it is outside."""
    inside = PageBuilder()
    load = inside.add("ADE_LoadAnimateDiffModel", "MOTION_MODEL_ADE", ["mm.ckpt"])
    build = PageBuilder()
    build.subgraphs = [inside.subgraph("load", {}, {"module": ("MOTION_MODEL_ADE", (load, 0))})]
    module = (build.add("load", "MOTION_MODEL_ADE"), 0)
    apply = build.add(
        "ADE_ApplyAnimateDiffModelSimple", "M_MODELS", motion_model=("MOTION_MODEL_ADE", module)
    )
    evolved = build.add(
        "ADE_UseEvolvedSampling", "MODEL", ["autoselect"],
        model=("MODEL", checkpoint(build)), m_models=("M_MODELS", (apply, 0)),
    )  # fmt: skip
    sampled(build, (evolved, 0))
    result = converted(build)
    assert not result.left and insides(result)["load"] == ["ADN_LoadMotionModule"]
    (outputs,) = [o["outputs"] for o in result.workflow["definitions"]["subgraphs"]]
    assert [slot["type"] for slot in outputs] == ["ADN_MOTION_MODULE"]


def test_free_noise_goes_into_the_subgraph_of_the_sampler():
    inside = PageBuilder()
    latent = (inside.add("EmptyLatentImage", "LATENT", [512, 512, 32]), 0)
    last = sampled(inside, (INPUTS, 0), latent)
    build = PageBuilder()
    build.subgraphs = [
        inside.subgraph("sample", {"model": "MODEL"}, {"LATENT": ("LATENT", (last, 0))})
    ]
    model = loader(
        build, checkpoint(build), context_options=("CONTEXT_OPTIONS", static_windows(build)),
        sample_settings=("SAMPLE_SETTINGS", free_noise(build)),
    )  # fmt: skip
    build.add("sample", "LATENT", model=("MODEL", model))
    result = converted(build)
    assert not result.left
    (types,) = insides(result).values()
    assert "ADN_FreeNoise" in types
    (inside,) = result.workflow["definitions"]["subgraphs"]
    assert len(inside["inputs"]) == len(inside["outputs"]) == 1


def test_subgraphs_in_subgraphs():
    """The latent is two borders away from the loader's sampler, and its length is known."""
    deep = motion("deep")
    middle = PageBuilder()
    model = (middle.add("deep", "MODEL", model=("MODEL", (INPUTS, 0))), 0)
    outer = middle.subgraph("middle", {"model": "MODEL"}, {"MODEL": ("MODEL", model)})
    build = PageBuilder()
    build.subgraphs = [outer, deep]
    sampled(build, instance(build, "middle", checkpoint(build)))
    result = converted(build)
    assert not result.left and "ADN_ApplyMotionModule" in insides(result)["deep"]
    assert any("2:1:2" in line for line in result.converted)


@pytest.mark.parametrize("mode", [2, 4])
def test_an_instance_that_is_off_is_converted_and_stays_so(mode):
    build = PageBuilder()
    build.subgraphs = [motion()]
    sampled(build, instance(build, "motion", checkpoint(build), mode=mode))
    result = converted(build)
    assert not result.left and node(result.workflow, "motion")["mode"] == mode
    modes = {one["mode"] for one in result.workflow["definitions"]["subgraphs"][0]["nodes"]}
    assert modes == {0}


def test_free_noise_of_a_subgraph_that_is_bypassed_is_bypassed():
    inside = PageBuilder()
    model = loader(
        inside, (INPUTS, 0), context_options=("CONTEXT_OPTIONS", static_windows(inside)),
        sample_settings=("SAMPLE_SETTINGS", free_noise(inside)),
    )  # fmt: skip
    build = PageBuilder()
    build.subgraphs = [inside.subgraph("motion", {"model": "MODEL"}, {"MODEL": ("MODEL", model)})]
    sampled(build, instance(build, "motion", checkpoint(build), mode=4))
    assert node(converted(build).workflow, "ADN_FreeNoise")["mode"] == 4


def test_a_subgraph_that_holds_itself_is_left():
    inside = PageBuilder()
    model = (inside.add("ring", "MODEL", model=("MODEL", (INPUTS, 0))), 0)
    model = loader(inside, model)
    build = PageBuilder()
    build.subgraphs = [inside.subgraph("ring", {"model": "MODEL"}, {"MODEL": ("MODEL", model)})]
    sampled(build, instance(build, "ring", checkpoint(build)))
    assert convert(build.page()).workflow


def test_subgraphs_that_multiply_are_refused_in_time():
    build = PageBuilder()
    for level in range(40):
        inside = PageBuilder()
        for _ in range(3):
            inside.add(f"s{level + 1}")
        build.subgraphs.append(inside.subgraph(f"s{level}", {}, {}))
    build.add("s0")
    loader(build, checkpoint(build))
    with pytest.raises(Exception, match="more than 10000 nodes"):
        convert(build.page())


@pytest.mark.parametrize("sign", [">", "/"])
def test_a_group_node_becomes_a_subgraph(sign):
    given = shape("group_node")
    for one in given["nodes"]:
        one["type"] = one["type"].replace("workflow>", f"workflow{sign}")
    result = convert(given)
    assert new_faults(given, result.workflow) == set() and not result.left
    (types,) = insides(result).values()
    assert types == ["ADN_LoadMotionModule", "ADN_ApplyMotionModule", "ADN_ContextWindows"]
    assert "node 5, group node Motion -> a subgraph" in result.converted


def test_a_group_node_with_values_of_its_own():
    given = shape("group_node")
    (group,) = [one for one in given["nodes"] if one["type"] == "workflow>Motion"]
    inside = given["extra"]["groupNodes"]["Motion"]["nodes"]
    group["widgets_values"] = [24, 6, "flat", False, 0, 1, "mm_sd_v14.ckpt", "autoselect"]
    assert [len(one["widgets_values"]) for one in inside] == [6, 2]
    text = json.dumps(convert(given).workflow["definitions"])
    assert "mm_sd_v14.ckpt" in text and "[24, 6, 1" in text


def test_a_group_node_that_is_not_clear_is_named():
    given = shape("group_node")
    (group,) = [one for one in given["nodes"] if one["type"] == "workflow>Motion"]
    group["widgets_values"] = [1]
    result = convert(given)
    assert {entry.type for entry in result.left} == {
        "ADE_StandardStaticContextOptions",
        "ADE_AnimateDiffLoaderGen1",
    }
