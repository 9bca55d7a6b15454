"""A composition of MotionLoRAs as one file with the official keys."""

import json
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import save_file

from ..motion.files import written_whole
from .chain import MotionLoraChain
from .compose import Compressed, compose, compress
from .names import official_names


class Saved(NamedTuple):
    """What was written."""

    path: Path
    ranks: tuple[int, ...]  # that occur, ascending
    relative_error: float  # 0 where the ranks were joined as they are

    def __str__(self) -> str:
        ranks = ", ".join(map(str, self.ranks))
        error = f"relative error {self.relative_error:.2%}" if self.relative_error else "exact"
        return f"saved {self.path.name}: rank {ranks}, {error}"


def save_motion_lora(chain: MotionLoraChain, path: Path, rank: int = 0) -> Saved:
    """Write the composition; rank 0 keeps it exact, another one is the most per weight."""
    pairs = compose(chain)
    compressed = compress(pairs, rank) if rank else Compressed(pairs, 0.0)
    tensors: dict[str, torch.Tensor] = {}
    for key, pair in compressed.pairs.items():
        for name, half in zip(official_names(key), (pair.down, pair.up), strict=True):
            tensors[name] = half.contiguous()
    ranks = tuple(sorted({pair.rank for pair in compressed.pairs.values()}))
    metadata = {
        "format": "pt",
        "motion_loras": json.dumps([[use.lora.file, use.constant] for use in chain]),
        "rank": str(rank),
        "relative_error": f"{compressed.relative_error:.6g}",
    }
    with written_whole(path) as beside:
        save_file(tensors, beside, metadata)
    return Saved(path, ranks, compressed.relative_error)
