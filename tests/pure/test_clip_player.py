"""Pictures in turn, at their own pace."""

import threading
import time

import pytest
from animatediff_native.samplers.clip_player import ClipPlayer

PICTURE_SECONDS = 0.02
PATIENCE = 10.0


class Screen:
    """What is shown, and when it is enough."""

    def __init__(self, longest: float = PATIENCE):
        self.player = ClipPlayer(self.show, longest)
        self.seen: list[str] = []
        self.enough = threading.Event()
        self.count = 0

    def show(self) -> None:
        self.seen.append(self.player.current)
        if len(self.seen) >= self.count:
            self.enough.set()

    def watch(self, count: int) -> list[str]:
        self.seen, self.count = [], count
        self.enough.clear()
        assert self.enough.wait(PATIENCE)
        return self.seen[:count]


@pytest.fixture
def screen():
    screen = Screen()
    yield screen
    screen.player.join()


def test_pictures_are_shown_at_their_pace(screen):
    """A busy machine may skip some; none comes before its turn."""
    screen.player.play("abcd", PICTURE_SECONDS)
    began = time.monotonic()
    seen = screen.watch(12)
    assert time.monotonic() - began >= 10 * PICTURE_SECONDS
    assert len(set(seen)) > 1


def test_pictures_take_turns(screen):
    screen.player.play("abc", 100.0)
    turns = []
    for _ in range(7):
        turns.append(screen.player.current)
        screen.player._began -= 100.0
    assert "".join(turns) == "abcabca"


def test_new_pictures_take_over_where_the_clip_is(screen):
    screen.player.play("abcdefgh", 100.0)
    screen.player._began -= 350.0
    assert screen.player.current == "d"
    screen.player.play("ABCDEFGH", 100.0)
    assert screen.player.current == "D"


def test_rest_until_there_are_new_pictures(screen):
    assert screen.player.current is None
    screen.player.play("ab", PICTURE_SECONDS)
    screen.player.rest()
    assert screen.player.current is None
    screen.player.play("cd", PICTURE_SECONDS)
    assert screen.player.current in ("c", "d")


def test_a_clip_without_new_pictures_pauses():
    screen = Screen(longest=5 * PICTURE_SECONDS)
    screen.player.play("ab", PICTURE_SECONDS)
    time.sleep(20 * PICTURE_SECONDS)
    screen.player.join()
    assert len(screen.seen) <= 6


def test_nothing_is_shown_after_the_end(screen):
    screen.player.play("ab", PICTURE_SECONDS)
    screen.watch(2)
    screen.player.join()
    shown = len(screen.seen)
    screen.player.play("ab", PICTURE_SECONDS)
    time.sleep(5 * PICTURE_SECONDS)
    assert len(screen.seen) == shown
