"""Noise of sample settings, as nodes of ours."""

import pytest
from adn_testing.ade import as_graph, models_of, only, reasons
from adn_testing.ade_graphs import Builder, as_page, both_formats
from adn_testing.ade_settings import SAMPLER, SETTINGS, both
from animatediff_native.convert import convert

NOISE, LAYER, USE = "ADN_FrameNoise", "ADN_NoiseLayer", "ADN_UseNoise"
SHUFFLED = "ADN_FreeNoise"
PLAIN_NOISE = {
    "seed": 1,
    "kind": "independent",
    "seeds": "",
    "context_length": 16,
    "share": 0.5,
    "first_frame": 0,
}


@pytest.fixture
def build():
    return Builder()


def noise_of(graph) -> dict:
    """What the only Noise by Frame is set to, of a sampler that takes it."""
    use = models_of(graph, only(graph, SAMPLER))[0]
    assert use["type"] == USE and graph[use["inputs"]["noise"][0]]["type"] == NOISE
    inputs = only(graph, NOISE)["inputs"]
    return {name: value for name, value in inputs.items() if value != PLAIN_NOISE[name]}


def static(build: Builder, length: int = 16):
    return build.add(
        "ADE_StandardStaticContextOptions", context_length=length, context_overlap=4,
        fuse_method="pyramid",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"noise_type": "constant"}, {"kind": "constant"}),
        ({"noise_type": "empty"}, {"kind": "none"}),
        ({"seed_offset": 5}, {"seed": 6}),
        ({"seed_gen": "auto1111"}, {"kind": "seed per frame"}),
        ({"seed_gen": "auto1111", "batch_offset": 3}, {"kind": "seed per frame", "seed": 4}),
        (
            {"seed_gen": "auto1111", "noise_type": "constant", "batch_offset": 3, "seed_offset": 2},
            {"kind": "constant", "seed": 6},
        ),
        ({"noise_type": "repeated_context"}, {}),  # there are no windows
    ],
)
def test_noise(build, settings, expected):
    for result, graph in both(build, **settings):
        assert noise_of(graph) == expected and not result.left


@pytest.mark.parametrize(
    ("settings", "expected", "why"),
    [
        ({"batch_offset": 3}, {}, "batch_offset 3"),
        ({"noise_type": "constant", "batch_offset": 3}, {"kind": "constant"}, "batch_offset 3"),
        ({"seed_gen": "auto1111 [gpu]"}, {"kind": "seed per frame"}, "GPU"),
        ({"seed_offset": -5}, {}, "seed_offset -5"),
    ],
)
def test_noise_that_is_not_quite_theirs_is_listed(build, settings, expected, why):
    for result, graph in both(build, **settings):
        assert noise_of(graph) == expected
        assert [why in reason for reason in reasons(result).values()] == [True]


def test_plain_settings_leave_no_node(build):
    for result, graph in both(build, noise_type="default", adapt_denoise_steps=True):
        assert not result.left and not {NOISE, USE} & {n["type"] for n in graph.values()}
        assert any("nothing: not needed" in line for line in result.converted)


def test_noise_that_repeats_in_windows(build):
    for result, graph in both(build, windows=static(build, 24), noise_type="repeated_context"):
        assert noise_of(graph) == {"kind": "repeated", "context_length": 24} and not result.left


def test_noise_that_repeats_with_a_seed_per_frame(build):
    repeated = {"noise_type": "repeated_context", "seed_gen": "auto1111", "seed_offset": 9}
    for result, graph in both(build, windows=static(build, 24), **repeated):
        seeds = [10 + frame % 24 for frame in range(64)]
        found = noise_of(graph)
        assert found["kind"] == "seed per frame" and not result.left
        assert found["seeds"] == ", ".join(map(str, seeds))


def test_a_seed_for_every_frame(build):
    values = build.add("ADE_ValueScheduling", values="0 = 100, 63 = 163", max_length=80)
    override = {"seed_override": [values[0], 2], "seed_offset": 1000, "noise_type": "empty"}
    for result, graph in both(build, **override):
        found = noise_of(graph)
        assert found["kind"] == "seed per frame" and not result.left
        assert found["seeds"] == ", ".join(str(1100 + frame) for frame in range(64))


def test_one_seed_in_place_of_the_samplers(build):
    other = build.add("SomebodysSeed")
    for result, graph in both(build, seed_override=other):
        assert noise_of(graph) == {"seed": tuple(other)} and not result.left


def test_every_sampler_has_noise_of_its_own_seed(build):
    settings = build.add(SETTINGS, noise_type="constant")
    model = build.loader(build.model, sample_settings=settings)
    for seed in (5, 6):
        latent = {"latent_image": build.latent, "model": model}
        build.add("KSampler", seed=seed, **latent)
    build.add("KSamplerAdvanced", noise_seed=7, add_noise="disable", **latent)
    for given in both_formats(build.graph):
        graph = as_graph(convert(given).workflow)
        seeds = sorted(n["inputs"]["seed"] for n in graph.values() if n["type"] == NOISE)
        assert seeds == [5, 6]


def test_a_custom_sampler_takes_the_noise_itself(build):
    settings = build.add(SETTINGS, seed_gen="auto1111")
    model = build.loader(build.model, sample_settings=settings)
    noise = build.add("RandomNoise", noise_seed=42)
    guider = build.add("BasicGuider", model=model)
    build.add("SamplerCustomAdvanced", guider=guider, noise=noise, latent_image=build.latent)
    for given in both_formats(build.graph):
        result = convert(given)
        graph = as_graph(result.workflow)
        sampler = only(graph, "SamplerCustomAdvanced")["inputs"]
        found = graph[sampler["noise"][0]]
        assert found["type"] == NOISE and not result.left
        assert (found["inputs"]["seed"], found["inputs"]["kind"]) == (42, "seed per frame")
        assert USE not in {node["type"] for node in graph.values()}


def test_a_sampler_whose_seed_is_not_known_is_listed(build):
    settings = build.add(SETTINGS, noise_type="constant")
    model = build.loader(build.model, sample_settings=settings)
    build.add("SomebodysSampler", model=model, latent_image=build.latent)
    for given in both_formats(build.graph):
        assert "its seed is not known" in reasons(convert(given))[settings[0]]


def test_what_the_page_does_to_the_seed_goes_on(build):
    settings = build.add(SETTINGS, noise_type="constant")
    page = as_page(build.sampled(build.loader(build.model, sample_settings=settings)))
    sampler = page["nodes"][-1]
    sampler["widgets_values"] = [9, "increment", 20, 8.0, "euler", "normal", 1.0]
    noise = next(n for n in convert(page).workflow["nodes"] if n["type"] == NOISE)
    assert noise["widgets_values"][:2] == [9, "increment"]


def layers(build: Builder, *chain: tuple[str, dict]):
    """The last is the nearest to the settings."""
    last = {}
    for node, inputs in chain:
        last = {"prev_noise_layers": build.add(f"ADE_NoiseLayer{node}", **inputs, **last)}
    return last["prev_noise_layers"]


def test_layers(build):
    """The nearest to the settings is laid first; all start from the seed of the settings."""
    mask = build.add("LoadImageMask", image="mask.png", channel="red")
    chain = layers(
        build,
        ("Replace", {"seed_offset": 3, "mask_optional": mask}),
        ("NormalizedSum", {"seed_offset": 2, "noise_weight": 0.3, "noise_type": "constant"}),
        ("AddWeighted", {"noise_weight": 0.4, "balance_multiplier": 0.5, "noise_type": "empty"}),
        ("Add", {"noise_weight": 0.7, "seed_offset": 1, "seed_gen_override": "auto1111"}),
    )
    for result, graph in both(build, seed_offset=100, noise_layers=chain):
        assert not result.left
        found, node = [], models_of(graph, only(graph, SAMPLER))[0]
        while node["type"] != NOISE:
            node = graph[node["inputs"]["noise"][0]]
            found.insert(0, node)
        assert found[0]["inputs"]["seed"] == 101
        assert [n["inputs"]["mix"] for n in found[1:]] == ["add", "weighted", "normalized", "replace"]
        drawn = [graph[n["inputs"]["layer"][0]]["inputs"] for n in found[1:]]
        assert [n["seed"] for n in drawn] == [102, 101, 103, 104]
        kinds = ["seed per frame", "none", "constant", "independent"]
        assert [n["kind"] for n in drawn] == kinds
        assert [n["inputs"]["weight"] for n in found[1:4]] == [0.7, 0.4, 0.3]
        assert found[2]["inputs"]["balance"] == 0.5
        assert found[4]["inputs"]["area"] == tuple(mask) and "area" not in found[1]["inputs"]


def test_layers_over_the_noise_of_a_custom_sampler(build):
    settings = build.add(SETTINGS, noise_layers=layers(build, ("Add", {"noise_weight": 0.7})))
    model = build.loader(build.model, sample_settings=settings)
    noise = build.add("RandomNoise", noise_seed=42)
    guider = build.add("BasicGuider", model=model)
    build.add("SamplerCustomAdvanced", guider=guider, noise=noise, latent_image=build.latent)
    graph = as_graph(convert(build.graph).workflow)
    layer = only(graph, LAYER)
    assert layer["inputs"]["noise"] == tuple(noise) and only(graph, NOISE)


def test_layers_that_are_not_quite_theirs_are_listed(build):
    chain = layers(
        build,
        ("Replace", {"noise_type": "FreeNoise"}),
        ("AddWeighted", {"noise_weight": 0.4, "balance_multiplier": 1.5}),
    )
    for result, graph in both(build, noise_layers=chain):
        assert len(result.left) == 2 and len([n for n in graph.values() if n["type"] == LAYER]) == 2


def test_layers_over_free_noise_are_listed(build):
    chain = layers(build, ("Add", {}), ("Replace", {}))
    for result, graph in both(
        build, windows=static(build), noise_type="FreeNoise", noise_layers=chain
    ):
        assert len(result.left) == 2 and only(graph, SHUFFLED)
        assert LAYER not in {node["type"] for node in graph.values()}


@pytest.mark.parametrize("generator", ["comfy", "auto1111"])
def test_free_noise_of_another_seed(build, generator):
    """It is shuffled by the seed that draws it."""
    drawn = {"noise_type": "FreeNoise", "seed_gen": generator, "seed_offset": 4}
    for result, graph in both(build, windows=static(build), **drawn):
        assert only(graph, SHUFFLED)["inputs"]["seed"] == 5 and not result.left
        kind = {} if generator == "comfy" else {"kind": "seed per frame"}
        assert noise_of(graph) == {"seed": 5, **kind}


def test_a_seed_for_every_frame_is_all_there_is_to_free_noise(build):
    values = build.add("ADE_ValueScheduling", values="0 = 100, 63 = 163", max_length=64)
    given = {"noise_type": "FreeNoise", "seed_override": [values[0], 2]}
    for result, graph in both(build, windows=static(build), **given):
        assert noise_of(graph)["kind"] == "seed per frame" and not result.left
        assert SHUFFLED not in {node["type"] for node in graph.values()}


def test_settings_that_are_bypassed_do_nothing(build):
    settings = build.add(
        SETTINGS, noise_type="constant", custom_cfg=build.add("ADE_CustomCFGSimple", cfg=2.0)
    )
    page = as_page(build.sampled(build.loader(build.model, sample_settings=settings)))
    next(n for n in page["nodes"] if n["type"] == SETTINGS)["mode"] = 4
    result = convert(page)
    types = {node["type"] for node in as_graph(result.workflow).values()}
    assert not types & {NOISE, USE, "ADN_FrameGuidance"} and not result.left
