"""Progress in steps x windows: it agrees with whole steps, never goes back and ends at its total."""

import copy
from fractions import Fraction

import pytest
from animatediff_native.samplers.run_progress import Round, RunProgress


class Bar:
    """Notes what the host's progress bar would be told, by us and by the host."""

    def __init__(self, steps: int):
        self.parts: list[Fraction] = []
        self.messages: list[tuple[int, int]] = []
        self.progress = RunProgress(steps, self.note)

    def note(self, value, total, preview=None) -> None:
        self.messages.append((value, total))
        self.parts.append(Fraction(value, total))

    def calls(self, windows: int, times: int = 1, together: int = 1) -> None:
        for _ in range(times):
            for first in range(0, windows, together):
                self.progress.windows_done(min(together, windows - first), windows)

    def step(self, step: int) -> None:
        self.parts.append(Fraction(min(step + 1, self.progress.steps), self.progress.steps))
        self.progress.step_done(step)

    def check(self) -> None:
        assert self.parts == sorted(self.parts)
        assert self.parts[-1] == 1


def test_every_window_counts():
    bar = Bar(3)
    for step in range(3):
        bar.calls(4)
        bar.step(step)
    assert bar.messages == [(value, 12) for value in range(1, 13)]
    bar.check()


def test_windows_that_share_a_call():
    bar = Bar(2)
    for step in range(2):
        bar.calls(5, together=2)
        bar.step(step)
    assert [value for value, _ in bar.messages] == [2, 4, 5, 7, 9, 10]
    bar.check()


@pytest.mark.parametrize("before", [1, 2])
def test_several_model_calls_per_step(before):
    """heun reports between its two calls, others behind both; the step before tells the pace."""
    bar = Bar(4)
    for step in range(4):
        bar.calls(4, before)
        bar.step(step)
        bar.calls(4, 2 - before)
    bar.check()
    third = [value - 8 for value, _ in bar.messages if 8 < value <= 12]
    assert sorted(set(third)) == [1, 2, 3, 4] and len(third) >= 7


def test_number_of_windows_that_changes():
    bar = Bar(5)
    for step, windows in enumerate((4, 6, 3, 5, 5)):
        bar.calls(windows)
        bar.step(step)
    assert {total for _, total in bar.messages} == {20}
    bar.check()


def test_more_steps_than_were_announced():
    """As dpm_adaptive takes them."""
    bar = Bar(2)
    for step in range(5):
        bar.calls(3)
        bar.step(step)
    bar.check()


def test_whole_steps_where_there_are_no_windows():
    bar = Bar(2)
    bar.progress.step_done(0)
    bar.progress.send("a picture")
    assert bar.messages == [(1, 2)]


def test_options_that_hold_it_can_be_copied():
    progress = RunProgress(1, lambda *_: None)
    assert copy.deepcopy({"run": progress})["run"] is progress


def test_rounds_are_one_run():
    """Each counts from 0 by itself; whoever waits sees them end to end."""
    sent, steps = [], []
    for index in range(3):
        part = Round(index, 3)
        callback = part.callback(lambda step, x0, x, total: steps.append((step, total)))
        progress = RunProgress(2, part.over_all(lambda *message: sent.append(message)))
        for step in range(2):
            progress.windows_done(1, 2)
            progress.windows_done(1, 2)
            callback(step, None, None, 2)  # type: ignore[misc]
            progress.step_done(step)
    assert sent == [(value, 12, None) for value in range(1, 13)]
    assert steps == [(step, 6) for step in range(6)]
    assert Round(0, 1).callback(None) is None
