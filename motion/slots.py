"""Scoped, parameterless slots: how a temporal block gets into a sequential and out again.

A slot is a named child of a sequential for the length of one forward. It has no parameters and
stands beside the numbered layers, so the model's state dict is the same with it and without it.
The host hands every layer it does not know to the `forward_timestep_embed_patch` handlers; ours
routes a slot to its temporal block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import nn

from .block import PLAIN, SharingSite
from .call import MotionCall, SiteCall
from .config import ENTRY, Site
from .effects import CallEffects
from .frame_sharing import FrameSharing

ACTIVE_KEY = "animatediff_native_active"  # in transformer_options, for the length of a forward
SLOT_HOOK = "forward_timestep_embed_patch"


class ActiveMotion(NamedTuple):
    """What the slots of one motion module do in the current forward."""

    call: MotionCall
    strength: float
    effects: CallEffects

    def sharing(self, sharing: FrameSharing) -> ActiveMotion:
        """The same in a call in which the UNet's deep levels share frames."""
        return self._replace(call=replace(self.call, sharing=sharing))


class MotionSlot(nn.Module):
    """Marks the place of one temporal block of one application of a motion module."""

    def __init__(self, application: str, site: Site):
        super().__init__()
        self.application = application
        self.site = site
        self.name = f"animatediff_{application}"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError(
            "This ComfyUI did not pass a motion slot to the forward_timestep_embed_patch hook. "
            "Please report it with your ComfyUI version; until then use another version."
        )


def run_slot(slot: MotionSlot, x: torch.Tensor, emb, context, transformer_options: dict, *_: Any):
    """Handler for the host's `forward_timestep_embed_patch`."""
    active: ActiveMotion = transformer_options[ACTIVE_KEY][slot.application]
    run = _run_with_effects if active.effects else _run_plain
    return run(active, slot.site, x)


SLOT_PATCH = (MotionSlot, run_slot)


def _run_plain(active: ActiveMotion, site: Site, x: torch.Tensor) -> torch.Tensor:
    block, there = active.call.network.at(site), active.call.at_hand_at(site)
    at = PLAIN if there.step == 1 else SharingSite(there.step)
    return block(x, len(there), active.strength, at)


def _at_the_points(active: ActiveMotion, site: Site, x: torch.Tensor) -> torch.Tensor:
    if site == ENTRY:
        for effect in active.effects.entry:
            x = effect.entry(active.call, x)
        return x
    call, there = active.call, active.call.at_hand_at(site)
    view = None if there.step == 1 else tuple(there)
    at = SiteCall(call, site, x.shape[-2], x.shape[-1], active.effects, view=view)
    x = at.before(x)
    strength = active.strength * at.strength()
    if not isinstance(strength, torch.Tensor) and strength == 0:
        return at.after(x, x)
    return at.after(x, call.network.at(site)(x, len(there), strength, at))


# An effect is another one in every run, and torch.compile would compile for each anew.
_run_with_effects: Callable = torch.compiler.disable(_at_the_points)  # type: ignore[call-arg]


class Spot(NamedTuple):
    """A place in a sequential: before its last `behind` layers."""

    sequential: nn.Sequential
    behind: int


@contextmanager
def inserted(slots: Iterable[tuple[MotionSlot, Spot]]) -> Iterator[None]:
    """The slots at their spots; afterwards, also after an exception, gone."""
    with ExitStack() as undo:
        for slot, spot in slots:
            _insert(slot, spot)
            undo.callback(delattr, spot.sequential, slot.name)
        yield


def _insert(slot: MotionSlot, spot: Spot) -> None:
    """Put the slot before the layers that run behind it, which keep their names and order."""
    children = list(spot.sequential.named_children())
    behind = children[len(children) - spot.behind :]
    for name, _ in behind:
        delattr(spot.sequential, name)
    spot.sequential.add_module(slot.name, slot)
    for name, module in behind:
        spot.sequential.add_module(name, module)
