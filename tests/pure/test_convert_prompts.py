"""Prompt schedules, of the incumbent and of FizzNodes, read and written as ours."""

import pytest
from adn_testing.ade import as_graph, converted, only, read, reasons
from animatediff_native.convert import convert
from animatediff_native.convert.fizz_text import fizz_schedule
from animatediff_native.convert.prompt_text import (
    Key,
    Unreadable,
    our_schedule,
    seen,
    their_schedule,
)
from animatediff_native.samplers.prompt_schedule import read_schedule

PROMPTS = "ADN_PromptSchedule"


def test_prompts_are_what_they_were():
    _, graph = converted("prompt_scheduling_ui")
    inputs = only(graph, PROMPTS)["inputs"]
    assert inputs["frames"] == 32  # the clip's, since the schedule named none
    keys = read_schedule(inputs["text"], inputs["frames"])
    assert [(key.frame, key.prompt) for key in keys] == [
        (0, "spring, blossom"), (16, "summer, green leaves"), (30, "summer, green leaves"), (31, "autumn, red leaves")
    ]  # fmt: skip


def test_fizz_prompts_have_a_negative_side():
    """In one node, whose third output it is; frames go on changing towards a prompt that is behind
    the last of them."""
    result, graph = converted("fizz_ui")
    assert not result.left
    inputs = only(graph, PROMPTS)["inputs"]
    assert inputs["text"].splitlines() == [
        '"0": "on a table a (red:1.2) ball sharp --neg fog blurry",',
        '"12": "on a table a blue ball sharp --neg blurry",',
        '"24": "on a table a green ball sharp --neg blurry"',
    ]
    sampler = only(graph, "KSampler")["inputs"]
    assert sampler["positive"][1] == 0 and sampler["negative"] == (sampler["positive"][0], 2)


@pytest.mark.parametrize(
    ("text", "frames", "expected"),
    [
        ('0 = "a", 8 = "b"', None, [(0, "a"), (8, "b")]),
        ('{"0": "a", "-1": "b"}', 16, [(0, "a"), (15, "b")]),
        ('"0": "a", "0.5": "b", "1.0": "c"', 16, [(0, "a"), (8, "b"), (15, "c")]),
        (
            '"0:8": "a", "8:": "b", "12": "c"',
            16,
            [(0, "a"), (7, "a"), (8, "b"), (11, "b"), (12, "c")],
        ),
        ('"0": "a", "16": "a"', 16, [(0, "a")]),
        ('"0": "two\nlines"', 16, [(0, "two\nlines")]),
        ('"0": "two\u2028lines", "8": "b"', 16, [(0, "two\u2028lines"), (8, "b")]),
    ],
)
def test_schedules_are_read(text, frames, expected):
    keys = seen(their_schedule(text, frames), frames)
    assert [
        (k.frame, k.prompt) for k in read_schedule(our_schedule(keys), frames or 99)
    ] == expected


@pytest.mark.parametrize("text", ["0 - what", '"x": "a"', '"-1": "a"', '"1.2.3": "a"', f'"{"9" * 400}": "a"'])
def test_schedules_that_cannot_be_read(text):
    with pytest.raises(Unreadable):
        their_schedule(text, None)


@pytest.mark.parametrize("at", ["-17", "-0.5", f"{'9' * 400}.", "-"])
def test_frames_that_no_clip_has(at):
    with pytest.raises(Unreadable):
        their_schedule(f'"{at}": "a"', 16)


@pytest.mark.parametrize("text", [f'"{"9" * 5000}": "a"', '"0": ' + "9" * 5000, '"0": ' + "[" * 100_000, '"0": "a"}, {"8": "b"'])  # fmt: skip
def test_fizz_schedules_that_cannot_be_read(text):
    with pytest.raises(Unreadable):
        fizz_schedule(text)


def test_what_is_beyond_the_clip_is_kept_where_frames_change_towards_it():
    far = Key(40, "c")
    assert seen([Key(0, "a", hold=True), Key(20, "b"), far], 16) == [Key(0, "a", hold=True)]
    assert seen([Key(0, "a"), Key(20, "b"), far], 16) == [Key(0, "a"), Key(20, "b")]


def with_fizz(**inputs) -> dict:
    """An API graph with FizzNodes' node for latents in it."""
    given = read("gen1_api")
    given["20"] = {"class_type": "BatchPromptScheduleLatentInput", "inputs": {
        "text": '"0": "a", "8": "b"', "clip": ["1", 1], "num_latents": ["4", 0], **inputs}}  # fmt: skip
    given["5"]["inputs"] |= {"positive": ["20", 0]}
    return given


@pytest.mark.parametrize(("inputs", "slot"), [({}, 1), ({"print_output": False}, 2)])
def test_the_latent_goes_past_the_schedule(inputs, slot):
    """By the second output in the first versions, by the third since there are negative prompts."""
    given = with_fizz(**inputs)
    given["5"]["inputs"]["latent_image"] = ["20", slot]
    graph = as_graph(convert(given).workflow)
    assert only(graph, "KSampler")["inputs"]["latent_image"] == ("4", 0)
    assert only(graph, PROMPTS)["inputs"]["frames"] == 16


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"text": '"0": "a `foo(t)` b"'}, "cannot be computed"),
        ({"text": '"what": "a"'}, "is not a frame"),
        ({"text": "0: no schedule"}, "not JSON"),
        ({"text": '"0": "a", "00": "b"'}, "two prompts"),
        ({"text": '"0": "`pw_a`"', "pw_a": ["3", 0]}, "pw_a is not in the file"),
    ],
)
def test_schedules_that_stay(inputs, reason):
    given = with_fizz(**inputs)
    result = convert(given)
    assert reason in reasons(result)["20"]
    assert result.workflow["20"] == given["20"]
