"""What takes part in a motion module's calls beyond its weights, attached to its patcher.

`apply.py` runs these without knowing what they are; a MotionLoRA whose strength follows the
frame is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch

from .network import MotionNetwork

if TYPE_CHECKING:
    from comfy.model_patcher import ModelPatcher

ATTACHMENT = "animatediff_native_extras"


class MotionCall(NamedTuple):
    """One call of the UNet in which a motion module takes part."""

    network: MotionNetwork
    # Frames that see each other, one list per window of the call (one in all without windows);
    # the batch holds them one after the other, once per conditioning.
    windows: Sequence[Sequence[int]]
    model_sampling: Any
    sigmas: torch.Tensor  # [batch]


class RunningExtra(Protocol):
    """An extra for the length of one sampling run; what it holds goes when it is dropped."""

    def around(self, call: MotionCall) -> AbstractContextManager[None]:
        """A context to make the call in, which leaves nothing behind."""
        ...


class Extra(Protocol):
    """Settings, the same for every run."""

    def for_run(self, frames: int) -> RunningExtra:
        """For a clip of so many frames; AnimateDiffError where that cannot work."""
        ...


def attach_extras(patcher: ModelPatcher, extras: tuple[Extra, ...]) -> None:
    """Give a patcher these extras in place of those that it has; its clones keep them."""
    patcher.set_attachments(ATTACHMENT, extras)


def extras_of(patcher: ModelPatcher) -> tuple[Extra, ...]:
    """The extras of a patcher."""
    return patcher.get_attachment(ATTACHMENT) or ()
