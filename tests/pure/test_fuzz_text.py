"""Schedules and keyframes of any text: frames of the clip in their order, or an error that says
what to do."""

import json
import math
import time

import numpy
from adn_testing.fuzzing import PIECES, only_our_error, schedules, tries
from animatediff_native.motion.clip_part import ClipPart
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.expressions import NoFormula, read_formula
from animatediff_native.motion.frame_strengths import FrameStrengths, WrongLength, read_strengths
from animatediff_native.motion.keyframes import read_keyframes, values_along
from animatediff_native.samplers.prompt_schedule import (
    Interpolation,
    blends,
    read_schedule,
    schedule_of,
    schedule_text,
)
from hypothesis import given
from hypothesis import strategies as st

FORMULAS = (
    "t", "max_f", "pi", "e", "0", "1", "9", "9" * 30, "1e308", "0.5", "+", "-", "*", "/", "%", "**", "//", "(", ")",
    ",", "<", "==", "&", "|", " if ", " else ", "not ", " and ", "sin(", "exp(", "pow(", "clip(", "where(", "min(",
    "sqrt(", "log(", "int(", "round(", "fmod(", ".", "[", "lambda ", ":", "__", "'", "^", "\n", "1j", "None",
)  # fmt: skip
FRAMES = st.sampled_from((1, 2, 16, 100))


@tries(800)
@given(schedules(), FRAMES, st.sampled_from(Interpolation), st.integers(0, 20))
def test_fuzz_prompt_schedules(text, frames, how, first):
    part = ClipPart(frames, first, frames + first)
    found = only_our_error(lambda: schedule_of(text, part, "a", "b"), AnimateDiffError)
    if found is None:
        return
    keys = found.keys
    at = [key.frame for key in keys]
    assert at == sorted(set(at)) and at[0] >= 0
    assert all(isinstance(key.prompt, str) and key.line >= 1 for key in keys)
    between = blends(keys, frames, how, first)
    assert len(between) == frames
    assert all(0 <= blend.share < 1 and blend.before <= blend.after < len(keys) for blend in between)
    assert schedule_text(found.shown, frames, how, first, found.notes)
    for prompt in (*found.positive, *found.negative):
        only_our_error(lambda prompt=prompt: prompt.at(first, frames), AnimateDiffError)


@tries(300)
@given(st.text().filter(lambda text: not set(text) & set('"\\“”„‟«»/') and len(f"{text}.".splitlines()) == 1), st.integers(0, 99))
def test_fuzz_any_prompt_in_quotation_marks_is_read_as_it_is(prompt, frame):
    assert [(k.frame, k.prompt) for k in read_schedule(f'{frame}: "{prompt}"', 100)] == [(frame, prompt)]
    text = json.dumps({str(frame): prompt, str(frame + 1): "b"})
    for form in (text, text[1:-1], text[1:-1].replace('": "', '" : "')):
        assert read_schedule(form, 100)[0].prompt == prompt


@tries(800)
@given(st.one_of(st.text(max_size=30), st.lists(st.sampled_from(FORMULAS), max_size=12).map("".join)), st.integers(0, 10**5))
def test_fuzz_formulas(text, frame):
    """A finite number, or NoFormula, whatever is asked."""
    start = time.process_time()
    try:
        found = read_formula(text).at(frame, 10**5)
    except NoFormula as problem:
        assert str(problem)
    else:
        assert isinstance(found, (int, float)) and math.isfinite(found) and len(str(found)) < 30
    assert time.process_time() - start < 2


@tries(500)
@given(schedules(), FRAMES)
def test_fuzz_keyframes(text, frames):
    def along():
        return values_along(read_keyframes(text), frames)

    values = only_our_error(along, AnimateDiffError)
    if values is not None:
        assert len(values) == frames and all(map(math.isfinite, values))


NUMBERS = st.one_of(
    st.floats(), st.integers(), st.fractions(), st.complex_numbers(), st.booleans(), st.none(),
    st.sampled_from(PIECES), st.integers(300, 5000).map(lambda digits: 10**digits), st.floats(width=16).map(numpy.float16),
)  # fmt: skip


@tries(300)
@given(st.one_of(NUMBERS, st.lists(NUMBERS, max_size=5), st.lists(st.lists(NUMBERS, max_size=2))), FRAMES)
def test_fuzz_strengths(given_value, frames):
    values = only_our_error(lambda: read_strengths(given_value), AnimateDiffError)
    if values is not None:
        found = FrameStrengths(values, WrongLength.RESAMPLE).over(frames)
        assert len(found) == frames and all(map(math.isfinite, found))
