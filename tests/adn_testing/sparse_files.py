"""SparseCtrl files with seeded random weights, and the networks of diffusers that they are for."""

from typing import Any

import torch
from animatediff_native.conditions.sparse_files import SparseConfig, SparseKind, encoder_shapes
from animatediff_native.motion.detect import expected_shapes
from animatediff_native.motion.positions import sinusoidal_positions

from .motion_files import WIDTHS
from .tiny import CONTEXT_DIM


def config(
    kind: str = "rgb", positions: int = 32, widths=WIDTHS, context: int = CONTEXT_DIM
) -> SparseConfig:
    return SparseConfig(SparseKind(kind), widths, context, positions)


def shapes(of: SparseConfig) -> dict[str, tuple[int, ...]]:
    """Of every tensor of a file."""
    return {**encoder_shapes(of), **expected_shapes(of.motion)}


def original(kind: str = "rgb", seed: int = 0, **options) -> dict[str, torch.Tensor]:
    """A file as guoyww/AnimateDiff has it, of the tiny model's widths; its layers that begin as
    zeros are random too, and motion is strong enough to change the residuals."""
    generator = torch.Generator().manual_seed(seed)

    def made(key: str, shape: tuple[int, ...]) -> torch.Tensor:
        if key.endswith(".pe"):
            return sinusoidal_positions(*shape[1:])
        x = torch.randn(shape, generator=generator)
        if len(shape) > 1:
            return x * x[0].numel() ** -0.5
        return 0.1 * x + (1.0 if "norm" in key and key.endswith("weight") else 0.0)

    return {key: made(key, shape) for key, shape in shapes(config(kind, **options)).items()}


def in_diffusers_names(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same as diffusers saves it; see its `loaders/single_file_utils.py`."""
    words = {
        "temporal_transformer.": "",
        "attention_blocks.0.pos_encoder.pe": "pos_embed.pe",
        "attention_blocks.0": "attn1",
        "norms.0": "norm1",
        "ff_norm": "norm3",
    }
    renamed = {}
    for key, tensor in tensors.items():
        if "motion_modules" in key:
            for theirs, ours in words.items():
                key = key.replace(theirs, ours)
        renamed[key] = tensor
    return renamed


class _PerFrame(torch.nn.Module):
    """GroupNorm of [b, C, f, h, w] with statistics of each frame alone."""

    def __init__(self, norm: Any):
        super().__init__()
        self.norm = norm

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.norm(frame) for frame in x.unbind(2)], dim=2)


def diffusers_model(tensors: dict[str, torch.Tensor], kind: str, widths=WIDTHS) -> Any:
    """diffusers' own network with these weights. It pools the motion modules' first norm over the
    frames, which the authors' code does not: that norm is wrapped."""
    from diffusers.models.controlnets.controlnet_sparsectrl import SparseControlNetModel
    from diffusers.models.unets.unet_motion_model import AnimateDiffTransformer3D

    model: Any = SparseControlNetModel(
        conditioning_channels=SparseKind(kind).channels,
        block_out_channels=widths,
        cross_attention_dim=CONTEXT_DIM,
        use_simplified_condition_embedding=kind == "rgb",
    )
    missing, unexpected = model.load_state_dict(in_diffusers_names(tensors), strict=False)
    assert not missing and not unexpected, (missing, unexpected)
    for module in model.modules():
        if isinstance(module, AnimateDiffTransformer3D):
            module.norm = _PerFrame(module.norm)  # type: ignore[assignment]
    return model.eval()
