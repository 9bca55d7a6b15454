"""Trajectory control files with seeded random weights, of every design; keys and shapes written
out from the format's description."""

import torch

from .motion_files import WIDTHS

DESIGNS = ("channels", "cross", "norm")
FEATURES, LATENTS, HIDDEN = 12, 4, 8
LEVELS = {"down": (0, 1, 2, 3), "up": (3, 2, 1, 0)}
BLOCKS = {"down": 2, "up": 3}


def sites(levels: int = 4):
    """Name of each fuser, and its level."""
    for block, count in BLOCKS.items():
        for number in range(levels):
            for index in range(count):
                level = number if block == "down" else levels - 1 - number
                yield f"{block}_{number}_{index}", level


def shapes(design: str, widths=WIDTHS) -> dict[str, tuple[int, ...]]:
    found = {
        "flow_encoder.conv_in.weight": (HIDDEN, 128, 3, 3),
        "flow_encoder.conv_out.weight": (LATENTS, HIDDEN, 3, 3),
        "extractor.conv_in.weight": (FEATURES, LATENTS, 3, 3),
    }
    for level in range(len(widths)):
        for j in range(2):
            block = f"extractor.levels.{level}.{j}"
            found[f"{block}.block1.weight"] = (FEATURES, FEATURES, 3, 3)
            found[f"{block}.block2.weight"] = (FEATURES, FEATURES, 1, 1)
    for name, level in sites(len(widths)):
        c = widths[level]
        found[f"fusers.{name}.mix.weight"] = (c // 4, FEATURES, 3, 3)
        layers = {
            "channels": {"project": (c, c + c // 4, 1, 1)},
            "cross": {
                "to_q": (c // 2, c),
                "to_k": (c // 2, c // 4),
                "to_v": (c // 2, c // 4),
                "to_out": (c, c // 2),
            },
            "norm": {"gamma": (c, c // 4, 3), "beta": (c, c // 4, 3)},
        }[design]
        found |= {f"fusers.{name}.{layer}.weight": shape for layer, shape in layers.items()}
    return found | {
        key.replace(".weight", ".bias"): shape[:1] for key, shape in found.items()
    }


def tensors(design: str = "norm", seed: int = 0, widths=WIDTHS) -> dict[str, torch.Tensor]:
    """Weights large enough that a path changes a clip."""
    generator = torch.Generator().manual_seed(seed)
    made = {}
    for key, shape in shapes(design, widths).items():
        drawn = torch.randn(shape, generator=generator)
        scale = 0.1 if len(shape) == 1 else drawn[0].numel() ** -0.5
        made[key] = scale * drawn
    return made
