"""Runs stages in processes of their own, each as soon as those that it needs are done."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping

from tools.paths import REPO

POLL_SECONDS = 0.5


class StageFailed(RuntimeError):
    """A stage's process ended with another status than 0."""

    def __init__(self, name: str, status: int):
        super().__init__(
            f"stage {name} failed (exit status {status}); what it printed is above. "
            "The same command goes on from here."
        )


def run_all(
    needs: Mapping[str, Collection[str]],
    done: Collection[str],
    cores: int,
    start: Callable[[str, int], subprocess.Popen],
) -> None:
    """Start every stage that is not done, as many at a time as there are cores.

    needs: by stage, the stages that it builds on, in the order of their importance.
    start: begins a stage with so many threads. One that runs alone gets all cores; small models
        gain little from a second thread, so that stages beside each other come first.
    Raises StageFailed; the other processes are ended then, as they are by any exception.
    """
    finished, running = set(done), dict[str, subprocess.Popen]()
    waiting = [name for name in needs if name not in finished]
    try:
        while waiting or running:
            ready = [name for name in waiting if finished.issuperset(needs[name])]
            ready = ready[: cores - len(running)]
            for name in ready:
                waiting.remove(name)
                running[name] = start(name, cores // max(len(ready), len(running) + 1))
            if not running:
                raise ValueError(f"these stages need others that nothing makes: {waiting}")
            time.sleep(POLL_SECONDS)
            finished |= _ended(running)
    finally:
        for process in running.values():
            process.terminate()
            process.wait()


def start_module(name: str, *arguments: str, threads: int) -> subprocess.Popen:
    """`python -m name` with so many threads for torch."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    return subprocess.Popen([sys.executable, "-m", name, *arguments], cwd=REPO, env=environment)


def _ended(running: dict[str, subprocess.Popen]) -> set[str]:
    """Those that came to their end, taken out of the running ones."""
    ended = {name for name, process in running.items() if process.poll() is not None}
    for name in ended:
        status = running.pop(name).returncode
        if status:
            raise StageFailed(name, status)
    return ended
