"""What --set makes of a text: what the input is, as the server says, and never anything else."""

import importlib.util
import json
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "headless" / "run_workflow.py"
_SPEC = importlib.util.spec_from_file_location("run_workflow", PATH)
assert _SPEC and _SPEC.loader
run_workflow = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(run_workflow)

GRAPH = {"1": {"class_type": "A", "inputs": {}}, "12": {"class_type": "B", "inputs": {}}}
TEXT = ["STRING", {"multiline": True}]
SOCKET = ["MODEL"]
COMBO = [["euler", "512", "1"], {}]
NEW_COMBO = ["COMBO", {"options": ["euler", 512, "1"]}]


@pytest.mark.parametrize(
    "text",
    [
        '{"0": "a", "16": "b"}', '"0": "a", "16": "b"', "2024", "1e3", "true", "null", '"quoted"',
        '["1", 0]', "[1, 2]", "", " a ", "a=b", '["12", 0]',
    ],
)  # fmt: skip
def test_text_stays_text(text):
    for now in ("before", ""):
        assert run_workflow.value_of(text, TEXT, now, GRAPH) == text
        if not text.startswith('["1'):
            assert run_workflow.value_of(text, None, now, GRAPH) == text  # unknown to the server


@pytest.mark.parametrize(
    ("text", "spec", "now", "value"),
    [
        ("7", ["INT", {}], 3, 7),
        ("007", ["INT", {}], 3, "007"),  # the server reads it
        ("0.5", ["FLOAT", {}], 3.0, 0.5),
        ("5", ["INT,FLOAT", {}], 3.0, 5),
        ('["1", 0]', ["INT", {}], 3, ["1", 0]),
        ('["1", 0]', SOCKET, ["12", 0], ["1", 0]),
        ('["1", 0]', TEXT, ["12", 0], ["1", 0]),
        ('["1", 0]', ["STRING", {"forceInput": True}], "", ["1", 0]),
        ('["1", 0]', None, ["12", 1], ["1", 0]),
        ('["99", 0]', TEXT, ["12", 0], '["99", 0]'),
        ("5", None, 3, 5),
        ("euler", COMBO, "euler", "euler"),
        ("512", COMBO, "euler", "512"),
        ("512", NEW_COMBO, "euler", 512),
        ("1", NEW_COMBO, "euler", "1"),
        ("gone.safetensors", COMBO, "euler", "gone.safetensors"),
        ('{"a": 1}', COMBO, "euler", '{"a": 1}'),
        ('["a", "b"]', ["COMBO", {"options": ["a", "b"], "multiselect": True}], [], ["a", "b"]),
        ('["1", 0]', NEW_COMBO, "euler", ["1", 0]),
        ("true", ["BOOLEAN", {}], False, True),
        ("False", ["BOOLEAN", {}], True, False),
        ("off", ["BOOLEAN"], True, False),
        ("5", ["STRING,INT", {}], "x", "5"),
        ('{"a": 1}', ["DICT", {}], {}, {"a": 1}),
        ("NaN", ["FLOAT", {}], 1.0, "NaN"),
    ],
)  # fmt: skip
def test_the_server_says_what_an_input_is(text, spec, now, value):
    made = run_workflow.value_of(text, spec, now, GRAPH)
    assert (type(made), json.dumps(made)) == (type(value), json.dumps(value))


def test_a_word_that_is_no_truth_value():
    with pytest.raises(run_workflow.Failure, match="neither true nor false"):
        run_workflow.value_of("maybe", ["BOOLEAN", {}], True, GRAPH)
