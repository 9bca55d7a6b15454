"""The attention of a temporal block: torch's own against each of the host's, at the shapes of a
clip of 16 frames, and how far each is from the same in fp64.

A temporal block attends 16 to 64 frames at every pixel: many short sequences, where the host's
choices are made for few long ones.
"""

import importlib.util

import comfy.ldm.modules.attention as host
import comfy.model_management
import torch
import torch.nn.functional as F

from benchmarks.turns import take_turns

FRAMES, HEADS = 16, 8
# of the host's functions, each with the library that it needs
NEEDS = {
    "pytorch": "torch",
    "split": "torch",
    "sub_quad": "torch",
    "xformers": "xformers",
    "sage": "sageattention",
    "flash": "flash_attn",
}


def _torch(q, k, v):
    return F.scaled_dot_product_attention(q, k, v)


def _products(q, k, v):
    """As three operations, with the matrix of weights in memory."""
    weights = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    return weights.float().softmax(dim=-1).to(v.dtype) @ v


def _host(name: str):
    """A function of the host in the form of torch's own."""
    function = getattr(host, f"attention_{name}")

    def attend(q, k, v):
        out = function(q, k, v, HEADS, skip_reshape=True)  # [S, F, heads d]
        return out.unflatten(-1, (HEADS, -1)).transpose(1, 2)

    return attend


def _error(attend, q, k, v) -> float:
    """Largest difference over the exact result's deviation."""
    exact = F.scaled_dot_product_attention(*(t.double() for t in (q, k, v)))
    return float((attend(q, k, v).double() - exact).abs().max() / exact.std())


def _compare(pixels: int, channels: int, device: torch.device, dtype: torch.dtype) -> None:
    shape = (pixels, HEADS, FRAMES, channels // HEADS)
    q, k, v = (torch.randn(shape, device=device, dtype=dtype) for _ in range(3))
    part = tuple(t[:64] for t in (q, k, v))
    print(f"{pixels} pixels, {channels} channels: torch's own, error {_error(_torch, *part):.1e}")
    installed = [name for name, library in NEEDS.items() if importlib.util.find_spec(library)]
    for name in ("products", *installed):
        attend = _products if name == "products" else _host(name)
        try:
            error = _error(attend, *part)
            turns = take_turns(
                lambda: _torch(q, k, v), lambda attend=attend: attend(q, k, v), turns=9
            )
        except Exception as error:
            print(f"  {name}: {type(error).__name__}: {str(error).splitlines()[0]}")
            continue
        print(f"  {name}, error {error:.1e}: {turns}")


def main() -> None:
    device = comfy.model_management.get_torch_device()
    dtype = torch.float32 if device.type == "cpu" else torch.float16
    side = 16 if device.type == "cpu" else 64  # 128 or 512 pixels
    print(f"{FRAMES} frames, cond and uncond, {8 * side} px, {device}, {dtype}")
    with torch.inference_mode():
        for level, channels in enumerate((320, 640, 1280)):
            _compare(2 * (side >> level) ** 2, channels, device, dtype)
