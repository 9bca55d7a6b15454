"""Models that were compiled run as they are written, for as long as somebody needs that."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

_lock = threading.Lock()
_users = 0
_stance = ExitStack()  # torch's own, one for all: a guider can run devices side by side


@contextmanager
def uncompiled() -> Iterator[None]:
    """torch.compile passes over hooks that a layer had not yet when it was compiled."""
    _begin()
    try:
        yield
    finally:
        _end()


def _begin() -> None:
    global _users
    set_stance: Any = getattr(torch.compiler, "set_stance", None)  # from torch 2.6
    with _lock:
        _users += 1
        if _users == 1 and set_stance is not None:
            _stance.enter_context(set_stance("force_eager"))


def _end() -> None:
    global _users
    with _lock:
        _users -= 1
        if _users == 0:
            _stance.close()
