"""MotionLoRAs whose strength differs by frame or by step: an effect on the linear layers.

A linear layer y = W x becomes y_f = W x_f + s_f * up (down x_f) for frame f: q, k and v of a
frame, its output and its feed-forward each use that frame's strength.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F

from ..motion.call import MotionCall, SiteCall
from ..motion.effects import Effect, Layer
from ..motion.run import MotionRun
from .chain import LoraUse
from .pairs import LowRank


class FittedUse(NamedTuple):
    """A use of a MotionLoRA with the pairs of it that the network has weights for."""

    use: LoraUse
    pairs: Mapping[str, LowRank]


class Factors(NamedTuple):
    """All pairs of one weight side by side: down [R, in], up [out, R], R the sum of ranks."""

    down: torch.Tensor
    up: torch.Tensor  # scaled
    owner: torch.Tensor  # [R]: which use each rank belongs to


class FrameLoras(Effect):
    """Such MotionLoRAs of one motion module."""

    def __init__(self, uses: Sequence[FittedUse]):
        self.uses = tuple(uses)
        self.keys = frozenset(key for fitted in self.uses for key in fitted.pairs)

    def for_run(self, run: MotionRun) -> "RunningFrameLoras":
        """Settles each frame's strengths; AnimateDiffError for a list of the wrong length."""
        columns = [torch.tensor(fitted.use.over(run.frames)) for fitted in self.uses]
        return RunningFrameLoras(self, run, torch.stack(columns, dim=1))

    def factors(self, key: str, like: torch.Tensor) -> Factors:
        """Of the weight with this key, on the device and in the dtype of a layer's input."""
        pairs = [(i, f.pairs[key]) for i, f in enumerate(self.uses) if key in f.pairs]
        return Factors(
            torch.cat([pair.down.to(like) for _, pair in pairs]),
            torch.cat([pair.up.to(like) * pair.scale for _, pair in pairs], dim=1),
            torch.tensor([i for i, pair in pairs for _ in range(pair.rank)], device=like.device),
        )


class RunningFrameLoras(Effect):
    """The same in one sampling run; strengths: [clip's frames, uses]."""

    def __init__(self, loras: FrameLoras, run: MotionRun, strengths: torch.Tensor):
        self.loras = loras
        self.run = run
        self.strengths = strengths

    def for_call(self, call: MotionCall) -> "CallFrameLoras | None":
        """None where every strength is 0."""
        strengths = call.per_frame(self.strengths)
        active = [
            float(fitted.use.steps.contains(call.model_sampling, call.sigmas))
            for fitted in self.loras.uses
        ]
        strengths = strengths * torch.tensor(active)
        if not strengths.any():
            return None
        return CallFrameLoras(self.loras, self.run, strengths.to(call.sigmas.device))


class CallFrameLoras(Effect):
    """The same in one call; strengths: [parts, frames, uses]."""

    def __init__(self, loras: FrameLoras, run: MotionRun, strengths: torch.Tensor):
        self.loras = loras
        self.run = run
        self.strengths = strengths

    def linear(self, site: SiteCall, name: str, layer: Layer, x: torch.Tensor) -> torch.Tensor:
        key = f"{site.site.key}.temporal_transformer.{name}.weight"
        if key not in self.loras.keys:
            return layer(x)
        # each tensor is brought to the device once a run
        factors: Factors = self.run.kept(
            (id(self.loras), key, x.device, x.dtype), lambda: self.loras.factors(key, x)
        )
        ranks = F.linear(x, factors.down)  # [S, F, R]
        strengths = site.at_hand(self.strengths).to(x.dtype)[..., factors.owner]  # [parts, F, R]
        scaled = [ranks[which] * strengths[part] for which, part in site.by_part()]
        together = scaled[0] if len(scaled) == 1 else torch.cat(scaled)
        return layer(x) + F.linear(together, factors.up)
