"""The low-rank pair: what a LoRA adds to one weight."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, eq=False)
class LowRank:
    """Adds scale * (up @ down) to a weight [out, in].

    down: [rank, in]; up: [out, rank]. scale is the format's own: 1 for official files, alpha /
    rank where a file carries an alpha (Hu et al. 2021, section 4.1).
    """

    down: torch.Tensor
    up: torch.Tensor
    scale: float = 1.0

    @property
    def rank(self) -> int:
        return self.down.shape[0]

    @property
    def shape(self) -> tuple[int, int]:
        """[out, in] of the weight that this is for."""
        return self.up.shape[0], self.down.shape[1]
