"""Conditionings whose last ControlNet has another strength in every frame."""

import copy
from collections.abc import Sequence
from typing import Any

import torch

from ..motion.errors import AnimateDiffError
from .control_slicing import CLONES, chooses_hints
from .control_strength import FrameControlStrength

EXPECTED = "a prompt that comes from Apply ControlNet"
Conditioning = list[list[Any]]  # in the host's form: [embedding, settings] each


def with_control_strengths(
    conditionings: Sequence[Conditioning], values: Sequence[float]
) -> list[Conditioning]:
    """Conditionings whose last ControlNets are copies with their strength times these values, one
    per frame or one for all. Those that share a ControlNet share its copy."""
    if not any("control" in settings for each in conditionings for _, settings in each):
        raise AnimateDiffError(
            "the prompt has no ControlNet.", EXPECTED, "put Apply ControlNet before this node."
        )
    memo: dict[int, Any] = {}
    return [
        [[embedding, _changed(settings, values, memo)] for embedding, settings in each]
        for each in conditionings
    ]


def _changed(settings: dict[str, Any], values: Sequence[float], memo: dict[int, Any]) -> dict:
    control = settings.get("control")
    if control is None:
        return settings
    if id(control) not in memo:
        memo[id(control)] = _scaled(control, values)
    return {**settings, "control": memo[id(control)]}


def _scaled(control: Any, values: Sequence[float]) -> Any:
    """A copy of this one; the row behind it is the same. The host's copy() would drop the row."""
    if chooses_hints(control):
        raise AnimateDiffError(
            "the ControlNet that was applied last is one of Advanced-ControlNet.",
            "a ControlNet that was applied by ComfyUI's own node",
            "give Latent Keyframe From List the numbers and connect it to Timestep Keyframe, or "
            "load and apply the ControlNet by ComfyUI's own nodes.",
        )
    copied = copy.copy(control)
    copied.strength = _times(control.strength, values)
    if hasattr(control, CLONES):
        setattr(copied, CLONES, {})  # those have the strength that was; the host makes new ones
    return copied


def _times(strength: float, values: Sequence[float]) -> float:
    factors = torch.tensor(values, dtype=torch.float64)
    if isinstance(strength, FrameControlStrength):
        return strength.times(factors)
    if len(values) == 1:
        return strength * values[0]
    return FrameControlStrength(factors * strength)
