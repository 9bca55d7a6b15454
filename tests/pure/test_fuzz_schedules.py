"""Other packs' schedules of any text: frames in their order, or a reason why there are none, and our
text for what is read."""

import math
from itertools import pairwise

from adn_testing.fuzzing import only_our_error, schedules, tries
from animatediff_native.convert.fizz_text import fizz_schedule
from animatediff_native.convert.fizz_values import fizz_values
from animatediff_native.convert.prompt_text import Unreadable, our_schedule, seen, their_schedule
from animatediff_native.samplers.prompt_schedule import read_schedule
from hypothesis import given
from hypothesis import strategies as st

WHOLE = st.sampled_from((None, 1, 2, 16, 100))


@tries(800)
@given(schedules(), WHOLE, st.booleans())
def test_fuzz_schedules_of_others(text, frames, fizz):
    def theirs():
        return fizz_schedule(text, frames) if fizz else their_schedule(text, frames)

    keys = only_our_error(theirs, Unreadable)
    if not keys or keys[0].frame < 0:
        return
    kept = seen(keys, frames)
    assert len([key for key in kept if key.frame >= (frames or 10**9)]) <= 1
    assert_read_again(kept)


@tries(800)
@given(schedules(), WHOLE)
def test_fuzz_values_of_others(text, frames):
    numbers = only_our_error(lambda: fizz_values(text, frames), Unreadable)
    if numbers is not None:
        assert len(numbers) == frames or frames is None
        assert all(map(math.isfinite, numbers))


def assert_read_again(keys):
    """Our text has every key, and behind one that is held nothing new before the next."""
    found = {k.frame: k.prompt for k in read_schedule(our_schedule(keys), keys[-1].frame + 1)}
    assert {key.frame: key.text for key in keys}.items() <= found.items()
    held = {b.frame - 1: a.text for a, b in pairwise(keys) if a.hold}
    assert held.items() <= found.items() and len(found) <= len(keys) + len(held)
