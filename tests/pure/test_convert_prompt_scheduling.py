"""AnimateDiff-Evolved's schedules of prompts: their versions, their frames, their texts around."""

import pytest
from adn_testing.ade import as_graph, only, read, reasons
from adn_testing.fizz import NODE, read_fizz
from animatediff_native.convert import convert
from animatediff_native.convert.prompt_text import Key, Unreadable, their_schedule
from animatediff_native.convert.prompts import _with_texts
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
    keys, inputs = _with_texts([Key(0, text)], {"prefix": before, "suffix": behind})
    text_of_ours = f'{{"0": "{keys[0].text}"}}'
    found = schedule_of(text_of_ours, clip_part(1), inputs.get("prefix", ""), inputs.get("suffix", ""))
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
