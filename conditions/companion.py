"""A network of an effect's own, in a patcher, so that moving and casting are the host's."""

from collections.abc import Callable

import comfy.model_management
import comfy.model_patcher
import comfy.ops
import torch
from torch import nn

from ..motion.formats import StateDict
from ..motion.load import storage_dtype

Make = Callable[..., nn.Module]  # takes ops, dtype and device


def companion(make: Make, tensors: StateDict) -> comfy.model_patcher.ModelPatcher:
    """Of the network that `make` makes, with these weights, stored in the dtype that the host
    would choose for a UNet."""
    dtype = storage_dtype(tensors, comfy.model_management.get_torch_device())
    return _patcher(make, tensors, dtype)


def _patcher(
    make: Make, tensors: StateDict, dtype: torch.dtype, disable_dynamic: bool = False
) -> comfy.model_patcher.ModelPatcher:
    offload_device = comfy.model_management.unet_offload_device()
    network = make(comfy.ops.manual_cast, dtype=dtype, device=offload_device)
    network.load_state_dict({key: t.to(dtype) for key, t in tensors.items()})
    network.eval().requires_grad_(False)
    patcher_class = plain = comfy.model_patcher.ModelPatcher
    if not disable_dynamic:  # newer hosts choose the class under this name
        patcher_class = getattr(comfy.model_patcher, "CoreModelPatcher", plain)
    device = comfy.model_management.get_torch_device()
    patcher = patcher_class(network, load_device=device, offload_device=offload_device)
    # how newer hosts make one for another device, or of the other class
    again = (_another, (make, network, dtype))
    patcher.cached_patcher_init = again  # type: ignore[attr-defined]
    return patcher


def _another(
    make: Make, network: nn.Module, dtype: torch.dtype, disable_dynamic: bool = False
) -> comfy.model_patcher.ModelPatcher:
    """The same weights around another network; the host has unloaded the given one before."""
    return _patcher(make, network.state_dict(), dtype, disable_dynamic)
