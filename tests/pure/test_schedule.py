"""Stages run in the order of their needs, side by side where they can."""

import subprocess
import sys

import pytest

from demo.schedule import StageFailed, run_all

NEEDS = {"a": (), "b": ("a",), "c": ("b",), "d": ("a",), "e": ("a",)}


class Log:
    """Starts real, short processes and remembers what ran when."""

    def __init__(self, seconds=0.0, failing=()):
        self.seconds, self.failing = seconds, failing
        self.started: list[tuple[str, int]] = []
        self.processes: dict[str, subprocess.Popen] = {}
        self.beside: dict[str, set[str]] = {}

    def __call__(self, name: str, threads: int) -> subprocess.Popen:
        self.beside[name] = {n for n, p in self.processes.items() if p.poll() is None}
        self.started.append((name, threads))
        code = f"import sys, time; time.sleep({self.seconds}); sys.exit({name in self.failing:d})"
        self.processes[name] = subprocess.Popen([sys.executable, "-c", code])
        return self.processes[name]


def test_what_is_needed_comes_first_and_the_rest_beside_each_other():
    log = Log(seconds=1)
    run_all(NEEDS, (), 2, log)
    assert log.started[0] == ("a", 2), "alone, so with all cores"
    assert [name for name, _ in log.started[:3]] == ["a", "b", "d"]
    assert [threads for _, threads in log.started[1:3]] == [1, 1]
    assert log.beside["d"] == {"b"} and "b" not in log.beside["c"]
    assert {name for name, _ in log.started} == set(NEEDS)
    assert all(len(beside) < 2 for beside in log.beside.values())


def test_what_is_done_is_not_made_again():
    log = Log()
    run_all(NEEDS, {"a", "b"}, 4, log)
    assert sorted(name for name, _ in log.started) == ["c", "d", "e"]


def test_a_failure_ends_the_others_and_names_the_stage():
    log = Log(seconds=0, failing=("b",))
    slow = Log(seconds=60)

    def start(name, threads):
        return (log if name != "d" else slow)(name, threads)

    with pytest.raises(StageFailed, match=r"stage b failed \(exit status 1\)"):
        run_all(NEEDS, (), 2, start)
    assert slow.processes["d"].poll() is not None, "ended with it"
    assert "c" not in log.processes


def test_a_need_that_nothing_makes():
    with pytest.raises(ValueError, match="c"):
        run_all({"c": ("b",)}, (), 2, Log())
