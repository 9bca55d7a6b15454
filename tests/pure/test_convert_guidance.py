"""Custom CFG and FreeInit of sample settings."""

import pytest
from adn_testing.ade import as_graph, models_of, only, reasons
from adn_testing.ade_graphs import Builder
from adn_testing.ade_settings import SAMPLER, both
from animatediff_native.convert import convert
from animatediff_native.motion.keyframes import read_step_keyframes

GUIDANCE, FREE_INIT = "ADN_FrameGuidance", "ADN_FreeInit"


@pytest.fixture
def build():
    return Builder()


def guidance(build: Builder, cfg, **settings):
    """The inputs of CFG by Frame and Step, if there is one, and what was left; of both formats."""
    found = []
    for result, graph in both(build, custom_cfg=cfg, **settings):
        types = [node["type"] for node in models_of(graph, only(graph, SAMPLER))]
        inputs = only(graph, GUIDANCE)["inputs"] if GUIDANCE in types else {}
        found.append(({k: v for k, v in inputs.items() if k != "model"}, reasons(result)))
    assert found[0] == found[1]
    return found[0]


CFG = "ADE_CustomCFG"


def cfg_key(build: Builder, cfg, at, previous=None, **more):
    last = {"prev_custom_cfg": previous} if previous else {}
    return build.add(f"{CFG}KeyframeSimple", cfg=cfg, start_percent=at, **more, **last)


def test_a_constant_cfg(build):
    inputs, left = guidance(build, build.add(f"{CFG}Simple", cfg=2.0))
    assert inputs == {"cfg": 2.0, "step_keyframes": ""} and not left


def test_a_connected_cfg(build):
    other = build.add("SomebodysNumber")
    inputs, left = guidance(build, build.add(f"{CFG}Simple", cfg=other))
    assert inputs == {"cfg": tuple(other), "step_keyframes": ""} and not left


def test_cfg_by_step(build):
    keys = cfg_key(build, 2.0, 0.4, cfg_key(build, 7.0, 0.0))
    inputs, left = guidance(build, keys)
    assert inputs == {"cfg": 1.0, "step_keyframes": "0: 7 hold, 0.4: 2"} and not left


def test_cfg_by_frame(build):
    values = build.add("ADE_ValueScheduling", values="0 = 4, 63 = 8", max_length=0)
    number = build.add("ADE_MultivalDynamicFloatInput", float_val=values)
    inputs, left = guidance(build, build.add(CFG, cfg_multival=number))
    assert inputs["cfg"] == 1.0 and "frame_strengths" in inputs and not left


def test_cfg_that_changes_in_steps_of_a_line(build):
    line = build.add(
        f"{CFG}KeyframeInterpolation", start_percent=0.0, end_percent=1.0, cfg_start=8.0,
        cfg_end=4.0, interpolation="linear", intervals=5,
    )  # fmt: skip
    inputs, left = guidance(build, line)
    text = "0: 8 hold, 0.25: 7 hold, 0.5: 6 hold, 0.75: 5 hold, 1: 4"
    assert inputs == {"cfg": 1.0, "step_keyframes": text} and not left


@pytest.mark.parametrize(
    ("method", "middle"), [("ease_in", 7.0), ("ease_out", 5.0), ("ease_in_out", 6.0)]
)
def test_cfg_along_a_curve(build, method, middle):
    line = build.add(
        f"{CFG}KeyframeInterpolation", start_percent=0.0, end_percent=1.0, cfg_start=8.0,
        cfg_end=4.0, interpolation=method, intervals=3,
    )  # fmt: skip
    inputs, _ = guidance(build, line)
    assert read_step_keyframes(inputs["step_keyframes"])[1].value == pytest.approx(middle)


def test_cfg_of_a_list(build):
    values = build.add("ADE_ValueScheduling", values="0 = 8, 2 = 4", max_length=0)
    listed = build.add(
        f"{CFG}KeyframeFromList", cfgs_float=values, start_percent=0.2, end_percent=0.8
    )
    inputs, left = guidance(build, listed)
    assert inputs["step_keyframes"] == "0.2: 8 hold, 0.5: 6 hold, 0.8: 4" and not left


def test_cfg_that_cannot_be_said_is_listed(build):
    mask = build.add("LoadImageMask", image="mask.png", channel="red")
    area = build.add("ADE_MultivalDynamic", float_val=7.0, mask_optional=mask)
    inputs, left = guidance(build, build.add(CFG, cfg_multival=area))
    assert inputs == {} and "area" in next(iter(left.values()))


def test_guaranteed_steps_of_cfg_are_listed(build):
    first = cfg_key(build, 7.0, 0.0, guarantee_steps=4)
    _, left = guidance(build, cfg_key(build, 2.0, 0.4, first))
    assert "guarantee_steps 4" in left[first[0]]


def test_extras_of_cfg_are_listed(build):
    extras = build.add("ADE_CFGExtrasPAGSimple", scale=3.0)
    inputs, left = guidance(build, build.add(f"{CFG}Simple", cfg=2.0, cfg_extras=extras))
    assert inputs["cfg"] == 2.0 and extras[0] in left


def test_cfg_without_a_negative_prompt_is_listed(build):
    """Ours refuses to run there."""
    settings = build.add(
        "ADE_AnimateDiffSamplingSettings", custom_cfg=build.add(f"{CFG}Simple", cfg=2.0)
    )
    model = build.loader(build.model, sample_settings=settings)
    guider = build.add("BasicGuider", model=model)
    build.add("SamplerCustomAdvanced", guider=guider, latent_image=build.latent)
    result = convert(build.graph)
    assert "no negative prompt" in reasons(result)[settings[0]]
    assert GUIDANCE not in {node["type"] for node in as_graph(result.workflow).values()}


FREE = {
    "iterations": 2, "filter": "gaussian", "d_s": 0.2, "d_t": 0.3, "n_butterworth": 4,
    "sigma_step": 999, "apply_to_1st_iter": False, "init_type": "FreeInit [sampler sigma]",
    "iter_batch_offset": 0, "iter_seed_offset": 1,
}  # fmt: skip


def test_free_init(build):
    options = build.add("ADE_IterationOptsFreeInit", **FREE)
    for result, graph in both(build, iteration_opts=options):
        inputs = only(graph, FREE_INIT)["inputs"]
        assert models_of(graph, only(graph, SAMPLER))[0]["type"] == FREE_INIT and not result.left
        assert {k: v for k, v in inputs.items() if k != "model"} == {
            "iterations": 2, "filter": "gaussian", "spatial_cutoff": 0.2, "temporal_cutoff": 0.3,
            "order": 4, "seed_offset": 1,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"iterations": 3}, "third round"),
        ({"iterations": 40}, "more than the 20"),
        ({"filter": "box"}, "'box'"),
        ({"init_type": "DinkInit_v1"}, "DinkInit_v1"),
        ({"sigma_step": 900}, "sigma_step 900"),
        ({"apply_to_1st_iter": True}, "apply_to_1st_iter True"),
        ({"iter_batch_offset": 2}, "iter_batch_offset 2"),
        ({"filter": "butterworth", "n_butterworth": 40}, "n_butterworth 40"),
    ],
)
def test_free_init_that_is_not_quite_theirs_is_listed(build, changed, why):
    options = build.add("ADE_IterationOptsFreeInit", **{**FREE, **changed})
    for result, graph in both(build, iteration_opts=options):
        assert why in reasons(result)[options[0]] and only(graph, FREE_INIT)


@pytest.mark.parametrize("kind", ["constant", "repeated_context"])
def test_rounds_go_on_with_the_kind_of_noise(build, kind):
    options = build.add("ADE_IterationOptsFreeInit", **FREE)
    for result, _ in both(build, iteration_opts=options, noise_type=kind):
        assert not result.left


@pytest.mark.parametrize("changed", [{"seed_gen": "auto1111"}, {"seed_offset": 1}])
def test_rounds_of_noise_of_other_seeds_are_listed(build, changed):
    options = build.add("ADE_IterationOptsFreeInit", **FREE)
    for result, graph in both(build, iteration_opts=options, **changed):
        assert ["later rounds" in entry.reason for entry in result.left] == [True]
        assert only(graph, FREE_INIT)


def test_no_rounds_without_noise(build):
    options = build.add("ADE_IterationOptsFreeInit", **FREE)
    for result, graph in both(build, iteration_opts=options, noise_type="empty"):
        assert "without noise" in reasons(result)[options[0]]
        assert FREE_INIT not in {node["type"] for node in graph.values()}


def test_samplers_that_begin_half_way_get_no_rounds(build):
    """Our FreeInit refuses to run there."""
    options = build.add("ADE_IterationOptsFreeInit", **FREE)
    settings = build.add("ADE_AnimateDiffSamplingSettings", iteration_opts=options)
    model = build.loader(build.model, sample_settings=settings)
    common = {"model": model, "latent_image": build.latent, "seed": 1}
    whole = build.add(SAMPLER, denoise=1.0, **common)
    half = build.add(SAMPLER, denoise=0.5, **common)
    result = convert(build.graph)
    graph = as_graph(result.workflow)
    assert f"node {half[0]} " in reasons(result)[options[0]]
    before = [models_of(graph, graph[key])[0]["type"] for key in (whole[0], half[0])]
    assert before == [FREE_INIT, "ADN_ApplyMotionModule"]


def test_sampling_again_is_listed(build):
    options = build.add("ADE_IterationOptsDefault", iterations=2)
    for result, graph in both(build, iteration_opts=options):
        assert "iterations 2" in reasons(result)[options[0]]
        assert FREE_INIT not in {node["type"] for node in graph.values()}
