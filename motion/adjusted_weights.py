"""A motion module with weights W' = (W + add) x multiply, all of them or those of one kind."""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum

import torch

from .load import MotionModule
from .network import TABLE


class Weights(str, Enum):
    """Which weights of a motion module."""

    ALL = "all"
    POSITIONS = "positions"
    ATTENTION = "attention"
    QUERY = "query"
    KEY = "key"
    VALUE = "value"
    OUT = "out"
    OUT_BIAS = "out bias"
    OTHER = "other"


_ENDS = {
    Weights.POSITIONS: (TABLE,),
    Weights.QUERY: (".to_q.weight",),
    Weights.KEY: (".to_k.weight",),
    Weights.VALUE: (".to_v.weight",),
    Weights.OUT: (".to_out.0.weight",),
    Weights.OUT_BIAS: (".to_out.0.bias",),
}
_ATTENTION = (Weights.QUERY, Weights.KEY, Weights.VALUE, Weights.OUT, Weights.OUT_BIAS)


def with_adjusted_weights(
    module: MotionModule, weights: Weights, add: float, multiply: float
) -> MotionModule:
    """The given module stays as it is: the host's weight patches on a clone of its patcher."""
    if add == 0 and multiply == 1:
        return module
    chosen = _choice(weights)
    patcher = module.patcher.clone()
    # of a patch, strength_model multiplies the weight, and the patch is what is added to that
    for key, weight in patcher.model.state_dict().items():
        if chosen(key):
            added = torch.tensor(add * multiply).expand(weight.shape)
            patcher.add_patches({key: (added,)}, 1.0, multiply)
    return replace(module, patcher=patcher)


def _choice(weights: Weights) -> Callable[[str], bool]:
    attention = tuple(end for kind in _ATTENTION for end in _ENDS[kind])
    if weights is Weights.ALL:
        return lambda key: True
    if weights is Weights.ATTENTION:
        return lambda key: key.endswith(attention)
    if weights is Weights.OTHER:
        return lambda key: not key.endswith((*attention, TABLE))
    return lambda key: key.endswith(_ENDS[weights])
