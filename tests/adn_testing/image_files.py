"""Files of motion modules that begin with a picture, with seeded random weights, and such modules
in memory."""

import torch
from animatediff_native.motion.detect import read_beside, read_motion_module
from animatediff_native.motion.load import MotionModule, build_patcher

from .motion_files import WIDTHS, original


def convs(shapes: dict[str, tuple[int, ...]], seed: int, scale: float) -> dict[str, torch.Tensor]:
    """Weights that keep about `scale` of their input's deviation."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for key, shape in shapes.items():
        fan_in = torch.Size(shape[1:]).numel()
        deviation = 0.1 if len(shape) == 1 else scale * fan_in**-0.5
        tensors[key] = torch.randn(shape, generator=generator) * deviation
    return tensors


def pia_conv_in(width: int = WIDTHS[0], seed: int = 7, scale: float = 1.0):
    shapes = {"conv_in.weight": (width, 9, 3, 3), "conv_in.bias": (width,)}
    return convs(shapes, seed, scale)


def pia(seed: int = 0, widths=WIDTHS) -> dict[str, torch.Tensor]:
    """As pia.ckpt: 20 modules, a table of 32 rows, the first layer of 9 channels."""
    return {**original("v3", seed, widths), **pia_conv_in(widths[0])}


def encoder(widths=WIDTHS, seed: int = 8, scale: float = 0.7) -> dict[str, torch.Tensor]:
    """AnimateLCM-I2V's image encoder, key by key as its authors' class makes it."""
    a, b, c, d = widths
    shapes = {"conv_in.weight": (a, 4, 3, 3), "conv_in.bias": (a,)}
    for number, (given, made) in enumerate(
        [(a, a), (a, a), (a, b), (b, b), (b, c), (c, c), (c, d), (d, d)]
    ):
        if given != made:
            shapes[f"body.{number}.in_conv.weight"] = (made, given, 1, 1)
            shapes[f"body.{number}.in_conv.bias"] = (made,)
        shapes[f"body.{number}.block1.weight"] = (made, made, 3, 3)
        shapes[f"body.{number}.block1.bias"] = (made,)
        shapes[f"body.{number}.block2.weight"] = (made, made, 1, 1)
        shapes[f"body.{number}.block2.bias"] = (made,)
    return {f"img_encoder.{key}": tensor for key, tensor in convs(shapes, seed, scale).items()}


def i2v(seed: int = 0, widths=WIDTHS) -> dict[str, torch.Tensor]:
    """As AnimateLCM_sd15_i2v.ckpt: 21 modules without a table, and the encoder."""
    return {**original("AnimateLCM", seed, widths), **encoder(widths)}


def module_of(tensors: dict[str, torch.Tensor], file: str) -> MotionModule:
    """In memory, as load_motion_module makes it of a file."""
    config, complete = read_motion_module(tensors, file)
    own = read_beside(tensors, config, file)
    return MotionModule(file, config, build_patcher(config, complete), beside=own)


def picture(height: int = 64, width: int = 64, seed: int = 9, count: int = 1) -> torch.Tensor:
    """[count, H, W, 3] in 0..1."""
    return torch.rand(count, height, width, 3, generator=torch.Generator().manual_seed(seed))
