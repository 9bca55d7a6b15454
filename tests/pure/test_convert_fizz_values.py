"""FizzNodes' schedules of numbers, as numbers by frame, and what takes them."""

import math

import pytest
from adn_testing.ade import as_graph, only, read, reasons
from adn_testing.fizz import NODE, read_fizz
from animatediff_native.convert import convert
from animatediff_native.convert.fizz_values import fizz_values
from animatediff_native.convert.prompt_text import Unreadable
from animatediff_native.motion.keyframes import read_keyframes, values_along

STRENGTHS, SINGLE = "ADN_FrameStrengths", "ValueSchedule"
BATCH, LATENTS = "BatchValueSchedule", "BatchValueScheduleLatentInput"


@pytest.mark.parametrize(
    ("text", "frames", "expected"),
    [
        ("0:(0.2),\n4:(1.0)\n", 5, [0.2, 0.4, 0.6, 0.8, 1.0]),
        ("0:(0),2:(1),", 5, [0, 0.5, 1, 1, 1]),
        ('"0":(0), "2":(1)', 3, [0, 0.5, 1]),
        ("2:(1), 0:(0)", 4, [0, 0.5, 1, 1]),  # in any order
        ("0:(0.5), 8:(1)", 4, [0.5] * 4),  # what is behind the clip does nothing
        ("0:(t/2)", 4, [0, 0.5, 1, 1.5]),
        ("0:(t), 2:(0), 4:(1)", 5, [0, 1, 0, 0.5, 1]),
        ("0:(0), 2:(t), 4:(0)", 5, [0, 1, 2, 3, 0]),
        ("0:(1e-1), 3:(1)", 4, [0.1, 0.1, 0.1, 1]),  # a formula, so it holds
        ("0:(1.), 3:(2)", 4, [1, 1, 1, 2]),
        ("0:(-.5), 2:(+.5)", 3, [-0.5, 0, 0.5]),
        ("0:(max_f), max_f:(0)", 4, [3, 3, 3, 0]),
        ("0:(0), 1:(2), 1:(4)", 2, [0, 4]),  # the last of two
        ("0:(1.25)", None, [1.25]),
        ("0:(0), 3:(3)", None, [0, 1, 2, 3]),
    ],
)
def test_numbers_by_frame(text, frames, expected):
    assert fizz_values(text, frames) == pytest.approx(expected)


def test_formulas_of_the_frame():
    expected = [0.5 + 0.5 * math.sin(t / 4) for t in range(16)]
    assert fizz_values("0:(0.5+0.5*sin(t/4))", 16) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "frames"),
    [("", 4), ("0", 4), ("x:(1)", 4), ("0:(what)", 4), ("8:(1)", 4), ("0:(t)", None), ("0:(1/t)", 4),
     ("9" * 30 + ":(1)", None)],
)  # fmt: skip
def test_texts_that_cannot_be_read(text, frames):
    with pytest.raises(Unreadable):
        fizz_values(text, frames)


def with_values(node_type: str, taker: str = "weight", output: int = 0, **inputs) -> dict:
    graph = read("gen1_api")
    given = {"text": "0:(0.0), 15:(1.0)"}
    given |= {"num_latents": ["4", 0]} if node_type == LATENTS else {"max_frames": 16}
    graph[NODE] = {"class_type": node_type, "inputs": {**given, **inputs}}
    graph["30"] = {"class_type": "Taker", "inputs": {taker: [NODE, output]}}
    return graph


def test_the_minimal_graph():
    result = convert(read_fizz("fizz_value_schedule"))
    graph = as_graph(result.workflow)
    inputs = only(graph, STRENGTHS)["inputs"]
    found = values_along(read_keyframes(inputs["keyframes"]), inputs["frames"])
    assert found == pytest.approx([0.2 + 0.8 * frame / 15 for frame in range(16)])
    assert not result.left and not result.notes
    taken = only(graph, "IPAdapterBatch")["inputs"]["weight"]
    assert graph[taken[0]]["type"] == STRENGTHS and taken[1] == 0


@pytest.mark.parametrize("node_type", [BATCH, LATENTS])
def test_who_takes_the_numbers_takes_them_from_frame_strengths(node_type):
    graph = as_graph(convert(with_values(node_type)).workflow)
    inputs = only(graph, STRENGTHS)["inputs"]
    assert (inputs["keyframes"], inputs["frames"]) == ("0: 0, 15: 1", 16)
    assert NODE not in graph and graph["30"]["inputs"]["weight"][1] == 0


def test_a_latent_of_unknown_length_is_connected():
    given = with_values(LATENTS)
    given["4"] = {"class_type": "VAEEncode", "inputs": {}}
    given["31"] = {"class_type": "Other", "inputs": {"latent": [NODE, 2]}}
    graph = as_graph(convert(given).workflow)
    assert only(graph, STRENGTHS)["inputs"]["latent"] == graph["31"]["inputs"]["latent"] == ("4", 0)


def test_the_number_of_one_frame():
    result = convert(with_values(SINGLE, current_frame=3))
    graph = as_graph(result.workflow)
    assert only(graph, "PrimitiveFloat")["inputs"]["value"] == pytest.approx(0.2)
    assert not result.left and NODE not in graph


def test_whole_numbers_are_listed_with_who_takes_them():
    result = convert(with_values(BATCH, "steps", 1))
    assert "node 30 (Taker)" in reasons(result)[NODE] and NODE in result.workflow


def test_numbers_that_a_multival_takes():
    """The same number in all frames is one, whatever the length of the clip."""
    given = with_values(LATENTS, text="0:(1.25)")
    given["4"]["class_type"] = "VAEEncode"
    given["30"] = {"class_type": "ADE_MultivalDynamic", "inputs": {"float_val": [NODE, 0]}}
    loader = next(node for node in given.values() if "Loader" in node["class_type"] and "ADE" in node["class_type"])
    loader["inputs"]["scale_multival"] = ["30", 0]
    result = convert(given)
    assert only(as_graph(result.workflow), "ADN_MotionStrength")["inputs"]["strength"] == 1.25
    assert not result.left and NODE not in result.workflow


def test_weights_of_prompts_from_a_schedule():
    given = with_values(BATCH)
    del given["30"]
    given["21"] = {"class_type": "BatchPromptSchedule", "inputs": {
        "text": '"0": "(a:`pw_a`)"', "clip": ["1", 1], "max_frames": 16, "pw_a": [NODE, 0]}}  # fmt: skip
    given["5"]["inputs"]["positive"] = ["21", 0]
    result = convert(given)
    text = only(as_graph(result.workflow), "ADN_PromptSchedule")["inputs"]["text"]
    assert text == '"0": "(a:`(0+0.0666666667*clip(t-0,0,15))`)"'
    assert NODE not in result.workflow and not result.left
