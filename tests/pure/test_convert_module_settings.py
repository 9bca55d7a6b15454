"""Settings of motion modules, and views, as nodes between the loader and Apply Motion Module."""

import pytest
from adn_testing.ade import as_graph, only, reasons
from adn_testing.ade_graphs import Builder, both_formats
from animatediff_native.convert import convert

APPLY, LOAD, WINDOWS = "ADN_ApplyMotionModule", "ADN_LoadMotionModule", "ADN_ContextWindows"
STRETCH, WEIGHTS, VIEWS = "ADN_StretchPositions", "ADN_AdjustWeights", "ADN_Views"
V1, V3, LCM, ODD = "mm_sd_v15.ckpt", "v3_sd15_mm.ckpt", "AnimateLCM_sd15_t2v.ckpt", "mine.ckpt"


@pytest.fixture
def build():
    return Builder()


def module_chain(build: Builder, **options):
    """Of both formats: what the motion module goes through, from the loader on, and what was left
    or noted. The same in both."""
    graph = build.sampled(build.loader(build.model, **options))
    found = [_module_chain(given) for given in both_formats(graph)]
    assert found[0] == found[1]
    return found[0]


def _module_chain(given):
    result = convert(given)
    graph = as_graph(result.workflow)
    assert not any(node["type"].startswith("ADE_") for node in graph.values())
    chain, node = [], only(graph, APPLY)
    while (link := node["inputs"].get("motion_module")) and node["type"] != LOAD:
        node = graph[link[0]]
        chain.insert(0, node)
    assert chain[0]["type"] == LOAD
    values = [tuple(v for v in n["inputs"].values() if not isinstance(v, tuple)) for n in chain[1:]]
    values = [v[:3] if n["type"] == STRETCH and not v[3:4][0] else v
              for n, v in zip(chain[1:], values, strict=True)]  # fmt: skip
    kinds = [node["type"] for node in chain[1:]]
    return list(zip(kinds, values, strict=True)), reasons(result), result.notes


def settings(build: Builder, positions=(), weights=()):
    """AnimateDiff Settings with chains of nodes: type and inputs of each."""
    ends = {}
    for name, chain in (("pe_adjust", positions), ("weight_adjust", weights)):
        last = {}
        for node, inputs in chain:
            last = {f"prev_{name}": build.add(node, **inputs, **last)}
        if last:
            ends[name] = last[f"prev_{name}"]
    return build.add("ADE_AnimateDiffSettings", **ends)


FULL, SWEETSPOT = "ADE_AdjustPEFullStretch", "ADE_AdjustPESweetspotStretch"
MANUAL = "ADE_AdjustPEManual"


def manual(cap=0, wanted=0, first=0, last=0):
    return MANUAL, {
        "cap_initial_pe_length": cap,
        "interpolate_pe_to_length": wanted,
        "initial_pe_idx_offset": first,
        "final_pe_idx_offset": last,
    }


@pytest.mark.parametrize(
    ("name", "asked", "expected"),
    [
        (V3, [(SWEETSPOT, {"sweetspot": 16, "new_sweetspot": 18})], [(18, 16, 0)]),
        (ODD, [(SWEETSPOT, {"sweetspot": 16, "new_sweetspot": 18})], [(18, 16, 0)]),
        (V3, [(SWEETSPOT, {"sweetspot": 32, "new_sweetspot": 48})], [(48, 0, 0)]),
        (V1, [(SWEETSPOT, {"sweetspot": 32, "new_sweetspot": 48})], [(48, 0, 0)]),  # it has 24
        (V3, [(FULL, {"pe_stretch": 8})], [(40, 0, 0)]),
        (V1, [(FULL, {"pe_stretch": 8})], [(32, 0, 0)]),
        (V3, [(FULL, {"pe_stretch": 8}), (FULL, {"pe_stretch": 8})], [(40, 0, 0), (48, 0, 0)]),
        (V3, [(FULL, {"pe_stretch": 0}), manual()], []),
        (V3, [manual(wanted=64)], [(64, 0, 0)]),
        (ODD, [manual(wanted=64)], [(64, 0, 0)]),
        (V3, [manual(cap=16)], [(16, 16, 0)]),
        (V3, [manual(first=4)], [(28, 28, 4)]),
        (V3, [manual(cap=16, wanted=24, first=4, last=2)], [(24, 16, 4), (22, 22, 2)]),
        (V3, [manual(last=2), manual(wanted=60)], [(30, 30, 2), (60, 0, 0)]),
        (ODD, [(FULL, {"pe_stretch": 8})], [(0, 0, 0, 8)]),  # 8 more than it has
        (ODD, [manual(first=2, last=1)], [(0, 0, 2), (0, 0, 1)]),
    ],
)
def test_positions(build, name, asked, expected):
    chain, left, notes = module_chain(
        build, model_name=name, ad_settings=settings(build, positions=asked)
    )
    assert chain == [(STRETCH, values) for values in expected] and not left and not notes


@pytest.mark.parametrize(
    ("name", "asked", "why"),
    [
        (ODD, manual(cap=30), "not known by its name"),
        (V3, manual(first=32), "leaves none of 32"),
        (V3, manual(wanted=5000), "more than the 4096"),
    ],
)
def test_positions_that_cannot_be_adjusted_are_listed(build, name, asked, why):
    chain, left, _ = module_chain(
        build, model_name=name, ad_settings=settings(build, positions=[asked])
    )
    assert chain == [] and why in next(iter(left.values()))


def test_a_file_without_a_table_has_nothing_to_adjust(build):
    """The incumbent adjusts what is in the file, and AnimateLCM's holds no positions."""
    both = settings(
        build,
        positions=[(FULL, {"pe_stretch": 8})],
        weights=[("ADE_AdjustWeightAllMult", {"all_MULT": 1.1})],
    )
    chain, left, notes = module_chain(build, model_name=LCM, ad_settings=both)
    stretch, *weights = chain
    assert weights == [(WEIGHTS, (kind, 0.0, 1.1)) for kind in ("attention", "other")]
    assert stretch == (STRETCH, (0, 0, 0, 8)) and not left
    assert len(notes) == 1 and "LCM" in notes[0]
    page = both_formats(build.graph)[1]
    (node,) = (n for n in convert(page).workflow["nodes"] if n["type"] == STRETCH)
    assert node["mode"] == 4, "bypassed"


def test_weights(build):
    """Each after the other, and in each the classes one after the other."""
    asked = [
        ("ADE_AdjustWeightAllAdd", {"all_ADD": 0.01}),
        ("ADE_AdjustWeightIndivMult", {"pe_MULT": 1.1, "attn_MULT": 1.0, "other_MULT": 0.9}),
        (
            "ADE_AdjustWeightIndivAttnMult",
            {"attn_MULT": 1.2, "attn_k_MULT": 0.5, "attn_out_bias_MULT": 0.0},
        ),
        ("ADE_AdjustWeightIndivAttnAdd", {"attn_out_weight_ADD": -0.5}),
        ("ADE_AdjustWeightAllMult", {"all_MULT": 1.0}),
    ]
    chain, left, _ = module_chain(build, ad_settings=settings(build, weights=asked))
    assert not left and [values for _, values in chain] == [
        ("all", 0.01, 1.0),
        ("positions", 0.0, 1.1),
        ("other", 0.0, 0.9),
        ("attention", 0.0, 1.2),
        ("key", 0.0, 0.5),
        ("out bias", 0.0, 0.0),
        ("out", -0.5, 1.0),
    ]


def test_positions_come_before_weights(build):
    both = settings(
        build,
        positions=[(FULL, {"pe_stretch": 8})],
        weights=[("ADE_AdjustWeightAllMult", {"all_MULT": 1.01})],
    )
    chain, left, _ = module_chain(build, ad_settings=both)
    assert [kind for kind, _ in chain] == [STRETCH, WEIGHTS] and not left


def test_settings_of_the_legacy_loader(build):
    old = build.add(
        "ADE_AnimateDiffModelSettings",
        pe_strength=1.0, attn_strength=1.2, other_strength=1.0, motion_pe_stretch=4,
        cap_initial_pe_length=0, interpolate_pe_to_length=0, initial_pe_idx_offset=0,
        final_pe_idx_offset=0, min_motion_scale=1.0, max_motion_scale=1.0,
    )  # fmt: skip
    chain, left, _ = module_chain(build, motion_model_settings=old)
    assert chain == [(STRETCH, (36, 0, 0)), (WEIGHTS, ("attention", 0.0, 1.2))] and not left


def test_an_area_of_old_settings_is_listed(build):
    mask = build.add("LoadImageMask", image="mask.png", channel="red")
    old = build.add("ADE_AnimateDiffModelSettings_Release", mask_motion_scale=mask)
    chain, left, _ = module_chain(build, motion_model_settings=old)
    assert chain == [] and "mask_motion_scale" in left[old[0]]


def test_neutral_settings_leave_no_node(build):
    simple = build.add("ADE_AnimateDiffModelSettingsSimple", motion_pe_stretch=0)
    assert module_chain(build, motion_model_settings=simple) == ([], {}, [])


def test_a_module_is_adjusted_once_for_all_that_apply_it(build):
    load = build.add(
        "ADE_LoadAnimateDiffModel",
        model_name=V3,
        ad_settings=settings(build, positions=[(FULL, {"pe_stretch": 8})]),
    )
    model = build.model
    for _ in range(2):
        apply = build.add("ADE_ApplyAnimateDiffModelSimple", motion_model=load)
        model = build.add(
            "ADE_UseEvolvedSampling", model=model, m_models=apply, beta_schedule="autoselect"
        )
    for given in both_formats(build.sampled(model)):
        graph = as_graph(convert(given).workflow)
        applied = {n["inputs"]["motion_module"] for n in graph.values() if n["type"] == APPLY}
        assert len(applied) == 1 and only(graph, STRETCH) and only(graph, LOAD)


def views(build: Builder, kind="StandardStatic", **inputs):
    inputs = {"view_length": 16, "view_overlap": 4, "fuse_method": "pyramid", **inputs}
    return build.add(f"ADE_{kind}ViewOptions", **inputs)


def static(build: Builder, **inputs):
    common = {"context_length": 32, "context_overlap": 8, "fuse_method": "pyramid", **inputs}
    return build.add("ADE_StandardStaticContextOptions", **common)


def test_views_inside_windows(build):
    options = static(build, view_opts=views(build))
    chain, left, _ = module_chain(build, context_options=options)
    assert chain == [(VIEWS, (16, 4, "static", "pyramid"))] and not left


def test_views_as_long_as_windows_are_none(build):
    options = static(build, view_opts=views(build, view_length=32))
    assert module_chain(build, context_options=options)[:2] == ([], {})


def test_views_without_windows(build):
    only_views = build.add("ADE_ViewsOnlyContextOptions", view_opts_req=views(build))
    chain, left, _ = module_chain(build, context_options=only_views)
    assert chain == [(VIEWS, (16, 4, "static", "pyramid"))] and not left
    graph = as_graph(convert(build.graph).workflow)
    assert WINDOWS not in {node["type"] for node in graph.values()}


@pytest.mark.parametrize(
    ("kind", "inputs", "schedule", "listed"),
    [
        ("StandardUniform", {"view_stride": 1}, "uniform (Evolved)", False),
        ("StandardUniform", {"view_stride": 2}, "uniform (Evolved)", True),
        ("LoopedUniform", {"view_stride": 1, "closed_loop": True}, "looped", False),
        ("LoopedUniform", {"view_stride": 1, "closed_loop": False}, "looped open", False),
    ],
)
def test_views_that_move(build, kind, inputs, schedule, listed):
    options = static(build, view_opts=views(build, kind, **inputs))
    chain, left, _ = module_chain(build, context_options=options)
    assert chain[0][1][2] == schedule and bool(left) == listed


def test_free_noise_goes_by_the_views(build):
    options = static(build, view_opts=views(build, view_overlap=6))
    noise = build.add("ADE_AnimateDiffSamplingSettings", noise_type="FreeNoise")
    module_chain(build, context_options=options, sample_settings=noise)
    inputs = only(as_graph(convert(build.graph).workflow), "ADN_FreeNoise")["inputs"]
    assert (inputs["context_length"], inputs["context_overlap"]) == (16, 6)
