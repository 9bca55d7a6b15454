"""FizzNodes' schedules of prompts: every version of their nodes, and what a run would have used."""

import json

import pytest
from adn_testing.ade import as_graph, converted, only, reasons
from adn_testing.fizz import NODE, fizz_frames, read_fizz, with_schedule
from animatediff_native.convert import convert
from animatediff_native.convert.fizz_nodes import named
from animatediff_native.convert.fizz_text import as_formula, fizz_schedule, sides, with_weights
from animatediff_native.convert.graph import Node
from animatediff_native.convert.prompt_text import Unreadable
from animatediff_native.motion.clip_part import clip_part
from animatediff_native.motion.expressions import read_formula
from animatediff_native.samplers.prompt_schedule import Interpolation, blends, schedule_of

PROMPTS, ENCODE = "ADN_PromptSchedule", "CLIPTextEncode"
SINGLE, BATCH, LATENTS = "PromptSchedule", "BatchPromptSchedule", "BatchPromptScheduleLatentInput"
PLAIN = ['"0": "a red barn"', '"8": "a tall tree"', '"15": "a lake at dawn"']


def inputs_of(given: dict, node_type: str = PROMPTS) -> dict:
    return only(as_graph(convert(given).workflow), node_type)["inputs"]


def around(before: str, behind: str) -> list[str]:
    return [line.replace(': "', f': "{before}').removesuffix('"') + f'{behind}"' for line in PLAIN]


@pytest.mark.parametrize(
    ("name", "lines", "expected"),
    [
        ("fizz_10_values", around("best quality, ", " film grain"), {"frames": 16}),
        ("fizz_14_values", PLAIN, {"frames": 16, "latent": ("4", 0)}),
        ("fizz_app_text_zero", PLAIN, {"frames": 16}),
        ("fizz_key_at_the_end", ['"0": "a red barn"', '"16": "a lake at dawn"'], {"frames": 16}),
        ("fizz_key_beyond_the_clip", ['"0": "a red barn"', '"64": "a lake at dawn"'], {"frames": 16}),
        ("fizz_more_frames_than_latents", PLAIN, {"frames": 32, "total_frames": 0}),
        (
            "fizz_start_frame",
            ['"0": "a red barn"', '"31": "a lake at dawn"'],
            {"frames": 16, "first_frame": 8, "total_frames": 32},
        ),
        ("fizz_text_linked", PLAIN, {"frames": 16}),
        ("fizz_weights", ['"0": "(a red barn:0.8), (a lake:`0.5+0.5*sin(t/4)`)"'], {"frames": 16}),
    ],
)
def test_minimal_graphs(name, lines, expected):
    result = convert(read_fizz(name))
    assert not result.left and not result.notes
    graph = as_graph(result.workflow)
    inputs = only(graph, PROMPTS)["inputs"]
    assert inputs["text"].split(",\n") == lines
    assert expected.items() <= inputs.items()
    assert inputs["prefix"] == inputs["suffix"] == "" and inputs["interpolation"] == "linear"
    sampler = only(graph, "KSampler")["inputs"]
    assert sampler["positive"][1] == 0 and sampler["latent_image"] == ("4", 0)
    assert graph[sampler["positive"][0]]["type"] == PROMPTS


def test_the_prompt_of_one_frame_is_a_plain_text():
    result = convert(read_fizz("fizz_prompt_schedule"))
    assert not result.left and not result.notes
    graph = as_graph(result.workflow)
    assert not any("Schedule" in node["type"] for node in graph.values())
    sampler = only(graph, "KSampler")["inputs"]
    new = graph[sampler["positive"][0]]
    assert (new["type"], new["inputs"]) == (ENCODE, {"text": "a red barn", "clip": ("1", 1)})


PW = [0, 0, 0, 0.5]
TEXTS = {"pre_text": "p", "app_text": "q"}
LIMITS = {"start_frame": 3, "end_frame": 9}


@pytest.mark.parametrize(
    ("node", "saved", "expected"),
    [
        (BATCH, ["t", 9, "p", "q", *PW], {"max_frames": 9, **TEXTS, "pw_d": 0.5}),
        (BATCH, ["t", 9, False, "p", "q", *PW], {"max_frames": 9, **TEXTS, "pw_d": 0.5}),
        (BATCH, ["t", 9, False, "p", "q", 3, *PW], {"start_frame": 3, **TEXTS, "pw_d": 0.5}),
        (BATCH, ["t", 9, False, "p", "q", 3, 9, *PW], {**LIMITS, **TEXTS, "pw_d": 0.5}),
        (BATCH, ["t", 9, False, 3, 9], {"max_frames": 9, **LIMITS}),
        (BATCH, ["t", 9, False, "p", "q"], {"max_frames": 9, **TEXTS}),  # sockets were widgets
        (BATCH, ["t", 9, False, 3], {"start_frame": 3}),
        (BATCH, ["t", 9, False], {"max_frames": 9}),
        (BATCH, ["t", None, False, "p", None, 3, 9, *PW], {"pre_text": "p", **LIMITS}),
        (BATCH, ["t", 9, False, "p", "q", 3, 9, *PW, "randomize", ""], {**LIMITS, **TEXTS}),
        (BATCH, ["t", 9, "p", "q", 0, 0, 0, 0, 0], {"max_frames": 9, **TEXTS}),  # as one opened another's
        (BATCH, ["t", 9, "p", "q", "0", 0, 0, 0, 0, 0, 0], {"max_frames": 9, **TEXTS}),
        (BATCH, ["t", 9, False, "p", 0, 0, 0, 0, 0], {"pre_text": "p", "app_text": 0}),
        (LATENTS, ["t", "p", "q", *PW], {**TEXTS, "pw_d": 0.5}),
        (LATENTS, ["t", True, "p", "q", *PW], {**TEXTS, "pw_d": 0.5}),
        (LATENTS, ["t", True, "p", "q", 3, *PW], {**TEXTS, "start_frame": 3}),
        (LATENTS, ["t", True, "p", "q", 3, 9, *PW, "", "", "", ""], {**TEXTS, **LIMITS}),
        (LATENTS, ["t", True, 3, 9], LIMITS),
        (SINGLE, ["t", 9, 4], {"max_frames": 9, "current_frame": 4}),
        (SINGLE, ["t", 9, 4, "p", "q", *PW], {"current_frame": 4, **TEXTS}),
        (SINGLE, ["t", 9, 4, False, "p", "q", *PW], {"current_frame": 4, **TEXTS, "pw_d": 0.5}),
        (SINGLE, ["t", 9, False], {"max_frames": 9}),
        ("PromptScheduleNodeFlowEnd", [9, False, 4, "p", "q", *PW], {"current_frame": 4, **TEXTS}),
        ("StringSchedule", ["t", 9, 4, False, "p", "q", *PW], {"current_frame": 4, **TEXTS}),
        ("BatchValueSchedule", ["t", 9], {"max_frames": 9}),
        ("ValueSchedule", ["t", 9, 4, True], {"max_frames": 9, "current_frame": 4}),
        (BATCH, [1, "t"], {}),
    ],
)
def test_saved_values_by_position(node, saved, expected):
    found = named(Node("1", node, raw={"widgets_values": saved}))
    assert expected.items() <= found.items() and bool(found) == bool(expected)


def test_what_a_socket_does_not_bring_is_not_sent():
    """The page keeps the text of a widget that became a socket, and a run has the default."""
    given = read_fizz("fizz_10_values")
    node = next(node for node in given["nodes"] if node["type"] == BATCH)
    socket = {"name": "pre_text", "type": "STRING", "link": None, "widget": {"name": "pre_text"}}
    node["inputs"].append(socket)
    assert inputs_of(given)["text"].split(",\n") == around("", " film grain")
    text = {"name": "text", "type": "STRING", "link": None, "widget": {"name": "text"}}
    node["inputs"].append(text)  # a newer page, which shows a socket for every widget
    assert inputs_of(given)["text"].split(",\n") == around("best quality, ", " film grain")
    del socket["widget"]
    assert inputs_of(given)["text"].split(",\n") == around("", " film grain")


@pytest.mark.parametrize(
    ("prompt", "before", "behind", "expected"),
    [
        ("a", "", "", ("a", "")),
        ("a", "p", "q", ("p a q", "")),
        ("a", "p,", ", q", ("p, a , q", "")),
        ("10", "", "", ("10", "")),  # nothing is cut where app_text is empty
        ("a", "", "0", ("a", "")),
        ("a", "", "1990", ("a 199", "")),
        ("a", "", "0 ", ("a 0", "")),
        ("a --neg b", "p --neg x", "q --neg y0", ("p a q", "x b y")),
        ("a --neg b --neg c", "", "", ("a", "b")),
    ],
)
def test_texts_around_a_prompt(prompt, before, behind, expected):
    assert sides(prompt, before, behind) == expected


def test_lines_are_one():
    keys = fizz_schedule('"0": "two\nlines",\r\n"8 ": "b",\n', 16)
    assert [(key.frame, key.text) for key in keys] == [(0, "twolines"), (8, "b")]


def test_formulas_in_the_place_of_a_frame_have_max_frames_as_max_f():
    keys = fizz_schedule('"max_f/2": "b", "0": "a", "max_f": "c"', 30)
    assert [(key.frame, key.text) for key in keys] == [(0, "a"), (15, "b"), (30, "c")]
    with pytest.raises(Unreadable, match="length"):
        fizz_schedule('"max_f": "a"', None)


@pytest.mark.parametrize(
    ("text", "weights", "last", "expected"),
    [
        ("(a:`pw_a`)", {"pw_a": "0.8"}, 15, "(a:0.8)"),
        ("(a:`pw_a*t`)", {"pw_a": "0.8"}, 15, "(a:`0.8*t`)"),
        ("(a:`t/max_f`)", {}, 15, "(a:`t/15`)"),  # there, max_f is the last frame
        ("(a:`t/max_f`)", {}, None, "(a:`t/max_f`)"),  # as it is in ours
    ],
)
def test_weights(text, weights, last, expected):
    assert with_weights(text, weights, last) == expected


@pytest.mark.parametrize("numbers", [[0.5], [1, 1, 1], [0, 0.5, 1, 1, 0.25, 0.25, 3], [-1, 2, -0.5]])
def test_numbers_by_frame_as_a_formula(numbers):
    formula = read_formula(as_formula(numbers))
    assert [formula.at(t, 0) for t in range(len(numbers))] == pytest.approx(numbers)


@pytest.mark.parametrize(
    ("text", "before", "behind"),
    [
        ('"0": "a", "8": "b", "12": "c"', "", ""),
        ('"4": "a --neg x", "8": "b"', "p --neg y", "q0"),
        ('"0": "a", "16": "b",\n', "p", "0"),
        ('"0": "a", "40": "b", "50": "c"', "", "q --neg 0"),
        ('"-4": "a", "12": "b"', "", ""),
        ('"12": "b", "0": "a", "15": "b"', "", ""),
        ('"30": "only"', "", ""),
    ],
)
@pytest.mark.parametrize("frames", [16, 32])
def test_every_frame_has_what_fizz_nodes_gave_it(text, before, behind, frames):
    """Against a slow loop: the prompts of both sides, and how much of each."""
    given = with_schedule(BATCH, text=text, pre_text=before, app_text=behind, max_frames=frames)
    given["4"]["inputs"]["batch_size"] = frames
    graph = as_graph(convert(given).workflow)
    ours = graph[graph["5"]["inputs"]["positive"][0]]["inputs"]
    part = clip_part(ours["frames"], None, ours.get("first_frame", 0), ours.get("total_frames", 0))
    found = schedule_of(ours["text"], part)
    shares = blends(found.keys, part.frames, Interpolation.LINEAR, part.first)
    for blend, expected in zip(shares, fizz_frames(text, frames, before, behind), strict=True):
        for prompts, (old, new, weight) in zip((found.positive, found.negative), expected, strict=True):
            pair = {prompts[blend.before].text: 1 - blend.share}
            pair[prompts[blend.after].text] = pair.get(prompts[blend.after].text, 0) + blend.share
            theirs = {old: weight}
            theirs[new] = theirs.get(new, 0) + 1 - weight
            pair, theirs = ({k: v for k, v in each.items() if v} for each in (pair, theirs))
            assert pair == pytest.approx(theirs)


def test_the_clip_is_the_one_that_the_prompts_lead_to():
    """The first 16 of 120, and a latent that is not in the file by a link."""
    assert inputs_of(with_schedule(BATCH))["frames"] == 16
    given = with_schedule(BATCH)
    given["4"] = {"class_type": "VAEEncode", "inputs": {}}
    inputs = inputs_of(given)
    assert (inputs["frames"], inputs["latent"]) == (120, ("4", 0))
    given["4"]["inputs"] = {"pixels": [NODE, 0]}  # it would wait for itself
    assert "latent" not in inputs_of(given)


def test_fewer_frames_than_the_clip_has_are_listed():
    given = with_schedule(BATCH, max_frames=12)
    assert "began it anew" in reasons(convert(given))[NODE]
    given = with_schedule(BATCH, max_frames=12, text='"0": "a"')
    assert NODE not in reasons(convert(given))


def test_the_latent_that_is_counted_is_connected():
    given = with_schedule(LATENTS, 0)
    given["5"]["inputs"]["latent_image"] = [NODE, 2]
    given["5"]["inputs"]["negative"] = [NODE, 1]
    graph = as_graph(convert(given).workflow)
    sampler = graph["5"]["inputs"]
    inputs = only(graph, PROMPTS)["inputs"]
    assert sampler["latent_image"] == inputs["latent"] == ("4", 0) and inputs["frames"] == 16
    assert sampler["negative"] == (sampler["positive"][0], 2)


def test_one_prompt_for_a_clip_of_unknown_length_is_a_plain_text():
    given = with_schedule(BATCH, 1, text='"0": "a --neg b", "16": "a --neg b"')
    given["5"]["class_type"] = "SomethingElse"
    given["5"]["inputs"] = {"positive": [NODE, 1]}
    graph = as_graph(convert(given).workflow)
    assert graph[graph["5"]["inputs"]["positive"][0]]["inputs"]["text"] == "b"


@pytest.mark.parametrize(
    ("inputs", "node_type", "expected"),
    [
        ({"current_frame": 8}, ENCODE, {"text": "b"}),
        ({"current_frame": 100}, ENCODE, {"text": "b"}),
        ({"current_frame": 128, "max_frames": 128}, ENCODE, {"text": "a"}),  # it rolls over
        ({"current_frame": 3, "text": '"0": "x`t`"'}, ENCODE, {"text": "x3"}),
        (
            {"current_frame": 2},
            PROMPTS,
            {"text": '"0": "a",\n"8": "b"', "frames": 1, "first_frame": 2, "total_frames": 120},
        ),
        (
            {"current_frame": ["30", 0]},
            PROMPTS,
            {"text": '"0": "a",\n"8": "b"', "frames": 1, "first_frame": ("30", 0)},
        ),
    ],
)
def test_the_prompt_of_one_frame(inputs, node_type, expected):
    given = with_schedule(SINGLE, **inputs)
    given["30"] = {"class_type": "Counter", "inputs": {}}
    result = convert(given)
    graph = as_graph(result.workflow)
    new = graph[graph["5"]["inputs"]["positive"][0]]
    assert NODE not in reasons(result) and NODE not in graph
    assert new["type"] == node_type and expected.items() <= new["inputs"].items()


def test_a_chain_of_prompts():
    given = with_schedule("PromptScheduleNodeFlowEnd", text=["23", 1], max_frames=["23", 0], current_frame=12)
    flow = {"class_type": "PromptScheduleNodeFlow"}
    given["21"] = flow | {"inputs": {"text": "a", "num_frames": 24, "max_frames": 0}}
    given["22"] = flow | {
        "inputs": {"text": "b", "num_frames": 24, "in_text": ["21", 1], "max_frames": ["21", 0]}
    }
    given["23"] = flow | {
        "inputs": {"text": "c", "num_frames": 8, "in_text": ["22", 1], "max_frames": ["22", 0]}
    }
    graph = as_graph(convert(given).workflow)
    assert not any("Flow" in node["type"] for node in graph.values())
    inputs = only(graph, PROMPTS)["inputs"]
    assert inputs["text"] == '"0": "a",\n"48": "b"' and inputs["total_frames"] == 56


def test_texts_that_are_put_together():
    given = with_schedule(BATCH, text=["21", 0], pre_text=["22", 0])
    given["21"] = {"class_type": "StringConcatenate", "inputs": {
        "text_a": ["23", 0], "frame_a": 0, "text_b": "b", "frame_b": 12, "frame_c": 24}}  # fmt: skip
    given["22"] = {"class_type": "ConcatStringSingle", "inputs": {"string_a": "p", "string_b": "q"}}
    given["23"] = {"class_type": "String Literal", "inputs": {"string": "a\nb"}}
    result = convert(given)
    assert inputs_of(given)["text"] == '"0": "pq ab",\n"12": "pq b"'
    assert not result.left and {"21", "22"}.isdisjoint(result.workflow)


def test_a_text_that_another_node_makes_is_read_when_it_runs():
    given = with_schedule(BATCH, text=["30", 0], pre_text="p,")
    given["30"] = {"class_type": "LoadText", "inputs": {}}
    graph = as_graph(convert(given).workflow)
    inputs, around = (only(graph, kind)["inputs"] for kind in (PROMPTS, "RegexReplace"))
    assert (inputs["prefix"], inputs["frames"]) == ("", 16)
    assert graph[inputs["text"][0]]["inputs"] == around
    assert around["string"] == ("30", 0) and "p, " in around["replace"]


@pytest.mark.parametrize("text", ["a red barn", "a, red, barn"])
def test_a_text_without_frames_is_one_prompt(text):
    given = with_schedule(BATCH, text=text)
    result = convert(given)
    assert inputs_of(given)["text"] == json.dumps({"0": text})[1:-1]
    assert any("names no frame" in note for note in result.notes) and not result.left


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("[a|b]", "was words"),
        ("a <lora:x:1>", "was words"),
        ("a --no hats", "was words"),
        ("a, " * 50, "more than 75 tokens"),
    ],
)
def test_what_prompts_mean_otherwise_is_listed(prompt, reason):
    assert reason in reasons(convert(with_schedule(BATCH, text=f'"0": "a", "8": "{prompt}"')))[NODE]


@pytest.mark.parametrize(
    ("node_type", "inputs", "expected"),
    [
        ("StringSchedule", {"current_frame": 9, "app_text": "0"}, "b"),
        ("StringSchedule", {"current_frame": 3}, "a"),  # texts do not change little by little
        ("BatchStringSchedule", {"text": '"0": "a", "8": "a"'}, "a"),
    ],
)
def test_a_text_at_a_frame(node_type, inputs, expected):
    given = with_schedule(node_type, **inputs)
    given["30"] = {"class_type": ENCODE, "inputs": {"text": [NODE, 0], "clip": ["1", 1]}}
    given["5"]["inputs"]["positive"] = ["30", 0]
    graph = as_graph(convert(given).workflow)
    assert graph[graph["30"]["inputs"]["text"][0]]["inputs"] == {"value": expected}
    assert NODE not in graph


@pytest.mark.parametrize("node_type", ["BatchPromptScheduleEncodeSDXL", "ImagesFromBatchSchedule"])
def test_what_has_no_equivalent_is_listed(node_type):
    assert "no equivalent" in reasons(convert(with_schedule(node_type)))[NODE]


def test_schedules_in_both_formats_come_out_alike():
    result, graph = converted("fizz_ui")
    assert not result.left and only(graph, PROMPTS)["inputs"]["frames"] == 24


@pytest.mark.parametrize("others", [0, 1])
def test_a_clip_that_anything_everywhere_gives(others):
    """Where the page does not keep to whom: the only one that there is."""
    given = read_fizz("fizz_14_values")
    node = next(node for node in given["nodes"] if node["type"] == LATENTS)
    link = next(socket for socket in node["inputs"] if socket["name"] == "clip")
    number, link["link"] = link["link"], None
    wires = [wire for wire in given["links"] if wire[0] != number]
    leaving = given["nodes"][0]["outputs"][1]["links"]
    leaving.remove(number)
    for i in range(1 + others):
        leaving.append(100 + i)
        new = {"id": 50 + i, "type": "Anything Everywhere", "mode": 0, "outputs": [], "widgets_values": [],
               "inputs": [{"name": "anything", "type": "*", "link": 100 + i}]}  # fmt: skip
        given["nodes"].append(new)
        wires.append([100 + i, 1, 1, 50 + i, 0, "*"])
    result = convert({**given, "links": wires})
    assert only(as_graph(result.workflow), PROMPTS)["inputs"]["clip"] == ("1", 1)
