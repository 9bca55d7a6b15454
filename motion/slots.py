"""Scoped, parameterless slots: how a temporal block gets into the UNet and out again.

A slot is a named child of a UNet sequential for the length of one forward. It has no
parameters and stands beside the numbered layers, so the UNet's state dict is the same with it
and without it. The host hands every layer it does not know to the
`forward_timestep_embed_patch` handlers; ours routes a slot to its temporal block.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import nn

from .config import Site
from .network import MotionNetwork
from .placement import modules_behind, sequential_at

ACTIVE_KEY = "animatediff_native_active"  # in transformer_options, for the length of a forward


class ActiveMotion(NamedTuple):
    """What the slots of one motion module do in the current forward."""

    network: MotionNetwork
    frames: int
    strength: float
    hooked: bool = False  # extras hook into the network, which torch.compile would not notice


class MotionSlot(nn.Module):
    """Marks the place of one temporal block of the motion module applied `order`-th."""

    def __init__(self, order: int, site: Site):
        super().__init__()
        self.order = order
        self.site = site

    @property
    def name(self) -> str:
        return f"animatediff_{self.order}"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError(
            "This ComfyUI did not pass a motion slot to the forward_timestep_embed_patch hook. "
            "Please report it with your ComfyUI version; until then use another version."
        )


def run_slot(slot: MotionSlot, x: torch.Tensor, emb, context, transformer_options: dict, *_: Any):
    """Handler for the host's `forward_timestep_embed_patch`."""
    active: ActiveMotion = transformer_options[ACTIVE_KEY][slot.order]
    run = _run_uncompiled if active.hooked else _run
    return run(active, slot.site, x)


def _run(active: ActiveMotion, site: Site, x: torch.Tensor) -> torch.Tensor:
    return active.network.at(site)(x, active.frames, active.strength)


_run_uncompiled: Callable = torch.compiler.disable(_run)  # type: ignore[call-arg]


SLOT_PATCH = (MotionSlot, run_slot)


@contextmanager
def inserted(unet: nn.Module, slots: Iterable[MotionSlot]) -> Iterator[None]:
    """The UNet with these slots in place; afterwards, also after an exception, without them."""
    with ExitStack() as undo:
        for slot in slots:
            sequential = sequential_at(unet, slot.site)
            _insert(sequential, slot)
            undo.callback(delattr, sequential, slot.name)
        yield


def _insert(sequential: nn.Sequential, slot: MotionSlot) -> None:
    """Put the slot before the layers that run behind it, which keep their names and order."""
    children = list(sequential.named_children())
    behind = children[len(children) - modules_behind(sequential, slot.site) :]
    for name, _ in behind:
        delattr(sequential, name)
    sequential.add_module(slot.name, slot)
    for name, module in behind:
        sequential.add_module(name, module)


@contextmanager
def activated(transformer_options: dict, order: int, motion: ActiveMotion) -> Iterator[None]:
    """Tell `run_slot`, through the options of this forward, what slots of this order do."""
    active = transformer_options.setdefault(ACTIVE_KEY, {})
    active[order] = motion
    try:
        yield
    finally:
        del active[order]
        if not active:
            del transformer_options[ACTIVE_KEY]
