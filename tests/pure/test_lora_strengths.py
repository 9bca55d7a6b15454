"""A strength for every frame: lists, their lengths, and keyframes as text."""

import numpy
import pytest
import torch
from adn_testing.lora_files import motion_lora
from animatediff_native.lora.chain import LoraUse
from animatediff_native.motion.clip_part import clip_part
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.frame_strengths import FrameStrengths, WrongLength, read_strengths
from animatediff_native.motion.keyframes import (
    read_keyframes,
    read_step_keyframes,
    values_along,
)
from animatediff_native.motion.step_range import StepRange

RESAMPLE, ERROR = WrongLength.RESAMPLE, WrongLength.ERROR


@pytest.mark.parametrize(
    ("values", "frames", "expected"),
    [
        ((0.0, 1.0), 5, [0.0, 0.25, 0.5, 0.75, 1.0]),
        ((0.0, 1.0, 0.0), 5, [0.0, 0.5, 1.0, 0.5, 0.0]),
        ((0.0, 1.0, 2.0, 3.0, 4.0), 3, [0.0, 2.0, 4.0]),
        ((0.3,), 4, [0.3] * 4),
        ((1.0, 5.0), 1, [1.0]),
        ((1.0, 5.0), 2, [1.0, 5.0]),
    ],
)
def test_resampling(values, frames, expected):
    assert FrameStrengths(values, RESAMPLE).over(frames) == pytest.approx(expected)


@pytest.mark.parametrize("frames", [1, 4, 6, 16])
def test_another_length_is_an_error(frames):
    with pytest.raises(AnimateDiffError, match=f"5 values for a clip of {frames} frames?\\."):
        FrameStrengths((0.0,) * 5, ERROR).over(frames)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (0.5, (0.5,)),
        (1, (1.0,)),
        ([0.5, 1], (0.5, 1.0)),
        ((2.0,), (2.0,)),
        (numpy.float32(0.5), (0.5,)),
        ([numpy.float32(0.5)], (0.5,)),
        (numpy.array([0.5, 1.0]), (0.5, 1.0)),
        (torch.tensor([0.5, 1.0]), (0.5, 1.0)),
    ],
)
def test_what_a_float_input_brings(given, expected):
    assert read_strengths(given) == expected


@pytest.mark.parametrize(
    "given", [[], [0.5, None], ["1"], "1", [float("nan")], float("inf"), [True], {"a": 1}, [10**400], [10**5000]]
)
def test_what_is_no_list_of_numbers(given):
    with pytest.raises(AnimateDiffError, match="frame_strengths"):
        read_strengths(given)


ONE = motion_lora()
HALF = StepRange(0.0, 0.5)


@pytest.mark.parametrize(
    ("use", "constant"),
    [
        (LoraUse(ONE, 0.7), 0.7),
        (LoraUse(ONE, 0.5, FrameStrengths((0.5, 0.5))), 0.25),
        (LoraUse(ONE, 0.5, FrameStrengths((0.5, 0.5), ERROR)), None),
        (LoraUse(ONE, 0.5, FrameStrengths((0.5, 0.6))), None),
        (LoraUse(ONE, 0.5, None, HALF), None),
        (LoraUse(ONE, 0.0, FrameStrengths((0.5, 0.6)), HALF), 0.0),
    ],
)
def test_which_strengths_are_constant(use, constant):
    assert use.constant == constant


def test_frames_multiply_the_strength():
    assert LoraUse(ONE, 0.5, FrameStrengths((0.0, 1.0))).over(3) == [0.0, 0.25, 0.5]


@pytest.mark.parametrize(
    ("text", "frames", "expected"),
    [
        ("0: 0.0, 4: 1.0", 5, [0.0, 0.25, 0.5, 0.75, 1.0]),
        ("1: 1\n3: -1", 6, [1.0, 1.0, 0.0, -1.0, -1.0, -1.0]),
        ("2: .5,", 3, [0.5, 0.5, 0.5]),
        ("4: 1.0, 0: 0.0", 5, [0.0, 0.25, 0.5, 0.75, 1.0]),
        ("0: 0.0 hold, 2: 1.0, 4: 0.0 HOLD", 6, [0.0, 0.0, 1.0, 0.5, 0.0, 0.0]),
        ("0:(0.0), 4:(1.0)", 5, [0.0, 0.25, 0.5, 0.75, 1.0]),
        ("0: 1.0, 4: 1e-1", 5, [1.0, 0.775, 0.55, 0.325, 0.1]),
        ("0: 0, 50%: 1, -1: 0", 5, [0.0, 0.5, 1.0, 0.5, 0.0]),
        ("0: 0%, -1: 50%", 3, [0.0, 0.25, 0.5]),
        ('{"0": 0, "2": 1.0,}', 3, [0.0, 0.5, 1.0]),
        ('"0": "0", "2": "1"', 3, [0.0, 0.5, 1.0]),
        ("0 = 0.0, 2 = 1.0", 3, [0.0, 0.5, 1.0]),
        ("0: = 0.0, 2 = 1.0", 3, [0.0, 0.0, 1.0]),
        ("# x\n0: 0 # y\n2: (1)\r\n", 3, [0.0, 0.5, 1.0]),
        ("0:2 = 1, 3 = 3", 4, [1.0, 1.0, 2.0, 3.0]),
        ("0: 0, max_f/2: 1, max_f-1: 0", 5, [0.0, 0.5, 1.0, 0.5, 0.0]),
        ("0: 0, +2: 1, +2: 0", 5, [0.0, 0.5, 1.0, 0.5, 0.0]),
        ("0:(t/4)", 5, [0.0, 0.25, 0.5, 0.75, 1.0]),
        ("0:(max(t, 2)), 3: 0", 5, [2.0, 2.0, 2.0, 0.0, 0.0]),
        ("0: 0, 2: `max_f + t`", 4, [0.0, 2.5, 5.0, 6.0]),
        ("0: 0, 8: 8", 4, [0.0, 1.0, 2.0, 3.0]),
        ("1: t*10, 2: 0", 3, [10.0, 10.0, 0.0]),
    ],
)
def test_keyframes(text, frames, expected):
    assert values_along(read_keyframes(text), frames) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "hint"),
    [("", "no keyframes"), ("0.5", "no keyframe"), ("0: a", "no keyframe"), ("0: 1, 0: 2", "second time"), ("0: 1, 101%: 1", "no keyframe.*more than the clip"), ("0: sin(x)", "no keyframe: 'x' is not known"), ("0: 1,5", "no keyframe"), ("0 1", "no keyframe"), (f"0: {'9' * 400}", "no keyframe"), (f"{'9' * 5000}: 1", "no keyframe"), ("0: 1\n2: x", "line 2: '2: x' is no keyframe")],
)  # fmt: skip
def test_text_that_is_no_keyframes(text, hint):
    with pytest.raises(AnimateDiffError, match=hint):
        read_keyframes(text)


def test_a_keyframe_behind_the_clip(caplog):
    with caplog.at_level("INFO"):
        assert values_along(read_keyframes("0: 0.0, 16: 1.0"), 16)[15] == 15 / 16
    assert "frame 16" in caplog.text and "frame 15" in caplog.text


@pytest.mark.parametrize("text", ["0: 1, -17: 0", "0: 1, max_f-17: 0"])
def test_a_keyframe_before_the_clip(text):
    with pytest.raises(AnimateDiffError, match=r"line 1: .*lies before a clip of 16 frames"):
        values_along(read_keyframes(text), 16)


@pytest.mark.parametrize("text", ["0: 1, -16: 0", "8: 1, 50%: 0"])
def test_two_keyframes_of_one_frame(text):
    with pytest.raises(AnimateDiffError, match=r"second time: [08]"):
        values_along(read_keyframes(text), 16)


def test_parts_of_values_continue_each_other():
    keys = read_keyframes("0: 0, 50%: t, -1: max_f")
    whole = values_along(keys, 24)
    parts = [values_along(keys, 8, clip_part(8, None, first, 24)) for first in (0, 8, 16)]
    assert [value for part in parts for value in part] == whole


def test_step_keyframes():
    keys = read_step_keyframes("0:(1.0), 50%: 1e-1")
    assert [(key.at, key.value) for key in keys] == [(0, 1), (0.5, 0.1)]
    for text in ("0: 1, 2: 1", "0: t", "-1: 1", "0: 1, 0%: 2"):
        with pytest.raises(AnimateDiffError, match="percent"):
            read_step_keyframes(text)
