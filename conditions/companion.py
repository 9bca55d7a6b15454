"""A network of an effect's own, which the host loads with the motion module."""

from collections.abc import Mapping

import torch
from torch import nn

from ..motion.network import in_dtype


class CompanionNetwork(nn.Module):
    """One whose layers have the names of its files; see motion/managed.py."""

    def __init__(self, dtype: torch.dtype | None = None):
        super().__init__()
        self.dtype = dtype

    def take(self, tensors: Mapping[str, torch.Tensor], assign: bool = False) -> None:
        """Copies of the tensors of a file; assign: the tensors themselves, of whatever dtype."""
        if not assign and self.dtype is not None:  # the host's lazy layers take them as they are
            tensors = in_dtype(tensors, self.dtype)
        self.load_state_dict(dict(tensors), assign=assign)

    def as_in_files(self) -> dict[str, torch.Tensor]:
        return self.state_dict()
