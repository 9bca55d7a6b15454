"""A network of ours in a patcher of its own, so that moving and casting are the host's."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import comfy.model_management
import comfy.model_patcher
import comfy.ops
import comfy.utils
import torch

Tensors = Mapping[str, torch.Tensor]


class Network(Protocol):
    """What a module has to have beside what torch's have."""

    def take(self, tensors: Tensors, assign: bool = False) -> None:
        """Copies of the tensors of a file, under its names; assign: the tensors themselves."""

    def as_in_files(self) -> dict[str, torch.Tensor]:
        """The weights under the names of files."""
        ...


Make = Callable[..., Any]  # a Network that is a module; takes ops, dtype and device


def managed(
    make: Make, tensors: Tensors, dtype: torch.dtype | None = None, disable_dynamic: bool = False
) -> comfy.model_patcher.ModelPatcher:
    """The network with these weights.

    dtype: what to store the weights in; the host's choice where none is given. disable_dynamic:
    the host's plain patcher, also where it has dynamic VRAM.
    """
    device = comfy.model_management.get_torch_device()
    offload_device = comfy.model_management.unet_offload_device()
    dtype = dtype or storage_dtype(tensors, device)
    network = make(comfy.ops.manual_cast, dtype=dtype, device=offload_device)
    make_patcher = plain = comfy.model_patcher.ModelPatcher
    if not disable_dynamic:  # newer hosts choose the class under this name
        make_patcher = getattr(comfy.model_patcher, "CoreModelPatcher", plain)
    # A dynamic patcher reads weights out of the file when they are needed, casts them on the
    # device and never changes them; a copy would lie in memory in the file's dtype.
    network.take(tensors, assign=make_patcher is not plain)
    network.eval().requires_grad_(False)
    patcher = make_patcher(network, load_device=device, offload_device=offload_device)
    # how newer hosts make one for another device, or of the other class
    patcher.cached_patcher_init = (_again, (make, network, dtype))  # type: ignore[attr-defined]
    return patcher


def _again(
    make: Make, network: Network, dtype: torch.dtype, disable_dynamic: bool = False
) -> comfy.model_patcher.ModelPatcher:
    """The same weights around another network; the host has unloaded the given one before."""
    return managed(make, network.as_in_files(), dtype, disable_dynamic)


def storage_dtype(tensors: Tensors, device: torch.device) -> torch.dtype:
    """The dtype that the host would store a UNet with these weights in, on this device."""
    return comfy.model_management.unet_dtype(
        device=device,
        model_params=sum(t.numel() for t in tensors.values()),
        weight_dtype=comfy.utils.weight_dtype(tensors),
    )
