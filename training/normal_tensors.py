"""Weights that ComfyUI loaded in inference mode, made fit for autograd without a copy.

The host runs nodes in torch's inference mode, and autograd cannot save a tensor that was made
there. A view on the same memory that is made outside can be saved.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def normal_tensors(modules: Iterable[nn.Module]) -> Iterator[None]:
    """The modules with ordinary tensors over the same memory; afterwards with their own.

    The values are neither copied nor changed. The host must not move the modules meanwhile.
    """
    swapped: list[tuple[dict, str, torch.Tensor]] = []
    try:
        for module in modules:
            for layer in module.modules():
                for tensors in (layer._parameters, layer._buffers):
                    _swap(tensors, swapped)
        yield
    finally:
        for tensors, name, own in swapped:
            tensors[name] = own


def _swap(tensors: dict, swapped: list) -> None:
    for name, own in list(tensors.items()):
        if own is not None and (own.is_inference() or own.requires_grad):
            swapped.append((tensors, name, own))
            view = _same_memory(own)
            is_parameter = isinstance(own, nn.Parameter)
            tensors[name] = nn.Parameter(view, requires_grad=False) if is_parameter else view


def _same_memory(tensor: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode(False):
        view = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
        return view.set_(
            tensor.untyped_storage(),
            tensor.storage_offset(),
            tensor.size(),
            tensor.stride(),
        )
