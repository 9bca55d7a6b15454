"""Motion modules with seeded random weights, in every published layout."""

import torch
from animatediff_native.motion.positions import sinusoidal_positions

WIDTHS = (32, 64, 128, 128)  # channels per level, as SD1.5's 320, 640, 1280, 1280
TABLE_LENGTH = {"v1": 24, "v2": 32, "v3": 32, "AnimateLCM": 64}


def sites(mid_block: bool, levels: int = 4) -> list[tuple[str, int]]:
    """Key prefix and level of every motion module, as the original files number them."""
    down = [(f"down_blocks.{b}.motion_modules.{m}", b) for b in range(levels) for m in range(2)]
    up = [
        (f"up_blocks.{b}.motion_modules.{m}", levels - 1 - b)
        for b in range(levels)
        for m in range(3)
    ]
    mid = [("mid_block.motion_modules.0", levels - 1)] if mid_block else []
    return [*down, *mid, *up]


def original(version: str = "v2", seed: int = 0, widths=WIDTHS, positions: int | None = None,
             zero_out: bool = False) -> dict[str, torch.Tensor]:  # fmt: skip
    """An original-layout state dict; weights large enough that motion changes the picture."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int, scale: float) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * scale

    length = positions or TABLE_LENGTH[version]
    tensors: dict[str, torch.Tensor] = {}
    for site, level in sites(mid_block=version in ("v2", "AnimateLCM"), levels=len(widths)):
        c = widths[level]
        prefix = f"{site}.temporal_transformer"
        block = f"{prefix}.transformer_blocks.0"
        linears = {f"{prefix}.proj_in": (c, c), f"{prefix}.proj_out": (c, c)}
        linears |= {f"{block}.ff.net.0.proj": (8 * c, c), f"{block}.ff.net.2": (c, 4 * c)}
        linears |= {f"{block}.attention_blocks.{i}.to_out.0": (c, c) for i in range(2)}
        for name, shape in linears.items():
            tensors[f"{name}.weight"] = normal(*shape, scale=shape[1] ** -0.5)
            tensors[f"{name}.bias"] = normal(shape[0], scale=0.1)
        for i in range(2):
            for x in "qkv":
                key = f"{block}.attention_blocks.{i}.to_{x}.weight"
                tensors[key] = normal(c, c, scale=2 * c**-0.5)
            if version != "AnimateLCM":
                key = f"{block}.attention_blocks.{i}.pos_encoder.pe"
                tensors[key] = sinusoidal_positions(length, c)
        for name in (f"{prefix}.norm", f"{block}.norms.0", f"{block}.norms.1", f"{block}.ff_norm"):
            tensors[f"{name}.weight"] = 1 + normal(c, scale=0.1)
            tensors[f"{name}.bias"] = normal(c, scale=0.1)
    if zero_out:
        tensors = {k: v * 0 if ".proj_out." in k else v for k, v in tensors.items()}
    return tensors


def hotshot(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same weights as HotshotXL names them, written from its classes."""
    words = {
        ".motion_modules.": ".temporal_attentions.",
        ".temporal_transformer": "",
        ".pos_encoder.pe": ".pos_encoder.positional_encoding",
    }
    renamed = {}
    for key, tensor in tensors.items():
        for ours, theirs in words.items():
            key = key.replace(ours, theirs)
        renamed[key] = tensor
    return renamed


def diffusers(tensors: dict[str, torch.Tensor], positions: bool = True) -> dict[str, torch.Tensor]:
    """The same weights as a diffusers MotionAdapter names them, written from its class."""
    words = {
        ".temporal_transformer": "",
        "attention_blocks.0": "attn1",
        "attention_blocks.1": "attn2",
        "norms.0": "norm1",
        "norms.1": "norm2",
        "ff_norm": "norm3",
    }
    renamed = {}
    for key, tensor in tensors.items():
        if key.endswith(".pe"):
            if positions and ".attention_blocks.0." in key:
                prefix = key.split(".temporal_transformer")[0]
                renamed[f"{prefix}.transformer_blocks.0.pos_embed.pe"] = tensor
            continue
        for theirs, ours in words.items():
            key = key.replace(theirs, ours)
        renamed[key] = tensor
    return renamed
