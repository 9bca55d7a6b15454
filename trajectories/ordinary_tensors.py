"""Autograd in the middle of a run: tensors of the host's inference mode, as what it can save.

The host loads weights and samples in torch's inference mode, and autograd saves no tensor that was
made there. A view on the same memory that is made outside can be saved. Every torch function that
is given such a tensor while the mode is on sees the view in its place: no module is touched, and
nothing is copied.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode

PLAIN = (torch.Tensor, torch.nn.Parameter)  # a tensor of another kind may be more than its memory


class OrdinaryTensors(TorchFunctionMode):
    """For the length of a `with`, within torch.inference_mode(False)."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if getattr(func, "__name__", "") == "__get__":  # shapes, devices and the like
            return func(*args, **(kwargs or {}))
        return func(*ordinary(args), **{name: ordinary(v) for name, v in (kwargs or {}).items()})


def ordinary(value: Any) -> Any:
    """The same with views in place of the tensors of inference mode, in lists and tuples too; and
    of weights that would be trained."""
    if type(value) in PLAIN:
        trained = isinstance(value, torch.nn.Parameter) and value.requires_grad
        return _same_memory(value) if trained or value.is_inference() else value
    if type(value) in (tuple, list):
        return type(value)(ordinary(each) for each in value)
    return value


def _same_memory(tensor: torch.Tensor) -> torch.Tensor:
    view = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
    return view.set_(
        tensor.untyped_storage(), tensor.storage_offset(), tensor.size(), tensor.stride()
    )
