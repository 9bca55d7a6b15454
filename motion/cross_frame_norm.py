"""v1's group norms: statistics over all frames of a clip.

With `use_inflated_groupnorm: false` (v1) the reference applies the resnet norms and
`conv_norm_out` to [b, C, f, h, w], so their statistics pool over f as well
(guoyww/AnimateDiff `resnet.py`, `unet.py`). The norms of the spatial transformers and of the
motion modules are per frame in every version.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock
from torch import nn


def pooled_norms(unet: nn.Module) -> list[nn.Module]:
    """The norms that v1 pools over the frames: both of each ResBlock, and the last one."""
    resblocks = [module for module in unet.modules() if isinstance(module, ResBlock)]
    norms = [norm for block in resblocks for norm in (block.in_layers[0], block.out_layers[0])]
    return [*norms, unet.out[0]]  # type: ignore[index]


@contextmanager
def cross_frame_norms(unet: nn.Module, frames: int) -> Iterator[None]:
    """These norms pool over `frames` frames through forward hooks that end with the context."""

    def join_frames(_norm: nn.Module, args: tuple[torch.Tensor, ...]):
        x, *rest = args
        return (x.unflatten(0, (-1, frames)).transpose(1, 2), *rest)

    def split_frames(_norm: nn.Module, _args: tuple, out: torch.Tensor):
        return out.transpose(1, 2).flatten(0, 1)

    with ExitStack() as undo:
        for norm in pooled_norms(unet):
            undo.callback(norm.register_forward_pre_hook(join_frames).remove)
            undo.callback(norm.register_forward_hook(split_frames).remove)
        yield
