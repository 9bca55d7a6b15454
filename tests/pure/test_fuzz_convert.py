"""Workflows of any JSON: converted to JSON of the same format, or an error in three parts."""

import copy
import json

import pytest
from adn_testing.ade import NAMES, read
from adn_testing.ade_graphs import both_formats, with_all_options
from adn_testing.fuzzing import ODD_VALUES, changed_json, only_our_error, tries
from animatediff_native.convert import convert
from animatediff_native.motion.errors import AnimateDiffError
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("name", NAMES)
def test_fuzz_workflows(name):
    check_changed(read(name), 25)


@pytest.mark.parametrize("workflow", both_formats(with_all_options()), ids=["api", "ui"])
def test_fuzz_all_options(workflow):
    check_changed(workflow, 150)


def check_changed(workflow, times):
    @tries(times)
    @given(changed_json(workflow))
    def check(workflow):
        before = repr(workflow)
        found = only_our_error(lambda: convert(workflow), AnimateDiffError)
        assert repr(workflow) == before
        if found is not None:
            assert_conversion(found, workflow)

    check()


def assert_conversion(found, workflow):
    assert isinstance(found.workflow.get("nodes"), list) == isinstance(workflow.get("nodes"), list)
    json.dumps(found.workflow)
    assert all(isinstance(line, str) and line for line in [*found.converted, *found.notes])
    for entry in found.left:
        assert all(isinstance(part, str) for part in entry) and entry.reason


NAMES_OF_PARTS = ("nodes", "links", "id", "type", "inputs", "class_type", "1", "definitions", "extra")
ANY = st.recursive(
    st.sampled_from(ODD_VALUES),
    lambda inside: st.one_of(
        st.lists(inside, max_size=3),
        st.dictionaries(st.sampled_from(NAMES_OF_PARTS), inside, max_size=4),
    ),
)


@tries(200)
@given(ANY)
def test_fuzz_any_json(workflow):
    found = only_our_error(lambda: convert(copy.deepcopy(workflow)), AnimateDiffError)
    if found is not None:
        assert_conversion(found, workflow)
