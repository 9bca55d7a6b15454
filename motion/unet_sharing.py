"""Frame sharing in ComfyUI's UNet, for the length of one forward.

Behind each Downsample and each Upsample the frames become fewer or more; in between, the layers
that are given something per frame beside x, which are ResBlocks and SpatialTransformers, are given
it of the frames that are there. What ControlNets add is picked before. See comfy's
`openaimodel.py`: every third of `input_blocks` is a Downsample, every third of `output_blocks` ends
with an Upsample, and skip connections lie within a resolution.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from comfy.ldm.modules.attention import SpatialTransformer
from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock
from torch import nn

from .frame_sharing import SharedFrames

BLOCKS = 3  # of `input_blocks`, and of `output_blocks`, in a resolution


def with_resolutions(unet: Any) -> Iterator[tuple[int, nn.Module]]:
    """The UNet's blocks in the order they run, each with its resolution, 0 the finest."""
    coarsest = len(unet.input_blocks) // BLOCKS - 1
    yield from ((number // BLOCKS, block) for number, block in enumerate(unet.input_blocks))
    yield coarsest, unet.middle_block
    yield from (
        (coarsest - number // BLOCKS, block) for number, block in enumerate(unet.output_blocks)
    )


@contextmanager
def sharing(unet: Any, shared: SharedFrames, batch: int) -> Iterator[None]:
    """The UNet sharing frames; afterwards, also after an exception, as it was. batch: of the
    call."""
    coarse = shared.sharing.halving_levels
    coarsest = shared.sharing.levels - 1
    with ExitStack() as undo:
        undo.callback(shared.end)

        def hook(layer: nn.Module, register: str, function, **options) -> None:
            undo.callback(getattr(layer, register)(function, **options).remove)

        for level in coarse:
            down = unet.input_blocks[BLOCKS * level][0]
            up = unet.output_blocks[BLOCKS * (coarsest - level) + BLOCKS - 1][-1]
            hook(down, "register_forward_hook", partial(_fewer, shared, level))
            hook(up, "register_forward_hook", partial(_more, shared, level))
        for level, part in with_resolutions(unet):
            if level in coarse:
                picking = partial(_picked, shared, level, batch)
                for layer in part.children():
                    if isinstance(layer, (ResBlock, SpatialTransformer)):
                        hook(layer, "register_forward_pre_hook", picking, with_kwargs=True)
        yield


def _fewer(shared: SharedFrames, level: int, _layer, _args, x: torch.Tensor) -> torch.Tensor:
    return shared.down(level, x)


def _more(shared: SharedFrames, level: int, _layer, _args, x: torch.Tensor) -> torch.Tensor:
    return shared.up(level, x)


def _picked(shared: SharedFrames, level: int, batch: int, _layer, args: tuple, kwargs: dict):
    """What a layer is given beside x: the time's embedding, or the prompt's and options."""

    def of(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return shared.pick(level, value, batch)
        return _options(shared, level, batch, value) if isinstance(value, dict) else value

    x, *beside = args
    return (x, *map(of, beside)), {name: of(value) for name, value in kwargs.items()}


def _options(shared: SharedFrames, level: int, batch: int, options: dict) -> dict:
    """With `ad_params`, which tell attention patches that have an embedding per frame (IPAdapter)
    which frames are being computed."""
    told = options.get("ad_params") or {}
    every = list(range(batch // len(options.get("cond_or_uncond") or [0])))
    places = told.get("sub_idxs") or every
    told = {"full_length": len(every), **told, "sub_idxs": shared.places(level, places)}
    return {**options, "ad_params": told}


def shared_control(unet: Any, control: Any, shared: SharedFrames, batch: int) -> Any:
    """What ControlNets add, of the frames that are computed where they add it; the lists given stay
    as they are.

    The host takes the last of a list first: of `input` for the first block of the way down, of
    `output` for the skip connection of the last one.
    """
    if not control:
        return control
    blocks = len(unet.input_blocks)
    levels = {
        "input": lambda number, count: (count - 1 - number) // BLOCKS,
        "middle": lambda number, count: shared.sharing.levels - 1,
        "output": lambda number, count: (blocks - count + number) // BLOCKS,
    }
    picked = dict(control)
    for name in levels.keys() & control.keys():
        added = control[name]
        picked[name] = [
            each if each is None else shared.pick(levels[name](number, len(added)), each, batch)
            for number, each in enumerate(added)
        ]
    return picked
