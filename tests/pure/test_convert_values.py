"""Schedules of numbers as the incumbent writes them, number by number, and as our nodes read them."""

import pytest
from animatediff_native.convert.prompt_text import Unreadable
from animatediff_native.convert.value_text import fitted, our_keyframes, our_steps, their_values
from animatediff_native.motion.keyframes import (
    read_keyframes,
    read_step_keyframes,
    value_at,
    values_along,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "frames", "expected"),
    [
        ("0 = 1.0, 4 = 2", 0, [1, 1.25, 1.5, 1.75, 2]),
        ('{"0": 1.0, "2": 2.0,}', 4, [1, 1.5, 2, 2]),
        ("2 = 3", 4, [3, 3, 3, 3]),
        ("0: = 1, 3 = 2", 5, [1, 1, 1, 2, 2]),
        ("0 = 0, -1 = 1", 3, [0, 0.5, 1]),
        ("0.5 = 1, 1.0 = 3", 4, [1, 1, 1, 3]),
        ("0:2 = 1, 2:4 = (5)", 6, [1, 1, 5, 5, 5, 5]),
        ("4:2 = '7', 5 = 8", 0, [7, 7, 7, 7, 7.5, 8]),
        ("0 = 0, 8 = 8", 4, [0, 1, 2, 3]),
        ("0 = 1, 3 = 4, 1 = 2", 0, [1, 2, 3, 4]),  # back again, over what was there
        ("1 = 5, 1 = 6", 3, [5, 5, 5]),  # a line of one frame begins where it ends
        ("1: = 5, 1 = 6", 3, [5, 6, 6]),
    ],
)
def test_numbers_of_frames(text, frames, expected):
    assert their_values(text, frames) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    ["", "0 = ", "0 = a", "0 = nan", ":4 = 1", "1:2:3 = 1", "-1 = 1", "0.5 = 1", "0 = 1\n4 = 2",
     "x = 1", "0 1", "99999999999 = 1", "200000 = 1", "0:900000 = 1"],
)  # fmt: skip
def test_texts_that_cannot_be_read(text):
    with pytest.raises(Unreadable):
        their_values(text, 0)


def test_a_frame_before_the_clip_is_refused():
    with pytest.raises(Unreadable, match="before a clip of 4"):
        their_values("-9 = 1", 4)


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.5]) | st.floats(-9, 9), min_size=1))
def test_our_keyframes_give_the_same_numbers(numbers):
    found = values_along(read_keyframes(our_keyframes(numbers)), len(numbers))
    assert found == pytest.approx(numbers, abs=1e-5)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([1.0] * 8, "0: 1"),
        ([0.0, 0.5, 1.0], "0: 0, 2: 1"),
        ([1.0, 1.0, 1.0, 2.0, 2.0], "0: 1, 2: 1, 3: 2"),
        ([1e-10, 1e-10], "0: 0.0000000001"),
    ],
)
def test_keyframes_are_as_few_as_they_can_be(numbers, text):
    assert our_keyframes(numbers) == text


def test_steps_are_held():
    text = our_steps([(0.0, 7.0), (0.25, 7.0), (0.4, 2.0), (1.0, 3.0)])
    assert text == "0: 7 hold, 0.4: 2 hold, 1: 3"
    found = [value_at(read_step_keyframes(text), percent) for percent in (0, 0.39, 0.4, 0.99, 1)]
    assert found == [7, 7, 2, 2, 3]


def test_the_last_number_goes_on():
    assert fitted([1.0, 2.0], 4) == [1.0, 2.0, 2.0, 2.0] and fitted([1.0, 2.0], 1) == [1.0]
