"""The frames of one UNet call: what the host and other nodes see of a window."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from comfy.context_windows import ContextWindowABC

from .windows import Window


class FrameWindow(ContextWindowABC):
    """One window, or several of equal length side by side, of a clip along dimension 0.

    index_list: the clip's frames in this call; clip_length: how many of them belong together,
    so that a motion module sees each window by itself; context_length: the length of
    index_list, as in the host's own windows.
    """

    dim = 0

    def __init__(self, windows: Sequence[Window], frames: int):
        self.index_list = [frame for window in windows for frame in window]
        self.clip_length = len(windows[0])
        self.context_length = len(self.index_list)
        self.total_frames = frames
        first = self.index_list[0]
        self._neighbours = self.index_list == list(range(first, first + self.context_length))
        self._indices: dict[torch.device, torch.Tensor] = {}

    def pick(self, full: torch.Tensor) -> torch.Tensor:
        """This window's frames of what has one entry per frame; anything else as it is.

        Neighbouring frames are a view, others are indexed where the tensor lies.
        """
        if full.ndim == 0 or full.shape[0] != self.total_frames:
            return full
        if self._neighbours:
            return full.narrow(0, self.index_list[0], self.context_length)
        return full.index_select(0, self._index_on(full.device))

    def get_tensor(self, full: torch.Tensor, device=None, *_, **__) -> torch.Tensor:
        """The host's name for `pick`."""
        return self.pick(full).to(device)

    def add_window(self, full: torch.Tensor, to_add: torch.Tensor) -> torch.Tensor:
        """Add this window's frames to the clip's, in place."""
        if self._neighbours:
            full.narrow(0, self.index_list[0], self.context_length).add_(to_add)
        else:
            full.index_add_(0, self._index_on(full.device), to_add)
        return full

    def _index_on(self, device: torch.device) -> torch.Tensor:
        if device not in self._indices:
            self._indices[device] = torch.tensor(self.index_list, device=device)
        return self._indices[device]


class WindowShare(NamedTuple):
    """A window and its share [L, 1, 1, 1] in the fused prediction of its frames."""

    window: FrameWindow
    share: torch.Tensor


class WindowCall(NamedTuple):
    """One UNet call: the frames that go in, and the windows that they are."""

    window: FrameWindow
    parts: list[WindowShare]

    def add(self, fused: torch.Tensor, predicted: torch.Tensor) -> None:
        """fused: [F, C, h, w], added to in place; predicted: [(windows L), C, h, w]."""
        parts = predicted.split(self.window.clip_length)
        for (window, share), part in zip(self.parts, parts, strict=True):
            window.add_window(fused, part * share)
