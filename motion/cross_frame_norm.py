"""v1's and HotshotXL's group norms: statistics over all frames of a clip.

With `use_inflated_groupnorm: false` (v1) the reference applies the resnet norms and
`conv_norm_out` to [b, C, f, h, w], so their statistics pool over f as well
(guoyww/AnimateDiff `resnet.py`, `unet.py`); so does HotshotXL (hotshotco/Hotshot-XL `resnet.py`,
`unet.py`). The norms of the spatial transformers are per frame in every version, those of the
motion modules in all but SDXL beta (MotionConfig.own_norm_over_frames).
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache

import torch
from torch import nn

JOIN, SPLIT = "animatediff_join_frames", "animatediff_split_frames"


class JoinFrames(nn.Module):
    """[(b f), C, h, w] -> [b, C, f, h, w], in front of a norm."""

    def __init__(self, frames: int):
        super().__init__()
        self.frames = frames

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(0, (-1, self.frames)).transpose(1, 2)


class SplitFrames(nn.Module):
    """[b, C, f, h, w] -> [(b f), C, h, w], behind it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.transpose(1, 2).flatten(0, 1)


# Without parameters or state, one object serves every norm; the same object at every call
# keeps torch.compile from compiling again.
_join_frames = lru_cache(JoinFrames)
_split_frames = lru_cache(SplitFrames)


@contextmanager
def pooling(sequentials: Iterable[tuple[nn.Sequential, int]]) -> Iterator[None]:
    """The norm that each of these begins with pools over so many frames in the context.

    Parameterless layers before and behind each norm reshape its input; state-dict keys stay as
    they are. Nested contexts pool once.
    """
    with ExitStack() as undo:
        for sequential, frames in sequentials:
            if not hasattr(sequential, JOIN):
                undo.callback(_remove, sequential)
                _insert(sequential, frames)
        yield


def _insert(sequential: nn.Sequential, frames: int) -> None:
    """Add the two layers around the first one; all others keep their names and order."""
    (first, norm), *behind = sequential.named_children()
    for name, _ in ((first, norm), *behind):
        delattr(sequential, name)
    for name, layer in (
        (JOIN, _join_frames(frames)),
        (first, norm),
        (SPLIT, _split_frames()),
        *behind,
    ):
        sequential.add_module(name, layer)


def _remove(sequential: nn.Sequential) -> None:
    delattr(sequential, JOIN)
    delattr(sequential, SPLIT)
