"""The strength of a ControlNet as one number per frame.

The host multiplies what a ControlNet adds by its `strength`, also by powers of it. A number that
torch asks how it is multiplied (`__torch_function__`, torch's protocol for foreign types) can be
another one in every frame, and goes wherever the host takes a strength.
"""

from collections.abc import Sequence
from typing import Any

import torch

from ..motion.errors import AnimateDiffError, counted

NODE = "ControlNet Strength by Frame"


class FrameControlStrength(float):
    """As a plain number the largest of them. In an operation with a tensor [(conds F), ...] each
    row has its frame's. rows: [F] or a window's part of it."""

    rows: torch.Tensor

    def __new__(cls, rows: Sequence[float] | torch.Tensor) -> "FrameControlStrength":
        rows = torch.as_tensor(rows, dtype=torch.float64, device="cpu")
        number = float.__new__(cls, rows.max())
        number.rows = rows
        number._placed = {}
        return number

    _placed: dict[torch.device, torch.Tensor]  # float32, for each device that asked

    def __reduce__(self) -> Any:
        return FrameControlStrength, (self.rows,)

    def __pow__(self, exponent: Any, modulo: Any = None) -> Any:
        return FrameControlStrength(self.rows**exponent)

    def times(self, factors: torch.Tensor) -> "FrameControlStrength":
        """factors: [F], or [1] for all."""
        if len(factors) not in (1, len(self.rows)):
            raise AnimateDiffError(
                f"frame_strengths has {counted(len(factors), 'value')}, and the ControlNet has "
                f"{len(self.rows)} from another {NODE}.",
                "lists of one length, that of the clip",
                "make both lists as long as the clip.",
            )
        return FrameControlStrength(self.rows * factors)

    def beside(self, tensor: torch.Tensor) -> torch.Tensor:
        """[(conds F), 1, 1, 1] for a tensor [(conds F), C, h, w]."""
        device, count = tensor.device, tensor.shape[0]
        if device not in self._placed:
            self._placed[device] = self.rows.float().to(device)
        rows = self._placed[device]
        if count % len(rows):
            raise AnimateDiffError(
                f"frame_strengths of {NODE} has {counted(len(rows), 'value')}, and a ControlNet "
                f"was given {counted(count, 'frame')}.",
                "one value per frame of the clip",
                f"make frame_strengths of {NODE} as long as the clip.",
            )
        return rows.repeat(count // len(rows)).reshape(-1, *[1] * (tensor.ndim - 1))

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        tensor = next(arg for arg in args if isinstance(arg, torch.Tensor))
        beside = [arg.beside(tensor) if isinstance(arg, cls) else arg for arg in args]
        return func(*beside, **(kwargs or {}))
