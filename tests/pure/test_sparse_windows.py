"""Which pictures a window sees, also where the clip has none in it."""

import pytest
from animatediff_native.conditions.sparse_windows import EmptyWindows, pictures_of

NEAREST, NOTHING = EmptyWindows.NEAREST, EmptyWindows.NOTHING
SHOWN = {0: 0, 32: 1, 64: 2, 95: 3}  # four pictures of a clip of 96 frames, by frame


def seen(window, shown, empty=NEAREST):
    """Places in the window, and their pictures."""
    own = pictures_of(window, shown, empty)
    assert len(own) == len(window)
    return {place: picture for place, picture in enumerate(own) if picture is not None}


@pytest.mark.parametrize("empty", EmptyWindows)
def test_a_window_with_a_picture_sees_its_own_by_frame(empty):
    assert seen(range(24, 40), SHOWN, empty) == {8: 1}
    assert seen([30, 32, 34, 64], SHOWN, empty) == {1: 1, 3: 2}


@pytest.mark.parametrize(
    ("window", "places"),
    [
        (range(1, 17), {0: 0}),  # frame 0 is 1 before it, frame 32 is 16 behind it
        (range(12, 28), {15: 1}),  # 12 and 5 away
        (range(10, 23), {0: 0, 12: 1}),  # 10 and 10 away
        (range(72, 88), {0: 2, 15: 3}),  # 8 and 8 away
    ],
)
def test_another_sees_the_nearest_at_its_nearer_end(window, places):
    assert seen(window, SHOWN) == places


def test_a_single_picture_as_far_from_both_ends_stands_in_the_middle():
    assert seen([20, 40, 60, 30, 20], {25: 7}) == {2: 7}


def test_without_pictures_and_with_no_picture_it_sees_nothing():
    assert seen(range(16), {}) == {}
    assert seen(range(1, 17), SHOWN, NOTHING) == {}
