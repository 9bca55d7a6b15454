"""Which strengths the sequences have that a temporal transformer is working on.

It takes the pixels of all clips of a call, in the order [clips, h, w], a slice at a time. With
one window in the call every sequence has the same strengths; with several it depends on the
clip that a sequence comes from.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Protocol

import torch
from torch import nn


class CallStrengths(Protocol):
    """The strengths of one call of the UNet."""

    def now(self) -> torch.Tensor:
        """For the slice at work: [frames, uses], or [sequences, frames, uses]."""
        ...

    def watching(self, transformer: nn.Module) -> AbstractContextManager[None]:
        """Knows, within this context, which slice a temporal transformer is working on."""
        ...


class OneWindow:
    """Every sequence has the same strengths, [frames, uses]."""

    def __init__(self, strengths: torch.Tensor):
        self.strengths = strengths

    def now(self) -> torch.Tensor:
        return self.strengths

    def watching(self, transformer: nn.Module) -> AbstractContextManager[None]:
        return nullcontext()


class SeveralWindows:
    """Strengths [windows, frames, uses]; clip i of the batch is of window i % windows."""

    def __init__(self, strengths: torch.Tensor):
        self.strengths = strengths
        self.pixels = 1  # of a frame
        self.first, self.behind_last = 0, 0  # sequences of the slice at work

    def now(self) -> torch.Tensor:
        sequences = torch.arange(self.first, self.behind_last, device=self.strengths.device)
        windows = sequences.div(self.pixels, rounding_mode="floor") % self.strengths.shape[0]
        return self.strengths[windows]

    @contextmanager
    def watching(self, transformer: nn.Module) -> Iterator[None]:
        """The first to see each slice is proj_in."""
        with ExitStack() as undo:
            undo.callback(transformer.register_forward_pre_hook(self._begin).remove)
            proj_in: nn.Module = transformer.proj_in  # type: ignore[assignment]
            undo.callback(proj_in.register_forward_pre_hook(self._advance).remove)
            yield

    def _begin(self, _transformer: nn.Module, args: tuple) -> None:
        """args: (x [(clips frames), C, h, w], ...)."""
        self.pixels = args[0].shape[-2] * args[0].shape[-1]
        self.behind_last = 0

    def _advance(self, _proj_in: nn.Module, args: tuple) -> None:
        """args: (tokens [sequences, frames, C],)."""
        self.first, self.behind_last = self.behind_last, self.behind_last + args[0].shape[0]
