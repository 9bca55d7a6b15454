"""Several MotionLoRAs as one, exactly or with fewer ranks.

sum_i s_i * (B_i A_i) = [s_1 B_1, s_2 B_2, ...] [A_1; A_2; ...]: joining the ranks loses nothing.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch

from ..motion.errors import AnimateDiffError
from .chain import LoraUse, MotionLoraChain
from .pairs import LowRank


def compose(chain: MotionLoraChain) -> dict[str, LowRank]:
    """The chain as pairs of fp32 halves with strength 1; strengths and scales go into `up`."""
    for use in chain:
        _require_constant(use)
    uses = [use for use in chain if use.constant != 0]
    if not uses:
        raise AnimateDiffError(
            "every MotionLoRA of the composition has strength 0.",
            "at least one with another strength",
            "set a strength, or save nothing.",
        )
    keys = dict.fromkeys(key for use in uses for key in use.lora.pairs)
    return {key: _joined(key, uses) for key in keys}


def _joined(key: str, uses: Iterable[LoraUse]) -> LowRank:
    pairs = [(use.constant or 0.0, use.lora.pairs[key]) for use in uses if key in use.lora.pairs]
    return LowRank(
        torch.cat([pair.down.float() for _, pair in pairs]),
        torch.cat([pair.up.float() * (s * pair.scale) for s, pair in pairs], dim=1),
    )


def _require_constant(use: LoraUse) -> None:
    if use.constant is not None:
        return
    what = "a strength per frame" if use.steps.whole else "a range of steps"
    raise AnimateDiffError(
        f"'{use.lora.file}' has {what}, which a MotionLoRA file cannot hold.",
        "MotionLoRAs with one strength for all frames and steps",
        "unplug frame_strengths and set start_percent 0 and end_percent 1 for saving.",
    )


class Compressed(NamedTuple):
    """Pairs of at most the wished rank."""

    pairs: dict[str, LowRank]
    relative_error: float  # Frobenius norm of what is lost over that of the whole


def compress(pairs: Mapping[str, LowRank], rank: int) -> Compressed:
    """The nearest pairs of a rank, weight by weight (Eckart and Young 1936)."""
    kept: dict[str, LowRank] = {}
    lost = total = 0.0
    for key, pair in pairs.items():
        kept[key], squares, lost_squares = _nearest(pair, rank)
        total += squares
        lost += lost_squares
    return Compressed(kept, (lost / total) ** 0.5 if total else 0.0)


def _nearest(pair: LowRank, rank: int) -> tuple[LowRank, float, float]:
    """The nearest pair, the squared norm of up @ down, and that of what is lost.

    With up = Q_u R_u and down^T = Q_d R_d only R_u R_d^T, [rank, rank], is decomposed.
    """
    basis_up, r_up = torch.linalg.qr(pair.up * pair.scale)
    basis_down, r_down = torch.linalg.qr(pair.down.T)
    core = r_up @ r_down.T
    total = float(core.cpu().double().square().sum())
    if pair.rank <= rank:
        return pair, total, 0.0
    u, values, vh = torch.linalg.svd(core, full_matrices=False)
    root = values[:rank].sqrt()  # shared out evenly, so that both halves have one size
    down = root[:, None] * (vh[:rank] @ basis_down.T)
    up = (basis_up @ u[:, :rank]) * root
    return LowRank(down, up), total, float(values[rank:].cpu().double().square().sum())
