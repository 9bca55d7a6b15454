"""CameraCtrl files with seeded random weights, in both published forms; keys and shapes written
from hehao13/CameraCtrl's classes and configuration."""

import torch
from animatediff_native.motion.positions import sinusoidal_positions

from .motion_files import WIDTHS, sites

ROWS = 16


def shapes(widths=WIDTHS, rows: int = ROWS) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {
        "encoder_conv_in.weight": (widths[0], 384, 3, 3),
        "encoder_conv_in.bias": (widths[0],),
    }
    for level, c in enumerate(widths):
        for j in range(2):
            conv = f"encoder_down_conv_blocks.{level}.{j}"
            before = widths[level - 1] if level and j == 0 else c
            if before != c:
                found |= {f"{conv}.in_conv.weight": (c, before, 1, 1), f"{conv}.in_conv.bias": (c,)}
            found |= {f"{conv}.block1.weight": (c, c, 3, 3), f"{conv}.block1.bias": (c,)}
            found |= {f"{conv}.block2.weight": (c, c, 1, 1), f"{conv}.block2.bias": (c,)}
            block = f"encoder_down_attention_blocks.{level}.{j}"
            attention = f"{block}.attention_blocks.0"
            found |= {f"{attention}.to_{x}.weight": (c, c) for x in ("q", "k", "v", "out.0")}
            found[f"{attention}.to_out.0.bias"] = (c,)
            found[f"{attention}.pos_encoder.pe"] = (1, rows, c)
            found |= {f"{block}.ff.net.0.proj.weight": (8 * c, c)}
            found |= {f"{block}.ff.net.0.proj.bias": (8 * c,)}
            found |= {f"{block}.ff.net.2.weight": (c, 4 * c), f"{block}.ff.net.2.bias": (c,)}
            for norm in ("norms.0", "ff_norm"):
                found |= {f"{block}.{norm}.weight": (c,), f"{block}.{norm}.bias": (c,)}
    for site, level in sites(mid_block=False, levels=len(widths)):
        inside = "temporal_transformer.transformer_blocks.0.attention_blocks.0.processor.qkv_merge"
        c = widths[level]
        found |= {f"{site}.{inside}.weight": (c, c), f"{site}.{inside}.bias": (c,)}
    return found


def flat(seed: int = 0, widths=WIDTHS, rows: int = ROWS) -> dict[str, torch.Tensor]:
    """As Kosinkadink/CameraCtrl has it; weights large enough that the camera changes a clip."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for key, shape in shapes(widths, rows).items():
        drawn = torch.randn(shape, generator=generator)
        if key.endswith(".pe"):
            tensors[key] = sinusoidal_positions(*shape[1:])
        elif len(shape) > 1:
            tensors[key] = drawn * drawn[0].numel() ** -0.5
        else:
            one = 1.0 if "norm" in key and key.endswith("weight") else 0.0
            tensors[key] = one + 0.1 * drawn
    return tensors


def of_two(tensors: dict[str, torch.Tensor]) -> dict:
    """The same as hehao13/CameraCtrl saves it."""
    encoder = {key: t for key, t in tensors.items() if key.startswith("encoder_")}
    merges = {key: t for key, t in tensors.items() if not key.startswith("encoder_")}
    return {
        "epoch": 3,
        "global_step": 25000,
        "pose_encoder_state_dict": encoder,
        "attention_processor_state_dict": merges,
    }
