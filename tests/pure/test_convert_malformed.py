"""Whatever JSON the conversion is given, the only exception is the one that says what to do."""

import copy
import json
import random

import pytest
from adn_testing.ade import NAMES, read
from adn_testing.bad_json import CONVERTED, REFUSED, damaged, nested
from animatediff_native.convert import convert
from animatediff_native.motion.errors import AnimateDiffError

SMALL = [name for name in NAMES if len(json.dumps(read(name))) < 12_000]


@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED)
def test_what_is_no_workflow_is_refused(given):
    with pytest.raises(AnimateDiffError) as refused:
        convert(given)
    error = refused.value
    assert error.given and error.expected and error.remedy
    assert len(str(error)) < 500


@pytest.mark.parametrize("given", CONVERTED.values(), ids=CONVERTED)
def test_what_does_not_matter_is_no_reason_to_refuse(given):
    result = convert(given)
    assert result.workflow and (result.converted or result.left)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("an input's link is a list", "nodes[0].inputs[0].link is a list"),
        ("a link has three members", "links[0].target_id is missing"),
        ("a node without a type", "nodes[0].type is missing"),
        ("MotionLoRAs in a ring", "node 0 (ADE_AnimateDiffLoRALoader) is fed by its own output"),
        ("two nodes of one id", "two nodes have the id 1"),
    ],
)
def test_the_error_names_the_place(name, part):
    with pytest.raises(AnimateDiffError) as refused:
        convert(REFUSED[name])
    assert part in refused.value.given


def test_values_of_the_wrong_kind_are_listed_with_their_node():
    given = read("gen1_loras_api")
    given["11"]["inputs"]["strength"] = "much"
    result = convert(given)
    assert "its strength is 'much', which is no number" in {entry.reason for entry in result.left}


def test_a_multival_that_cannot_be_read_is_not_taken_for_1():
    given = read("gen1_api")
    given["30"] = {"class_type": "ADE_MultivalDynamic", "inputs": {"float_val": "x"}}
    given["10"]["inputs"]["effect_multival"] = ["30", 0]
    assert "30" in {entry.node_id for entry in convert(given).left}


@pytest.mark.parametrize("seed", range(20))
def test_damaged_workflows(seed):
    """40 each, the same ones every time; what comes out is JSON again."""
    chance = random.Random(seed)
    for _ in range(40):
        given = damaged(read(chance.choice(SMALL)), chance)
        before = copy.deepcopy(given)
        try:
            result = convert(given)
        except AnimateDiffError:
            continue
        finally:
            assert json.dumps(given) == json.dumps(before)
        json.dumps([result.workflow, result.converted, result.left, result.notes])


def test_texts_of_schedules_that_python_cannot_read():
    for text in ('"' + "9" * 5000 + '": "a"', '"0": ' + "[" * 5000, "9" * 400 + ' = "a"'):
        for node_type, name in (("BatchPromptSchedule", "text"), ("ADE_PromptScheduling", "prompts")):
            given = read("gen1_api")
            given["20"] = {"class_type": node_type, "inputs": {name: text, "clip": ["1", 1]}}
            given["21"] = {"class_type": "KSampler", "inputs": {"positive": ["20", 0]}}
            assert "20" in {entry.node_id for entry in convert(given).left}


def test_deep_but_not_too_deep():
    given = read("gen1_ui")
    given["extra"]["deep"] = nested(90)
    assert convert(given).workflow["extra"]["deep"] == given["extra"]["deep"]
