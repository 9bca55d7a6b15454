"""Stand-in v2 motion modules, in the key format of the original files."""

import math

import torch

LEVELS = 4
BASE_CHANNELS = 320
LENGTH = 32
SEED = 4
# Real modules start training at 0 and stay small: the clip changes gently from frame to frame.
PROJ_OUT_GAIN = 0.3


def motion_module(channel_mult: tuple[int, ...]) -> dict[str, torch.Tensor]:
    """21 temporal transformers: 2 per down level, 3 per up level, 1 in the middle. fp16."""
    generator = torch.Generator().manual_seed(SEED)
    channels = [BASE_CHANNELS * mult for mult in channel_mult]
    places = {"mid_block.motion_modules.0": channels[-1]}
    for level in range(LEVELS):
        for index in range(2):
            places[f"down_blocks.{level}.motion_modules.{index}"] = channels[level]
        for index in range(3):
            places[f"up_blocks.{level}.motion_modules.{index}"] = channels[LEVELS - 1 - level]
    weights = {}
    for place, width in places.items():
        for key, value in _temporal_transformer(width, generator).items():
            weights[f"{place}.temporal_transformer.{key}"] = value.half()
    return weights


def _temporal_transformer(width: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = {}

    def norm(name: str) -> None:
        weights[f"{name}.weight"] = torch.ones(width)
        weights[f"{name}.bias"] = torch.zeros(width)

    def linear(name: str, rows: int, columns: int, *, bias: bool = True, gain: float = 1.0) -> None:
        std = gain / math.sqrt(columns)
        weights[f"{name}.weight"] = torch.randn(rows, columns, generator=generator).mul_(std)
        if bias:
            weights[f"{name}.bias"] = torch.zeros(rows)

    norm("norm")
    linear("proj_in", width, width)
    for index in range(2):
        attention = f"transformer_blocks.0.attention_blocks.{index}"
        for name in ("to_q", "to_k", "to_v"):
            linear(f"{attention}.{name}", width, width, bias=False)
        linear(f"{attention}.to_out.0", width, width)
        weights[f"{attention}.pos_encoder.pe"] = _positions(width)
        norm(f"transformer_blocks.0.norms.{index}")
    linear("transformer_blocks.0.ff.net.0.proj", 8 * width, width)
    linear("transformer_blocks.0.ff.net.2", width, 4 * width)
    norm("transformer_blocks.0.ff_norm")
    linear("proj_out", width, width, gain=PROJ_OUT_GAIN)
    return weights


def _positions(width: int) -> torch.Tensor:
    """[1, LENGTH, width]: sines in even channels, cosines of the same angles in odd ones."""
    rates = torch.exp(-math.log(10000.0) * torch.arange(0, width, 2) / width)
    angles = torch.arange(LENGTH)[:, None] * rates
    return torch.stack((angles.sin(), angles.cos()), dim=-1).reshape(1, LENGTH, width)
