"""Schedules and keyframes of any text: frames of the clip in their order, or an error that says
what to do."""

import math
from itertools import pairwise

import numpy
from adn_testing.fuzzing import PIECES, only_our_error, schedules, tries
from animatediff_native.convert.prompt_text import (
    Unreadable,
    fizz_schedule,
    our_schedule,
    their_schedule,
    within,
)
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.frame_strengths import FrameStrengths, WrongLength, read_strengths
from animatediff_native.motion.keyframes import read_keyframes, values_along
from animatediff_native.samplers.prompt_schedule import (
    Interpolation,
    blends,
    read_schedule,
    schedule_text,
    with_common_parts,
)
from hypothesis import given
from hypothesis import strategies as st

FRAMES = st.sampled_from((1, 2, 16, 100))
WHOLE = st.one_of(st.none(), FRAMES)


@tries(800)
@given(schedules(), FRAMES, st.sampled_from(Interpolation))
def test_fuzz_prompt_schedules(text, frames, how):
    keys = only_our_error(lambda: read_schedule(text, frames), AnimateDiffError)
    if keys is None:
        return
    at = [key.frame for key in keys]
    assert at == sorted(set(at)) and at[0] >= 0 and at[-1] < frames
    assert all(isinstance(key.prompt, str) and key.line >= 1 for key in keys)
    found = blends(with_common_parts(keys, "a", "b"), frames, how)
    assert len(found) == frames
    assert all(0 <= blend.share < 1 and blend.before <= blend.after < len(keys) for blend in found)
    assert schedule_text(keys, frames, how)


@tries(300)
@given(st.text().filter(lambda text: len(f"{text}.".splitlines()) == 1), st.integers(0, 99))
def test_fuzz_any_prompt_in_quotation_marks_is_read_as_it_is(prompt, frame):
    assert [(k.frame, k.prompt) for k in read_schedule(f'{frame}: "{prompt}"', 100)] == [(frame, prompt)]


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


@tries(800)
@given(schedules(), WHOLE, st.booleans())
def test_fuzz_schedules_of_others(text, frames, fizz):
    def theirs():
        return fizz_schedule(text) if fizz else their_schedule(text, frames)

    keys = only_our_error(theirs, Unreadable)
    if not keys:
        return
    assert all(key.frame >= 0 for key in keys)
    inside, beyond = within(keys, frames)
    assert all(frame >= (frames or 0) for frame in beyond)
    if inside:
        assert_read_again(inside)


def assert_read_again(keys):
    """Our text has every key, and behind one that is held nothing new before the next."""
    found = {k.frame: k.prompt for k in read_schedule(our_schedule(keys), keys[-1].frame + 1)}
    assert {key.frame: key.text for key in keys}.items() <= found.items()
    held = {b.frame - 1: a.text for a, b in pairwise(keys) if a.hold}
    assert held.items() <= found.items() and len(found) <= len(keys) + len(held)
