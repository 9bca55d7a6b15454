"""Independent implementations to compare with.

diffusers' UNetMotionModel computes v2 and v3, except that it pools the motion modules' first
GroupNorm over the frames where the reference takes each frame by itself; that one norm is
wrapped here. v1's pooled resnet norms, which diffusers does not have, are written out below.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import torch
from diffusers import MotionAdapter, UNet2DConditionModel, UNetMotionModel
from diffusers.loaders.single_file_utils import (
    convert_animatediff_checkpoint_to_diffusers,
    convert_ldm_unet_checkpoint,
)
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.unets.unet_motion_model import AnimateDiffTransformer3D
from torch import nn

from .motion_files import WIDTHS
from .tiny import CONTEXT_DIM


class _PerFrame(nn.Module):
    """GroupNorm of [b, C, f, h, w] with statistics of each frame alone."""

    def __init__(self, norm: nn.GroupNorm):
        super().__init__()
        self.norm = norm

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.norm(frame) for frame in x.unbind(2)], dim=2)


class _AcrossFrames(nn.Module):
    """GroupNorm of [(b f), C, h, w] with one mean and variance for all frames of a clip."""

    def __init__(self, norm: nn.GroupNorm, frames: int):
        super().__init__()
        self.norm, self.frames = norm, frames

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        clips = []
        for clip in x.split(self.frames):
            groups = clip.reshape(self.frames, self.norm.num_groups, -1, *clip.shape[2:])
            mean = groups.mean(dim=(0, 2, 3, 4), keepdim=True)
            variance = groups.var(dim=(0, 2, 3, 4), keepdim=True, unbiased=False)
            clips.append(((groups - mean) / (variance + self.norm.eps).sqrt()).reshape(clip.shape))
        weight, bias = (p[:, None, None] for p in (self.norm.weight, self.norm.bias))
        return torch.cat(clips) * weight + bias


def motion_unet(
    unet: nn.Module, motion: dict[str, torch.Tensor], positions: int
) -> UNetMotionModel:
    """diffusers' animated UNet with the weights of a ComfyUI UNet and an original motion file."""
    plain = UNet2DConditionModel(
        block_out_channels=WIDTHS, cross_attention_dim=CONTEXT_DIM, attention_head_dim=8
    )
    config = {**plain.config, "layers_per_block": 2}
    ldm = {f"model.diffusion_model.{k}": v for k, v in unet.state_dict().items()}
    plain.load_state_dict(convert_ldm_unet_checkpoint(ldm, config=config))
    adapter = MotionAdapter(
        block_out_channels=WIDTHS,
        motion_layers_per_block=2,
        motion_num_attention_heads=8,
        motion_max_seq_length=positions,
        use_motion_mid_block=any(k.startswith("mid_block") for k in motion),
    )
    converted = convert_animatediff_checkpoint_to_diffusers(dict(motion))
    missing, unexpected = adapter.load_state_dict(converted, strict=False)
    # the converter leaves the position tables to diffusers' own, a check on ours
    assert not unexpected and all(key.endswith(".pe") for key in missing)
    animated = UNetMotionModel.from_unet2d(plain, adapter).eval()
    for module in animated.modules():
        if isinstance(module, AnimateDiffTransformer3D):
            module.norm = _PerFrame(module.norm)  # type: ignore[assignment]
    return animated


def pool_resnet_norms(animated: UNetMotionModel, frames: int) -> None:
    """Turn the oracle into v1: resnet norms and conv_norm_out pool over the frames."""
    for module in list(animated.modules()):
        if isinstance(module, ResnetBlock2D):
            module.norm1 = _AcrossFrames(module.norm1, frames)  # type: ignore[assignment]
            module.norm2 = _AcrossFrames(module.norm2, frames)  # type: ignore[assignment]
    animated.conv_norm_out = _AcrossFrames(animated.conv_norm_out, frames)  # type: ignore[assignment]


def predict(animated: UNetMotionModel, x: torch.Tensor, timestep: int, context: torch.Tensor,
            frames: int) -> torch.Tensor:  # fmt: skip
    """x: [(b f), 4, h, w], context: [b, tokens, dim]; returns the shape of x."""
    clips = x.unflatten(0, (-1, frames)).transpose(1, 2)
    context = context.repeat_interleave(frames, dim=0)
    with torch.inference_mode():
        out = animated(clips, timestep, encoder_hidden_states=context).sample
    return out.transpose(1, 2).flatten(0, 1)
