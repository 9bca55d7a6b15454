"""Gradient checkpointing: activations are computed again in the backward pass, not kept
(Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost")."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from comfy.ldm.modules.attention import SpatialTransformer
from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock
from torch import nn
from torch.utils.checkpoint import checkpoint

from ..motion.block import TemporalTransformer

LAYERS = (ResBlock, SpatialTransformer, TemporalTransformer)


@contextmanager
def checkpointed(modules: Iterable[nn.Module]) -> Iterator[None]:
    """The layers inside that keep the most, checkpointed; afterwards as they were.

    An attribute of the instance stands before the class's `forward` and is deleted again.
    """
    with ExitStack() as undo:
        for module in modules:
            for layer in module.modules():
                if isinstance(layer, LAYERS) and "forward" not in vars(layer):
                    layer.forward = partial(_checkpointed, layer.forward)
                    undo.callback(delattr, layer, "forward")
        yield


def _checkpointed(forward: Callable, *args, **kwargs):
    """Called again with the options that it was called with: the host writes into them, from
    layer to layer, in which block it is, and that decides which patches of attention apply."""
    return checkpoint(
        forward,
        *map(_as_it_is, args),
        use_reentrant=False,
        preserve_rng_state=False,
        **{name: _as_it_is(value) for name, value in kwargs.items()},
    )


def _as_it_is(argument: Any) -> Any:
    return dict(argument) if isinstance(argument, dict) else argument
