"""Multivals of the incumbent, as Motion Strength and Frame Strengths."""

import pytest
from adn_testing.ade import as_graph, only, read
from adn_testing.ade_graphs import Builder, both_formats
from adn_testing.ade_strengths import APPLY, mask, multival, strengths, strengths_of
from animatediff_native.convert import convert
from animatediff_native.motion.keyframes import read_keyframes, values_along

FRAMES = "ADN_FrameStrengths"


@pytest.fixture
def build():
    return Builder()


@pytest.mark.parametrize(
    ("effect", "scale", "apply", "chain"),
    [
        (0.9, None, 0.9, []),
        (2.5, None, 1.0, [{"kind": "output", "strength": 2.5}]),
        (None, 1.3, 1.0, [{"kind": "attention", "strength": 1.3}]),
        (0.9, 1.3, 0.9, [{"kind": "attention", "strength": 1.3}]),
        (1.0, 1.0, 1.0, []),
        (25.0, None, 1.0, [{"kind": "output", "keyframes": "0: 25"}]),
        (1e-7, 30.0, 1e-7, [{"kind": "attention", "keyframes": "0: 30"}]),
    ],
)
def test_numbers(build, effect, scale, apply, chain):
    named = {"effect_multival": effect, "scale_multival": scale}
    options = {name: multival(build, n) for name, n in named.items() if n is not None}
    assert strengths(build, **options) == (apply, chain, {})


def test_a_number_of_the_page_is_a_number(build):
    held = build.add("PrimitiveFloat", value=1.2)
    _, chain, left = strengths(build, scale_multival=multival(build, held))
    assert chain == [{"kind": "attention", "strength": 1.2}] and left == {}


def test_a_number_of_another_pack_stays_connected(build):
    other = build.add("SomebodysSchedule", text="0:(1.0)")
    _, chain, left = strengths(build, effect_multival=multival(build, other))
    assert chain == [{"kind": "output", "frame_strengths": tuple(other)}] and left == {}


def test_areas(build):
    area = mask(build)
    scaled = build.add(
        "ADE_MultivalScaledMask",
        min_float_val=0.5,
        max_float_val=1.5,
        mask=area,
        scaling="absolute",
    )
    effect = multival(build, 0.8, mask_optional=area)
    apply, chain, left = strengths(build, effect_multival=effect, scale_multival=scaled)
    area = tuple(area)
    assert (apply, left) == (1.0, {})
    assert chain == [
        {"kind": "output", "area": area, "strength": 0.8},
        {"kind": "attention", "area": area, "strength": 1.5, "outside": 0.5},
    ]


def test_an_area_that_is_stretched_first(build):
    scaled = build.add(
        "ADE_MultivalScaledMask",
        min_float_val=0.0,
        max_float_val=1.0,
        mask=mask(build),
        scaling="relative",
    )
    _, chain, left = strengths(build, effect_multival=scaled)
    (one,) = chain
    assert one["stretch_area"] is True and one["area"] and not left


@pytest.mark.parametrize("node", ["ADE_ValueScheduling", "ADE_ValueSchedulingLatents"])
@pytest.mark.parametrize("through", [False, True])
def test_lists_are_as_long_as_the_clip(node, through):
    """The incumbent goes on with the last number; here a list has one number per frame."""
    build = Builder()
    more = {"latent": build.latent} if node.endswith("Latents") else {"max_length": 10}
    values = build.add(node, values="0 = 0.5, 8: = 1.0, -1 = 2.0", **more)
    if through:
        values = build.add("ADE_FloatToFloats", FLOAT=values)
    dynamic = build.add("ADE_MultivalDynamicFloats", floats=[values[0], 0 if through else 1])
    for given in both_formats(build.sampled(build.loader(build.model, effect_multival=dynamic))):
        result = convert(given)
        graph = as_graph(result.workflow)
        assert not result.left and not any(n["type"].startswith("ADE_") for n in graph.values())
        inputs = only(graph, FRAMES)["inputs"]
        found = values_along(read_keyframes(inputs["keyframes"]), 64)
        last = 63 if more.get("latent") else 9
        assert inputs["frames"] == 64
        assert found[8] == found[last - 1] == 1.0 and found[last] == found[-1] == 2.0
        assert found[:3] == pytest.approx([0.5, 0.5625, 0.625])


def test_a_list_of_an_unknown_clip_asks_for_its_length(build):
    values = build.add("ADE_ValueScheduling", values="0 = 0.5, 8 = 1.0", max_length=0)
    build.latent = build.add("VAEEncode", pixels=build.model)
    effect = build.add("ADE_MultivalDynamicFloatInput", float_val=values)
    result = convert(build.sampled(build.loader(build.model, effect_multival=effect)))
    assert only(as_graph(result.workflow), FRAMES)["inputs"]["frames"] == 9
    assert any("set frames" in note for note in result.notes)


def test_a_multival_that_cannot_be_read_is_listed(build):
    values = build.add("ADE_ValueScheduling", values="often = a lot", max_length=0)
    effect = build.add("ADE_MultivalDynamicFloatInput", float_val=values)
    apply, chain, left = strengths(build, effect_multival=effect)
    assert (apply, chain) == (1.0, []) and effect[0] in left


def test_the_scale_of_the_legacy_loader():
    build = Builder()
    loader = build.add(
        "ADE_AnimateDiffLoaderWithContext",
        model=build.model,
        model_name="v3_sd15_mm.ckpt",
        beta_schedule="autoselect",
        motion_scale=1.3,
        apply_v2_models_properly=True,
    )
    for given in both_formats(build.sampled(loader)):
        _, chain, left = strengths_of(given)
        assert chain == [{"kind": "attention", "strength": 1.3}] and not left


def test_every_module_has_its_own_strength():
    build = Builder()
    last = {}
    for number in (1.1, 1.4):
        load = build.add("ADE_LoadAnimateDiffModel", model_name="v3_sd15_mm.ckpt")
        apply = build.add(
            "ADE_ApplyAnimateDiffModel",
            motion_model=load,
            start_percent=0.0,
            end_percent=1.0,
            scale_multival=multival(build, number),
            **last,
        )
        last = {"prev_m_models": apply}
    model = build.add(
        "ADE_UseEvolvedSampling",
        model=build.model,
        m_models=last["prev_m_models"],
        beta_schedule="autoselect",
    )
    for given in both_formats(build.sampled(model)):
        result = convert(given)
        graph = as_graph(result.workflow)
        found = [n["inputs"]["motion_strength"] for n in graph.values() if n["type"] == APPLY]
        numbers = sorted(graph[link[0]]["inputs"]["strength"] for link in found)
        assert numbers == [1.1, 1.4] and not result.left


def test_a_schedule_of_numbers_for_other_packs_becomes_ours(build):
    values = build.add("ADE_ValueScheduling", values="0 = 0, 15 = 1", max_length=16)
    build.add("SomebodysNode", weight=values)
    for given in both_formats(build.sampled(build.loader(build.model))):
        result = convert(given)
        graph = as_graph(result.workflow)
        inputs = only(graph, FRAMES)["inputs"]
        assert (inputs["keyframes"], inputs["frames"]) == ("0: 0, 15: 1", 16)
        assert graph[only(graph, "SomebodysNode")["inputs"]["weight"][0]]["type"] == FRAMES
        assert not result.left


@pytest.mark.parametrize(
    ("name", "apply", "chain"),
    [
        ("scale_multival_constant", 1.0, [{"kind": "attention", "strength": 1.2}]),
        ("scale_multival_gen2", 1.05, [{"kind": "attention", "strength": 1.1}]),
        ("scale_multival_from_primitive", 1.0, []),
        ("motion_scale_legacy", 1.0, [{"kind": "attention", "strength": 1.3}]),
        ("ad_keyframe_constant", 0.9, [{"kind": "attention", "strength": 1.2}]),
        (
            "ad_keyframes_of_effect",
            1.0,
            [{"kind": "output", "step_keyframes": "0: 1 hold, 0.6: 0"}],
        ),
        ("bypassed_scale", 1.0, []),
    ],
)
def test_files_of_the_page(name, apply, chain):
    assert strengths_of(read(f"{name}_ui")) == (apply, chain, {})
