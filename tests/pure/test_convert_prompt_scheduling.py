"""AnimateDiff-Evolved's schedules of prompts: their versions, their frames, their texts around."""

import pytest
from adn_testing.ade import as_graph, only, read, reasons
from adn_testing.fizz import NODE, read_fizz
from animatediff_native.convert import convert
from animatediff_native.convert.prompt_text import Unreadable, their_schedule
from animatediff_native.motion.clip_part import clip_part
from animatediff_native.samplers.prompt_schedule import schedule_of

PROMPTS, THEIRS, LATENTS = "ADN_PromptSchedule", "ADE_PromptScheduling", "ADE_PromptSchedulingLatents"
TEXT = '0 = "a", 8 = "b"'


def with_theirs(node_type: str = LATENTS, **inputs) -> dict:
    graph = read("gen1_api")
    given = {"prompts": TEXT, "clip": ["1", 1]}
    given |= {"latent": ["4", 0]} if node_type == LATENTS else {}
    graph[NODE] = {"class_type": node_type, "inputs": {**given, **inputs}}
    graph["5"]["inputs"]["positive"] = [NODE, 0]
    return graph


def inputs_of(given: dict) -> dict:
    return only(as_graph(convert(given).workflow), PROMPTS)["inputs"]


def test_the_minimal_graph():
    result = convert(read_fizz("prompt_scheduling_5_values"))
    assert not result.left and not result.notes
    inputs = only(as_graph(result.workflow), PROMPTS)["inputs"]
    assert inputs["text"].splitlines() == [
        '"0": "a red barn",', '"3": "a red barn",', '"8": "a tall tree",', '"15": "a lake at dawn"'
    ]  # fmt: skip
    assert (inputs["prefix"], inputs["suffix"]) == ("best quality", "")
    assert (inputs["frames"], inputs["latent"], inputs["interpolation"]) == (16, ("4", 0), "compound")


@pytest.mark.parametrize(
    ("saved", "expected"),
    [
        ([TEXT, False], ("", "", "compound")),
        ([TEXT, False, "slerp"], ("", "", "compound slerp")),
        ([TEXT, "p,", ", q", True, "lerp"], ("p", "q", "compound")),
    ],
)
def test_versions_of_the_node(saved, expected):
    given = read_fizz("prompt_scheduling_5_values")
    node = next(node for node in given["nodes"] if node["type"] == LATENTS)
    node["widgets_values"] = saved
    inputs = inputs_of(given)
    assert tuple(inputs[name] for name in ("prefix", "suffix", "interpolation")) == expected
    node["inputs"].append({"name": "prepend_text", "type": "STRING", "link": None})
    assert inputs_of(given)["prefix"] == ""  # the page does not send what a socket has no link for


@pytest.mark.parametrize(
    ("text", "before", "behind"),
    [("a", "p", "q"), ("a", "p, ,", ",q"), (", a,", "p", "q"), ("", "p", "q"), (",", "p", ""), ("a,", "", "q")],
)
def test_texts_around_the_prompts(text, before, behind):
    """As the incumbent joins them, however ours then gets there."""
    given = with_theirs(prompts=f'0 = "{text}"', prepend_text=before, append_text=behind)
    inputs = inputs_of(given)
    around = (inputs.get(name, "") for name in ("prefix", "suffix"))
    found = schedule_of(inputs["text"], clip_part(1), *around)
    assert found.positive[0].text == joined(text, before, behind)


def joined(prompt: str, before: str, behind: str) -> str:
    prompt = prompt.strip()
    while before.strip().endswith(","):
        before = before.strip()[:-1]
    while behind.strip().startswith(","):
        behind = behind.strip()[1:]
    if before.strip():
        prompt = before.strip() + ("" if prompt.startswith(",") else ", ") + prompt
    if behind.strip():
        prompt += (" " if prompt.endswith(",") else ", ") + behind.strip()
    return prompt


def test_a_text_from_another_node():
    given = with_theirs(prepend_text=["30", 0])
    given["30"] = {"class_type": "StringConstantMultiline", "inputs": {"string": "p\nq,", "strip_newlines": True}}
    assert inputs_of(given)["prefix"] == "pq"


def test_prompts_behind_the_clip_are_changed_towards():
    given = with_theirs(prompts='0 = "a", 32 = "b", 40 = "c"')
    assert inputs_of(given)["text"] == '"0": "a",\n"32": "b"'  # the third is behind what is changed towards


def test_relative_frames_of_a_clip_whose_length_only_its_latent_knows():
    given = with_theirs(prompts='0. = "a", .5 = "b", -1 = "c"')
    given["4"] = {"class_type": "VAEEncode", "inputs": {}}
    inputs = inputs_of(given)
    assert (inputs["text"], inputs["latent"]) == ('0. = "a", .5 = "b", -1 = "c"', ("4", 0))
    keys = schedule_of(inputs["text"], clip_part(33)).keys
    assert [(key.frame, key.prompt) for key in keys] == [(0, "a"), (16, "b"), (32, "c")]


@pytest.mark.parametrize("at", ["0", "7", "0.", ".33", "0.66", "1.", "1.0", "-1", "-5", "4:", ".5:", "2:9", "0:.5", "-8:-2", "3:3", "9:2"])
@pytest.mark.parametrize("frames", [16, 33])
def test_our_node_takes_their_frames_as_they_are(at, frames):
    """What is not rewritten because the length is not known means the same there."""
    theirs = their_schedule(f'{at} = "a"', frames)
    keys = schedule_of(f'{at} = "a"', clip_part(frames)).keys
    assert [key.frame for key in keys] == [key.frame for key in theirs]
    assert keys[-1].hold == theirs[-1].hold


def test_a_schedule_without_a_latent_is_as_long_as_its_keys():
    given = with_theirs(THEIRS, prompts='0 = "a", 31 = "b"')
    assert inputs_of(given)["frames"] == 16  # the clip's; ComfyUI takes the first of them
    given["5"]["class_type"] = "SomethingElse"
    del given["5"]["inputs"]["latent_image"]
    assert inputs_of(given)["frames"] == 32


@pytest.mark.parametrize("text", ['8 = "a", 0 = "b"', '0 = "a", 0 = "b"', '1.5 = "a"'])
def test_schedules_that_go_back_stay(text):
    with pytest.raises(Unreadable):
        their_schedule(text, 16)
    result = convert(with_theirs(prompts=text))
    assert NODE in reasons(result) and NODE in result.workflow


@pytest.mark.parametrize("prompt", ["a `b`", "[a|b]", "a --neg b", "__wild__"])
def test_what_was_words_is_listed(prompt):
    assert "was words" in reasons(convert(with_theirs(prompts=f'0 = "{prompt}"')))[NODE]


def test_a_text_that_another_node_makes_is_read_when_it_runs():
    given = with_theirs(prompts=["30", 0], append_text="q")
    given["30"] = {"class_type": "LoadText", "inputs": {}}
    inputs = inputs_of(given)
    assert (inputs["text"], inputs["suffix"], inputs["frames"]) == (("30", 0), "q", 16)


def with_numbers(values: str, key: str = "w") -> dict:
    given = with_theirs(prompts='0 = "(a:`w`)", 8 = "b"', values_replace=["30", 0])
    given["30"] = {"class_type": "ADE_ValuesReplace", "inputs": {"value_key": key, "floats": ["31", 1]}}
    given["31"] = {"class_type": "ADE_ValueScheduling", "inputs": {"values": values, "max_length": 16}}
    return given


@pytest.mark.parametrize(
    ("values", "expected"),
    [("0 = 0.5", "(a:0.5)"), ("0 = 0, 15 = 15", "(a:`(0+1*clip(t-0,0,15))`)")],
)
def test_numbers_that_are_put_into_prompts(values, expected):
    result = convert(with_numbers(values))
    text = only(as_graph(result.workflow), PROMPTS)["inputs"]["text"]
    assert text == f'"0": "{expected}",\n"8": "b"'
    assert not result.left and {"30", "31"}.isdisjoint(result.workflow)


def test_numbers_by_another_name_are_listed():
    assert "was words" in reasons(convert(with_numbers("0 = 1", "other")))[NODE]


def test_one_prompt_taken_out_of_a_schedule():
    given = with_theirs()
    given["30"] = {"class_type": "ADE_ConditionExtraction", "inputs": {"conditioning": [NODE, 0], "index": 5}}
    given["5"]["inputs"]["negative"] = ["30", 0]
    graph = as_graph(convert(given).workflow)
    whole, one = (graph[graph["5"]["inputs"][side][0]]["inputs"] for side in ("positive", "negative"))
    part = {"frames": 1, "first_frame": 5, "total_frames": 16}
    assert whole.pop("latent") == ("4", 0) and one == {**whole, **part}
