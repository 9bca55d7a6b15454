"""SD1.5's UNet as the host's classes describe it, at its own width or another."""

from typing import Any


def sd15_layout(
    model_channels: int = 320,
    channel_mult: tuple[int, ...] = (1, 2, 4, 4),
    context_dim: int = 768,
) -> dict[str, Any]:
    """The arguments of the host's UNetModel; the defaults are SD1.5's."""
    return {
        "image_size": 32,
        "in_channels": 4,
        "out_channels": 4,
        "model_channels": model_channels,
        "num_res_blocks": [2, 2, 2, 2],
        "channel_mult": list(channel_mult),
        "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
        "transformer_depth_middle": 1,
        "transformer_depth_output": [1] * 9 + [0] * 3,
        "context_dim": context_dim,
        "num_heads": 8,
        "use_spatial_transformer": True,
        "use_linear_in_transformer": False,
        "use_temporal_attention": False,
        "use_temporal_resblock": False,
        "adm_in_channels": None,
        "num_classes": None,
        "legacy": False,
    }
