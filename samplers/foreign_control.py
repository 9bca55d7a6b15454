"""ControlNets of another pack that choose a window's hints themselves, in a row with the host's.

They keep what they know from step to step and call whatever stands behind them in the row, so
they can be neither copied nor cut. What stands behind gets its part of a window from a stand-in,
which is there for the length of a run.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch

from .control_slicing import Policy, chooses_hints, copied_control, fitted_control
from .frame_window import FrameWindow
from .kept_hints import KeptHints
from .slicing import Entry


class RestOfChain:
    """The controls behind a foreign one, which get their part of every window."""

    def __init__(self, control: Any, hints: KeptHints):
        self.control, self._hints = control, hints
        self.previous_controlnet = control.previous_controlnet  # for whoever walks the row

    def get_control(
        self,
        x_noisy: torch.Tensor,
        t: Any,
        cond: Any,
        batched_number: int,
        transformer_options: dict[str, Any],
    ) -> Any:
        window, control = transformer_options.get("context_window"), self.control
        call = (x_noisy, t, cond, batched_number, transformer_options)
        if not isinstance(window, FrameWindow):
            return control.get_control(*call)
        with self._hints.in_use(window) as on_copy:
            return copied_control(control, window.pick, {}, on_copy).get_control(*call)


@contextmanager
def foreign_controls(
    conds: Collection[list[Entry] | None],
    frames: int,
    policy: Policy,
    hints: KeptHints,
    clips: int = 1,
) -> Iterator[None]:
    """For the length of a run: what stands behind a foreign control has a hint for every frame,
    and follows the windows."""
    rests = {id(control): (control, control.previous_controlnet) for control in _foreign(conds)}
    memo: dict[int, Any] = {}
    try:
        for control, rest in rests.values():
            if rest is not None and not chooses_hints(rest):
                fitted = fitted_control(rest, frames, policy, memo, clips)
                control.previous_controlnet = RestOfChain(fitted, hints)
        yield
    finally:
        for control, rest in rests.values():
            control.previous_controlnet = rest


def any_foreign(conds: Collection[list[Entry] | None]) -> bool:
    return next(_foreign(conds), None) is not None


def _foreign(conds: Collection[list[Entry] | None]) -> Iterator[Any]:
    """The foreign ones of all rows."""
    for entry in chain.from_iterable(entries or [] for entries in conds):
        control = entry.get("control")
        while control is not None:
            if chooses_hints(control):
                yield control
            control = control.previous_controlnet
