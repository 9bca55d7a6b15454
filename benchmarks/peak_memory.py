"""The most memory that a run takes, of the accelerator or else of the process."""

import ctypes
import gc
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import torch

EVERY = 0.005  # seconds between two looks at the process
MIB = 1 << 20


def peak_mib(run: Callable[[], object]) -> float:
    """MiB taken during the run beyond what was taken before it."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        torch.cuda.synchronize()
        return (torch.cuda.max_memory_allocated() - before) / MIB
    return _peak_of_process(run)


def release_freed_memory() -> None:
    """Give what the C library holds for reuse back to the system, or growth would hide in it."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def _peak_of_process(run: Callable[[], object]) -> float:
    before = peak = _resident()
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(EVERY):
            peak = max(peak, _resident())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        run()
    finally:
        done.set()
        watcher.join()
    return (max(peak, _resident()) - before) / MIB


def _resident() -> int:
    """Bytes of the process in memory (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
