"""The sinusoidal position table of the temporal attention."""

import math

import torch


def sinusoidal_positions(length: int, channels: int) -> torch.Tensor:
    """[1, length, channels]: pe[p, 2i] = sin(p * 10000^(-2i/C)), pe[p, 2i+1] = cos of the same.

    Vaswani et al. 2017, section 3.5, as guoyww/AnimateDiff's `PositionalEncoding` lays it out.
    """
    position = torch.arange(length, dtype=torch.float64)[:, None]
    pair = torch.arange(0, channels, 2, dtype=torch.float64)
    angle = position * torch.exp(pair * (-math.log(10000.0) / channels))
    table = torch.empty(length, channels, dtype=torch.float64)
    table[:, 0::2] = angle.sin()
    table[:, 1::2] = angle.cos()
    return table.float()[None]
