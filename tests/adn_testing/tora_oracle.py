"""Tora by hand: flow, the extractor's maps and what a fuser adds, from the tensors of a file."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def flow_by_hand(points, visible, height, width):
    """points: [F, N, 2], shares. [F, height, width, 2], pixel by pixel."""
    side = min(height, width)
    sigma, reach = 10 * side / 256, max(1, round(49 * side / 256))
    flow = np.zeros((len(points), height, width, 2))
    for frame in range(1, len(points)):
        for path in range(points.shape[1]):
            before, now = (points[f, path] * (width, height) for f in (frame - 1, frame))
            x, y = math.floor(before[0]), math.floor(before[1])
            if not (visible[frame - 1, path] and visible[frame, path]):
                continue
            if not (0 <= x < width and 0 <= y < height):
                continue
            for row in range(max(0, y - reach), min(height, y + reach + 1)):
                for column in range(max(0, x - reach), min(width, x + reach + 1)):
                    apart = (row - y) ** 2 + (column - x) ** 2
                    weight = math.exp(-apart / (2 * sigma**2))
                    flow[frame, row, column] += weight * 32 * (now - before) / side
    return flow


def conv(tensors, name, x, padding=0):
    return F.conv2d(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"], padding=padding)


def features(tensors, flow: torch.Tensor) -> list[torch.Tensor]:
    """Per level; flow: [F, 2, 8 h, 8 w]."""
    frames, channels, height, width = flow.shape
    cells = flow.reshape(frames, channels, height // 8, 8, width // 8, 8)
    x = cells.permute(0, 1, 3, 5, 2, 4).reshape(frames, -1, height // 8, width // 8)
    x = conv(tensors, "flow_encoder.conv_in", x, 1)
    x = conv(tensors, "flow_encoder.conv_out", x * torch.sigmoid(x), 1)
    x = conv(tensors, "extractor.conv_in", x, 1)
    maps = []
    for level in range(4):
        for j in range(2):
            name = f"extractor.levels.{level}.{j}"
            if level and not j:
                x = F.avg_pool2d(x, 2, ceil_mode=True)
            inner = conv(tensors, f"{name}.block1", x, 1).clamp(min=0)
            x = x + conv(tensors, f"{name}.block2", inner)
        maps.append(x)
    return maps


def added(tensors, design, site, x, seen):
    """What the fuser of a site adds to x [F, C, h, w]; seen: [F, features, h, w]."""
    name = f"fusers.{site.block}_{site.level}_{site.index}"
    flow = conv(tensors, f"{name}.mix", seen, 1)
    groups = x.reshape(x.shape[0], 32, -1)
    centred = groups - groups.mean(2, keepdim=True)
    normed = (centred / (centred.pow(2).mean(2, keepdim=True) + 1e-5).sqrt()).reshape(x.shape)
    return {"channels": _channels, "cross": _cross, "norm": _norm}[design](
        tensors, name, normed, flow
    )


def _layer(tensors, name, vector):
    return tensors[f"{name}.weight"].flatten(1) @ vector + tensors[f"{name}.bias"]


def _channels(tensors, name, x, flow):
    out = torch.empty_like(x)
    for frame, y, column in np.ndindex(x.shape[0], *x.shape[2:]):
        both = torch.cat([x[frame, :, y, column], flow[frame, :, y, column]])
        out[frame, :, y, column] = _layer(tensors, f"{name}.project", both)
    return out


def _norm(tensors, name, x, flow):
    out = torch.empty_like(x)
    last = len(x) - 1
    for frame, y, column in np.ndindex(x.shape[0], *x.shape[2:]):
        found = {}
        for which in ("gamma", "beta"):
            found[which] = tensors[f"{name}.{which}.bias"].clone()
            for tap in range(3):  # the first and the last frame again beyond the ends
                near = min(max(frame + tap - 1, 0), last)
                weight = tensors[f"{name}.{which}.weight"][:, :, tap]
                found[which] += weight @ flow[near, :, y, column]
        out[frame, :, y, column] = x[frame, :, y, column] * found["gamma"] + found["beta"]
    return out


def _place(row, column, channels):
    half = channels // 2
    code = torch.zeros(channels)
    for begin, where in ((0, row), (half, column)):
        for pair in range(0, half, 2):
            angle = where * 10000 ** (-pair / half)
            code[begin + pair], code[begin + pair + 1] = math.sin(angle), math.cos(angle)
    return code


def _cross(tensors, name, x, flow):
    out, heads = torch.empty_like(x), 4
    cells = list(np.ndindex(*x.shape[2:]))
    for frame in range(len(x)):
        k, v = [], []
        for y, column in cells:
            seen = flow[frame, :, y, column]
            k.append(_layer(tensors, f"{name}.to_k", seen + _place(y, column, len(seen))))
            v.append(_layer(tensors, f"{name}.to_v", seen))
        keys, values = torch.stack(k), torch.stack(v)
        for y, column in cells:
            pixel = x[frame, :, y, column]
            q = _layer(tensors, f"{name}.to_q", pixel + _place(y, column, len(pixel)))
            size = len(q) // heads
            found = torch.empty_like(q)
            for head in range(heads):
                own = slice(head * size, (head + 1) * size)
                weights = (keys[:, own] @ q[own] / math.sqrt(size)).softmax(0)
                found[own] = weights @ values[:, own]
            out[frame, :, y, column] = _layer(tensors, f"{name}.to_out", found)
    return out
