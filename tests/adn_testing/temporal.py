"""A temporal block by hand: frame by frame, pixel by pixel, in the network's own weights."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import math

import torch
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.call import MotionCall, Part, SiteCall
from animatediff_native.motion.effects import CallEffects

from . import tiny


def call_of(model, frames: int, conds: int = 2, parts: int = 1, clip_frames: int | None = None):
    """A call of the tiny model's UNet in the middle of a sampling."""
    network = tiny.motion_module("v2").patcher.model
    sampling = model.model.model_sampling
    sigmas = torch.full((frames * conds * parts,), float(sampling.percent_to_sigma(0.5)))
    of_clips = tuple(Part(0, tuple(range(i, i + frames))) for i in range(parts))
    return MotionCall(network, frames, of_clips, clip_frames or frames + parts - 1,
                      tuple(range(conds)), sigmas, sampling)  # fmt: skip


def run_block(call, site, x: torch.Tensor, *effects) -> torch.Tensor:
    """What the site's block makes of x [(clips F), C, h, w] with these effects."""
    at = SiteCall(call, site, x.shape[-2], x.shape[-1], CallEffects(effects))
    return call.network.at(site)(x, call.frames, 1.0, at)


def block_by_hand(call, site, x: torch.Tensor, both_attentions) -> torch.Tensor:
    """The same; both_attentions: what [S, F, C] of one clip is after them, S = h w."""
    net, frames = call.network.at(site), call.frames
    out = []
    for clip in x.split(frames):
        tokens = net.norm(clip).permute(2, 3, 0, 1).flatten(0, 1)
        tokens = net.proj_in(tokens)
        for block in net.transformer_blocks:
            tokens = both_attentions(block, tokens)
            tokens = tokens + block.ff(block.ff_norm(tokens))
        tokens = net.proj_out(tokens).unflatten(0, clip.shape[-2:]).permute(2, 3, 0, 1)
        out.append(clip + tokens)
    return torch.cat(out)


def attention_by_hand(attention, x: torch.Tensor, positions, values=None) -> torch.Tensor:
    """x: [S, F, C], normalised; positions: [F, C]; values: [F], factors of each frame's values."""
    x = x + positions
    size = x.shape[-1] // attention.heads
    q, k, v = (
        to.weight @ x.transpose(1, 2) for to in (attention.to_q, attention.to_k, attention.to_v)
    )
    if values is not None:
        v = v * values
    out = torch.zeros_like(x)
    for head in range(attention.heads):
        part = slice(head * size, (head + 1) * size)
        for frame in range(x.shape[1]):
            logits = (q[:, part, frame, None] * k[:, part]).sum(1) / math.sqrt(size)  # [S, F]
            out[:, frame, part] = (logits.softmax(1)[:, None] * v[:, part]).sum(2)
    return out @ attention.to_out[0].weight.T + attention.to_out[0].bias


def table_of(attention) -> torch.Tensor:
    """[L, C]"""
    return attention.pos_encoder.weight


def animated(plain, *effects, version="v2"):
    """The tiny model with a motion module that has these effects."""
    module = tiny.motion_module(version)
    for effect in effects:
        module = module.with_effect(effect)
    return apply_motion_module(plain, module)
