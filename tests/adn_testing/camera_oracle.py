"""CameraCtrl by hand: its encoder from the tensors of a file, one layer after the other, and the
attention that sees its maps."""

import math

import torch
import torch.nn.functional as F

from .temporal import attention_by_hand, table_of

HEADS = 8


def unshuffled(rays: torch.Tensor) -> torch.Tensor:
    frames, channels, height, width = rays.shape
    cells = rays.reshape(frames, channels, height // 8, 8, width // 8, 8)
    return cells.permute(0, 1, 3, 5, 2, 4).reshape(frames, -1, height // 8, width // 8)


def encoded(tensors, rays: torch.Tensor, levels: int = 4, rows: int = 16) -> list[torch.Tensor]:
    """A map [F, C, h, w] per level."""

    def conv(x, name, padding=0):
        return F.conv2d(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"], padding=padding)

    x = conv(unshuffled(rays), "encoder_conv_in", 1)
    maps = []
    for level in range(levels):
        for j in range(2):
            name = f"encoder_down_conv_blocks.{level}.{j}"
            if level and not j:  # the means of what there is in every 2 x 2
                x = F.avg_pool2d(x, 2, ceil_mode=True)
            if f"{name}.in_conv.weight" in tensors:
                x = conv(x, f"{name}.in_conv")
            x = x + conv(conv(x, f"{name}.block1", 1).clamp(min=0), f"{name}.block2")
            x = _attended(tensors, f"encoder_down_attention_blocks.{level}.{j}", x, rows)
        maps.append(x)
    return maps


def _attended(tensors, name, x, rows):
    """Of more frames than rows: in parts of so many that share half, weighted by their places."""
    frames = x.shape[0]
    pixels = x.permute(2, 3, 0, 1).reshape(-1, frames, x.shape[1])
    if frames <= rows:
        seen = _attention(tensors, name, pixels)
    else:
        seen, total = torch.zeros_like(pixels), torch.zeros(frames)
        begin = 0
        while True:
            begin = min(begin, frames - rows)
            part = _attention(tensors, name, pixels[:, begin : begin + rows])
            for i in range(rows):
                weight = min(i, rows - 1 - i) + 1.0
                seen[:, begin + i] += weight * part[:, i]
                total[begin + i] += weight
            if begin + rows >= frames:
                break
            begin += rows // 2
        seen = seen / total[:, None]
    norm = _norm(tensors, f"{name}.ff_norm", seen)
    value, gate = _linear(tensors, f"{name}.ff.net.0.proj", norm).chunk(2, dim=-1)
    gelu = gate * 0.5 * (1 + torch.erf(gate / math.sqrt(2)))
    seen = seen + _linear(tensors, f"{name}.ff.net.2", value * gelu)
    return seen.reshape(x.shape[2], x.shape[3], frames, -1).permute(2, 3, 0, 1)


def _attention(tensors, name, pixels):
    """x + attention(norm(x)); pixels: [S, F, C]."""
    attention, frames = f"{name}.attention_blocks.0", pixels.shape[1]
    n = _norm(tensors, f"{name}.norms.0", pixels)
    n = n + tensors[f"{attention}.pos_encoder.pe"][0, :frames]
    q, k, v = (n @ tensors[f"{attention}.to_{x}.weight"].T for x in "qkv")
    size = q.shape[-1] // HEADS
    out = torch.zeros_like(q)
    for head in range(HEADS):
        part = slice(head * size, (head + 1) * size)
        logits = torch.einsum("sic,sjc->sij", q[..., part], k[..., part]) / math.sqrt(size)
        out[..., part] = logits.exp() / logits.exp().sum(-1, keepdim=True) @ v[..., part]
    return pixels + _linear(tensors, f"{attention}.to_out.0", out)


def _norm(tensors, name, x):
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / (centred.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt()
    return scaled * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]


def _linear(tensors, name, x):
    return x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]


def merge_of(tensors, site):
    """W, b of a block."""
    inside = "temporal_transformer.transformer_blocks.0.attention_blocks.0.processor.qkv_merge"
    return tensors[f"{site.key}.{inside}.weight"], tensors[f"{site.key}.{inside}.bias"]


def one_attention(tensors, site, block, index, n, camera, e=None):
    """What an attention of the block adds; n: [S, F, C], normalised; camera: a map of this shape;
    e: [F]."""
    attention = block.attention_blocks[index]
    rows = table_of(attention)[: n.shape[1]]
    n = n + rows
    if index == 0:
        weight, bias = merge_of(tensors, site)
        e = torch.ones(n.shape[1]) if e is None else e
        n = n + e[:, None] * ((n + camera) @ weight.T + bias)
    return attention_by_hand(attention, n, torch.zeros_like(rows))


def both_attentions(tensors, site, seen, strengths):
    """For block_by_hand: its clips in order; seen: a map [h w, F, C] per clip; strengths: [F] per
    clip."""
    clips = iter(zip(seen, strengths, strict=True))

    def both(block, x):
        camera, e = next(clips)
        for index, norm in enumerate(block.norms):
            x = x + one_attention(tensors, site, block, index, norm(x), camera, e)
        return x

    return both
