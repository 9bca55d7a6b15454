"""What stands in few files, and is converted all the same."""

import json
import re

import pytest
from adn_testing.ade import as_graph, only, read, reasons, shape
from adn_testing.fizz import with_schedule
from adn_testing.page_graphs import PageBuilder, checkpoint, loader, sampled, static_windows
from adn_testing.sound import new_faults
from animatediff_native.convert import convert
from animatediff_native.convert.fizz_text import put_around, sides
from animatediff_native.samplers.prompt_schedule import read_written

APPLY, WINDOWS, SCHEDULE = "ADN_ApplyMotionModule", "ADN_ContextWindows", "ADN_NoiseSchedule"


def after(given):
    result = convert(given)
    assert new_faults(given, result.workflow) == set()
    return result, as_graph(result.workflow)


def test_windows_whose_length_is_not_in_the_file_have_the_usual_one():
    given = read("gen1_api")
    given["30"] = {"class_type": "ADE_AnimateDiffUniformContextOptions",
                   "inputs": {"context_schedule": "uniform"}}  # fmt: skip
    given["10"]["inputs"]["context_options"] = ["30", 0]
    result, graph = after(given)
    assert not result.left
    windows = only(graph, WINDOWS)["inputs"]
    assert (windows["context_length"], windows["context_overlap"]) == (16, 4)


@pytest.mark.parametrize(("pingpong", "made"), [(False, 0), (True, 1), ("false", 0), ("true", 1)])
def test_ping_pong_as_a_switch_and_as_a_word(pingpong, made):
    given = read("gen1_api")
    pictures = {"images": ["6", 0], "frame_rate": 8, "loop_count": 0, "format": "image/gif",
                "filename_prefix": "a", "pingpong": pingpong, "save_image": True}  # fmt: skip
    given["40"] = {"class_type": "ADE_AnimateDiffCombine", "inputs": pictures}
    result, graph = after(given)
    assert not result.left
    assert [node["type"] for node in graph.values()].count("ADN_PingPong") == made
    assert "40" not in graph


def test_a_combine_without_pictures_goes():
    given = read("gen1_api")
    given["40"] = {"class_type": "ADE_AnimateDiffCombine", "inputs": {"format": "image/gif"}}
    result, graph = after(given)
    assert not result.left and "40" not in graph
    assert any("no pictures were connected" in line for line in result.converted)


def test_a_group_node_knows_what_came_from_outside():
    given = shape("group_node")
    group = given["extra"]["groupNodes"]["Motion"]
    group["links"].append([None, 0, 1, 0, 99, "MODEL"])
    result = convert(given)
    assert not result.left and new_faults(given, result.workflow) == set()


@pytest.mark.parametrize(
    ("beta", "expected"),
    [
        ("sqrt_linear (AnimateDiff)", [(SCHEDULE, "linear (AnimateDiff)")]),
        ("lcm >> sqrt_linear",
         [("ModelSamplingDiscrete", "lcm"), (SCHEDULE, "linear (AnimateDiff)")]),
        ("autoselect", []),
        ("use existing", []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("modules", ["none", "one in no step"])
def test_a_schedule_without_a_motion_module(beta, expected, modules):
    """Their Use Evolved Sampling sets it too where no module runs, but by itself none then."""
    given = read("gen1_api")
    apply = {"motion_model": ["31", 0], "start_percent": 0.6, "end_percent": 0.6}
    given["30"] = {"class_type": "ADE_ApplyAnimateDiffModel", "inputs": apply}
    module = {"model_name": "mm_sd_v15_v2.ckpt"}
    given["31"] = {"class_type": "ADE_LoadAnimateDiffModel", "inputs": module}
    evolved = {"model": ["1", 0], "beta_schedule": beta, "m_models": ["30", 0]}
    given["10"] = {"class_type": "ADE_UseEvolvedSampling", "inputs": evolved}
    if modules == "none":
        del given["30"], given["31"], evolved["m_models"]
    result, graph = after(given)
    kinds = [kind for kind, _ in expected]
    found = [n for n in graph.values() if n["type"] in (SCHEDULE, "ModelSamplingDiscrete")]
    assert [n["type"] for n in found] == kinds
    for node, (_, value) in zip(found, expected, strict=True):
        assert value in node["inputs"].values()
    assert not any("beta_schedule" in entry for entry in reasons(result).values())


@pytest.mark.parametrize("mode", [2, 4])
@pytest.mark.parametrize("text", ['"0": "a", "8": "b"', '"0": "a"'])
def test_a_schedule_of_prompts_that_is_off_can_be_without_clip(mode, text):
    build = PageBuilder()
    values = [text, 16, 12, False, "", "", 0, 0, 0, 0]
    schedule = build.add(
        "PromptSchedule", "CONDITIONING CONDITIONING", values, mode=mode, clip=("CLIP", None)
    )
    sampled(build, loader(build, checkpoint(build)))
    build.add(
        "ConditioningAverage", "CONDITIONING", [1], conditioning_to=("CONDITIONING", (schedule, 0))
    )
    given = build.page()
    result, graph = after(given)
    assert not result.left and "PromptSchedule" not in {n["type"] for n in graph.values()}


def _runtime(text: str, **options):
    """A schedule whose text another node makes of this one."""
    given = with_schedule("BatchPromptSchedule", text=["30", 0], **options)
    given["30"] = {"class_type": "SomeSchedule", "inputs": {"prompts": ["31", 0]}}
    given["31"] = {"class_type": "SomeLines", "inputs": {"lines": text}}
    return given


@pytest.mark.parametrize(("text", "stays"), [("a barn\na lake", 0), ("(a barn:`pw_a`)\na lake", 1)])
def test_weights_are_missed_where_prompts_could_have_formulas(text, stays):
    given = _runtime(text, pw_a=["32", 0])
    given["32"] = {"class_type": "SomeNumbers", "inputs": {}}
    result, graph = after(given)
    assert len(result.left) == stays
    assert [n["type"] for n in graph.values()].count("ADN_PromptSchedule") == 1 - stays


@pytest.mark.parametrize(
    ("text", "around", "put"),
    [
        ("a barn\na lake", {"app_text": ", sharp"}, 0),
        ("a barn\na lake", {"pre_text": "best,", "app_text": " , sharp"}, 0),
        ("a barn\na lake", {"app_text": "sharp"}, 1),
        ("a barn\na lake", {"pre_text": "best"}, 1),
        ("a barn,\na lake", {"app_text": ", sharp"}, 1),
        ('"0": "a barn,", "8": "b"', {"app_text": ", sharp"}, 1),
        ('"0": ",a barn", "8": "b"', {"pre_text": "best,"}, 1),
    ],
)
def test_texts_go_around_prompts_that_are_made_when_it_runs(text, around, put):
    """With one comma, where one is there anyway; else as the host's node puts them there."""
    result, graph = after(_runtime(text, **around))
    assert not result.left
    inputs = only(graph, "ADN_PromptSchedule")["inputs"]
    assert (graph[inputs["text"][0]]["type"] == "RegexReplace") == bool(put)
    names = {"pre_text": "prefix", "app_text": "suffix"}
    expected = {} if put else {names[name]: text.strip() for name, text in around.items()}
    assert {name: inputs[name] for name in names.values() if inputs[name]} == expected


@pytest.mark.parametrize("before", ["", "4k, \"best\"", "a\\b"])
@pytest.mark.parametrize("behind", ["", "sharp", '"x" \\1'])
@pytest.mark.parametrize(
    "prompts",
    [
        {"0": "a barn", "8": "a lake, at dawn"},
        {"0": "a sign: \"open\"", "8": "ends in:"},
        {"0": "a --neg b", "8": "c"},
        {"0": "", "12": "a\nb --neg c \\ d"},
        {"0": "(a:`0.5*t`)", "4": "x -- y"},
    ],
)
def test_the_host_puts_texts_around_prompts_as_fizznodes_does(before, behind, prompts):
    found = put_around(before, behind)
    text = json.dumps(prompts, indent=1)
    whole = re.sub(found["regex_pattern"], found["replace"], text)
    expected = {at: sides(prompt, before, behind) for at, prompt in prompts.items()}
    assert {at: sides(p, "", "") for at, p in json.loads(whole).items()} == expected


def test_texts_with_a_negative_part_are_listed():
    result, _ = after(_runtime("a\nb", app_text="x --neg y"))
    assert any("comma" in entry for entry in reasons(result).values())


def test_the_last_frame_may_be_what_the_number_of_frames_is():
    given = with_schedule("BatchPromptSchedule", max_frames=["32", 0], end_frame=["32", 0])
    given["32"] = {"class_type": "SomeCount", "inputs": {}}
    result, graph = after(given)
    assert not result.left and only(graph, "ADN_PromptSchedule")["inputs"]["frames"] == 16


def test_a_reroute_from_nowhere_brings_nothing():
    given = with_schedule("BatchPromptSchedule", app_text=["32", 0])
    given["32"] = {"class_type": "Reroute", "inputs": {}}
    given["10"]["inputs"]["beta_schedule"] = ["32", 0]
    result, graph = after(given)
    assert not result.left and only(graph, "ADN_PromptSchedule")["inputs"]["suffix"] == ""


def _to_all(kept: bool):
    """A loader whose model, windows and MotionLoRA come from Anything Everywhere, of which the page
    kept nothing, or that these were no links."""
    build = PageBuilder()
    lora = build.add("ADE_AnimateDiffLoRALoader", "MOTION_LORA", ["pan.ckpt", 0.5])
    model = loader(build, None, context_options=("CONTEXT_OPTIONS", None),
                   motion_lora=("MOTION_LORA", None))  # fmt: skip
    give = build.add
    give("Anything Everywhere", "", [], anything=("*", checkpoint(build)))
    give("Anything Everywhere?", "", [".*", "x", ".*"], CONTEXT_OPTIONS=("*", static_windows(build)))
    give("Anything Everywhere", "", [], MOTION_LORA=("*", (lora, 0)))
    give("Anything Everywhere?", "", ["KSampler", ".*", ".*"], MODEL=("*", model))
    sampled(build, model)
    return {**build.page(), "extra": {"ue_links": []} if kept else {}}


def test_what_a_loader_is_given_without_links():
    result, graph = after(_to_all(kept=False))
    assert not result.left
    assert only(graph, APPLY)["inputs"]["motion_lora"] and only(graph, WINDOWS)
    givers = [n for n in graph.values() if n["type"].startswith("Anything")]
    assert len(givers) == 2  # of models; what only the loader took has become links


def test_where_the_page_kept_its_links_only_models_are_guessed():
    _, graph = after(_to_all(kept=True))
    types = [n["type"] for n in graph.values()]
    assert APPLY in types and WINDOWS not in types
    assert "motion_lora" not in only(graph, APPLY)["inputs"]


def test_schedules_of_prompts_alone_are_converted():
    given = with_schedule("BatchPromptSchedule")
    given["5"]["inputs"]["model"] = ["1", 0]
    del given["10"]
    result, graph = after(given)
    assert not result.left and only(graph, "ADN_PromptSchedule")


@pytest.mark.parametrize(
    ("kind", "value", "control", "expected"),
    [
        ("Pack_Seed", 40, "fixed", 42),
        ("Pack_Seed", 40, "randomize", None),
        ("Pack_Seed", -1, "fixed", None),
        ("SomeNumbers", 40, "fixed", None),
    ],
)
def test_an_offset_to_a_seed_that_a_node_holds(kind, value, control, expected):
    build = PageBuilder()
    settings = build.add("ADE_AnimateDiffSamplingSettings", "SAMPLE_SETTINGS",
                         [0, "default", "comfy", 2, False])  # fmt: skip
    seed = build.add(kind, "INT", [value, control])
    model = loader(build, checkpoint(build), sample_settings=("SAMPLE_SETTINGS", (settings, 0)))
    latent = build.add("EmptyLatentImage", "LATENT", [512, 512, 16])
    build.add("KSampler", "LATENT", [7, "fixed", 20, 7.5, "euler", "normal", 1.0],
              widgets=("seed",), model=("MODEL", model), latent_image=("LATENT", (latent, 0)),
              seed=("INT", (seed, 0)))  # fmt: skip
    result, graph = after(build.page())
    assert bool(result.left) == (expected is None)
    if expected is not None:
        assert only(graph, "ADN_FrameNoise")["inputs"]["seed"] == expected


def _put_together(graph, link, texts):
    """What the host's nodes make of a text when they run."""
    if not isinstance(link, tuple):
        return link
    if link[0] in texts:
        return texts[link[0]]
    node = graph[link[0]]
    inputs = {name: _put_together(graph, value, texts) for name, value in node["inputs"].items()}
    if node["type"] == "RegexReplace":
        return re.sub(inputs["regex_pattern"], inputs["replace"], inputs["string"])
    assert node["type"] == "StringReplace"
    return inputs["string"].replace(inputs["find"], inputs["replace"])


@pytest.mark.parametrize("node_type", ["BatchPromptSchedule", "PromptSchedule"])
@pytest.mark.parametrize("made", ["sharp", 'a "b" \\ c', "two\nlines, 4k"])
def test_texts_that_are_made_when_it_runs_go_to_their_places(node_type, made):
    text = '"0": "a, b", "12": "c --neg d"'
    given = with_schedule(node_type, text=text, pre_text=["32", 0], app_text=["33", 0])
    given["32"] = {"class_type": "SomeText", "inputs": {"from": ["31", 0]}}
    given["33"] = {"class_type": "SomeText", "inputs": {"from": ["31", 0]}}
    given["31"] = {"class_type": "SomeFile", "inputs": {}}
    result, graph = after(given)
    inputs = only(graph, "ADN_PromptSchedule")["inputs"]
    assert not result.left and inputs["prefix"] == inputs["suffix"] == ""
    whole = _put_together(graph, inputs["text"], {"32": made, "33": "end"})
    keys, *_ = read_written(whole, 16)
    expected = [sides(prompt, made, "end") for prompt in ("a, b", "c --neg d")]
    count = 2 if node_type == "BatchPromptSchedule" else 1
    assert [sides(key.prompt, "", "") for key in keys] == expected[:count]


def test_a_text_that_could_have_a_negative_part_stays_around():
    given = with_schedule("BatchPromptSchedule", pre_text=["32", 0])
    given["32"] = {"class_type": "RandomText", "inputs": {"text": "x --neg y"}}
    result, graph = after(given)
    inputs = only(graph, "ADN_PromptSchedule")["inputs"]
    assert inputs["prefix"] == ("32", 0) and inputs["text"] == '"0": "a",\n"8": "b"'
    assert any("comma" in entry for entry in reasons(result).values())
