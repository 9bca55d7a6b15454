"""What the host makes of a ControlNet's hints, kept by frame for the length of a run.

The host resizes the hints of a control once (for some it encodes them), and runs a T2I-Adapter's
network once, because the control keeps the result. A window gets new copies of its controls in
every step: what the host made for one is kept here, where the hints lie, and given to the later
ones that see the same frames.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import comfy.model_management
import torch

from .control_slicing import OnCopy
from .frame_window import FrameWindow

MOST_MEMORY = 1 / 4  # of what is free there; what would take more is made anew each time
Made = dict[str, list[torch.Tensor | None]]  # a control's residuals, as the host has them


class KeptHints:
    """The kept hints of a run's controls; copies for other devices are controls of their own."""

    def __init__(self):
        self._controls: dict[int, _ControlHints] = {}

    @contextmanager
    def in_use(self, window: FrameWindow) -> Iterator[OnCopy]:
        """Around one model call: what is to be told of every control and its copy."""
        given: list[tuple[_ControlHints, Any]] = []

        def on_copy(control: Any, copied: Any) -> None:
            if isinstance(control.cond_hint_original, torch.Tensor):
                hints = self._controls.setdefault(id(control), _ControlHints(control, window))
                hints.give(copied, window)
                given.append((hints, copied))

        yield on_copy
        for hints, copied in given:
            hints.take(copied, window)


class _ControlHints:
    """Of one control: its hints as its network takes them, and an adapter's residuals."""

    def __init__(self, control: Any, window: FrameWindow):
        self.control = control  # held, so that its id stays its own
        original = control.cond_hint_original
        frames = 1 if original.shape[0] == 1 else window.total_frames
        self._hints = _Rows(frames, original.device)
        self._residuals = _Residuals(frames, original.device)

    def give(self, copied: Any, window: FrameWindow) -> None:
        copied.cond_hint = self._hints.of(window)
        if hasattr(copied, "t2i_model"):
            copied.t2i_model = _AdapterInWindow(copied.t2i_model, self._residuals, window)

    def take(self, copied: Any, window: FrameWindow) -> None:
        hints = copied.cond_hint
        if isinstance(hints, torch.Tensor) and not self._hints.has(window, hints):
            self._hints.keep(window, hints)


class _AdapterInWindow:
    """A T2I-Adapter's network, as far as the host uses it, which runs only for new frames."""

    def __init__(self, network: Any, residuals: "_Residuals", window: FrameWindow):
        self._network, self._residuals, self._window = network, residuals, window
        self._wanted: list[Any] = []  # where the host wants the network, once it has to run

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def to(self, wanted: Any) -> "_AdapterInWindow":
        self._wanted.append(wanted)
        return self

    def cpu(self) -> "_AdapterInWindow":
        self._wanted.clear()
        return self

    def __call__(self, hints: torch.Tensor) -> Made:
        """hints: [(conds L), C, H, W]."""
        known = self._residuals.of(self._window, hints)
        if known is not None:
            return known
        for wanted in self._wanted:
            self._network.to(wanted)
        made = self._network(hints)
        self._network.cpu()
        self._residuals.keep(self._window, hints, made)
        return made


class _Residuals:
    """A T2I-Adapter's, which depend on nothing but the hints."""

    def __init__(self, frames: int, place: torch.device):
        self._frames, self._place = frames, place
        self._rows: dict[str, list[_Rows | None]] = {}
        self._hints: tuple | None = None  # shape and dtype of the hints that they were made of

    def of(self, window: FrameWindow, hints: torch.Tensor) -> Made | None:
        rows = [row for level in self._rows.values() for row in level if row is not None]
        if self._hints != _kind(hints) or not all(row.has(window) for row in rows):
            return None
        return {
            key: [None if row is None else row.of(window, hints.shape[0]) for row in level]
            for key, level in self._rows.items()
        }

    def keep(self, window: FrameWindow, hints: torch.Tensor, made: Made) -> None:
        if self._hints != _kind(hints):
            tensors = [tensor for level in made.values() for tensor in level if tensor is not None]
            if not _have_room(tensors, self._frames, self._place):
                return
            self._hints = _kind(hints)
            self._rows = {
                key: [None if tensor is None else self._no_rows() for tensor in level]
                for key, level in made.items()
            }
        for key, level in self._rows.items():
            for row, tensor in zip(level, made[key], strict=True):
                if row is not None and tensor is not None:
                    row.keep(window, tensor)

    def _no_rows(self) -> "_Rows":
        return _Rows(self._frames, self._place)


class _Rows:
    """[F, ...] that becomes known window by window; F is 1 where all frames share one row."""

    def __init__(self, frames: int, place: torch.device):
        self._frames, self._place = frames, place
        self._all: torch.Tensor | None = None
        self._known: set[int] = set()
        self._device = place  # where it is used

    def has(self, window: FrameWindow, like: torch.Tensor | None = None) -> bool:
        if self._all is None or (like is not None and _kind(self._all) != _kind(like)):
            return False
        return self._known.issuperset(self._frames_of(window))

    def of(self, window: FrameWindow, count: int | None = None) -> torch.Tensor | None:
        """The window's rows, again and again up to count; None where one is not known."""
        if self._all is None or not self.has(window):
            return None
        rows = self._all if self._frames == 1 else window.pick(self._all)
        rows = rows.to(self._device)
        times = 1 if count is None else count // rows.shape[0]
        return rows if times == 1 else torch.cat([rows] * times)

    def keep(self, window: FrameWindow, rows: torch.Tensor) -> None:
        """rows: the window's, once or once per conditioning; anything else is not kept."""
        frames = self._frames_of(window)
        if rows.shape[0] % len(frames):
            return
        if self._all is None or _kind(self._all) != _kind(rows):
            if not _have_room([rows], self._frames, self._place):
                return
            self._known.clear()
            self._all = rows.new_empty([self._frames, *rows.shape[1:]], device=self._place)
        self._device = rows.device
        self._all[frames] = rows[: len(frames)].to(self._place)
        self._known.update(frames)

    def _frames_of(self, window: FrameWindow) -> list[int]:
        return [0] if self._frames == 1 else window.index_list


def _kind(rows: torch.Tensor) -> tuple:
    return rows.shape[1:], rows.dtype


def _have_room(rows: Sequence[torch.Tensor], frames: int, place: torch.device) -> bool:
    needed = sum(row[0].nbytes for row in rows) * frames
    free: Any = comfy.model_management.get_free_memory(place)
    return needed <= MOST_MEMORY * free
