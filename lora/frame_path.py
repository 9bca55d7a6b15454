"""MotionLoRAs whose strength differs by frame or by step, applied while the network runs.

A linear layer y = W x becomes y_f = W x_f + s_f * up (down x_f) for frame f: q, k and v of a
frame, its output and its feed-forward each use that frame's strength. The hooks are on our own
network and last for one call of the UNet.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from ..motion.errors import AnimateDiffError
from ..motion.extras import MotionCall
from .chain import LoraUse
from .pairs import LowRank
from .sequences import CallStrengths, OneWindow, SeveralWindows


class FittedUse(NamedTuple):
    """A use of a MotionLoRA with the pairs of it that the network has weights for."""

    use: LoraUse
    pairs: Mapping[str, LowRank]


class FrameLoras:
    """The `Extra` of a motion patcher that holds such MotionLoRAs."""

    def __init__(self, uses: Sequence[FittedUse]):
        self.uses = tuple(uses)

    def for_run(self, frames: int) -> "RunningFrameLoras":
        """Settles each frame's strengths; AnimateDiffError for a list of the wrong length."""
        columns = [torch.tensor(fitted.use.over(frames)) for fitted in self.uses]
        return RunningFrameLoras(self.uses, torch.stack(columns, dim=1))


class Factors(NamedTuple):
    """All pairs of one weight side by side: down [R, in], up [out, R], R the sum of ranks."""

    down: torch.Tensor
    up: torch.Tensor  # scaled
    owner: torch.Tensor  # [R]: which use each rank belongs to


class RunningFrameLoras:
    """The same in one sampling run. Each tensor is brought to the device once."""

    def __init__(self, uses: Sequence[FittedUse], strengths: torch.Tensor):
        self.uses = uses
        self.strengths = strengths  # [frames, uses]
        self._factors: dict[str, Factors] = {}

    @contextmanager
    def around(self, call: MotionCall) -> Iterator[None]:
        """Hooks on the linear layers for one call; none where every strength is 0."""
        strengths = self._strengths_in(call)
        several = bool((strengths != strengths[:1]).any())
        with ExitStack() as undo:
            if strengths.any():
                strengths = strengths.to(call.sigmas.device)
                for site in call.network.config.sites:
                    in_call = SeveralWindows(strengths) if several else OneWindow(strengths[0])
                    self._hook_transformer(undo, call.network.at(site), site.key, in_call)
            yield

    def _strengths_in(self, call: MotionCall) -> torch.Tensor:
        """[windows, frames, uses]; 0 for uses that take no part in this step."""
        clip, last = self.strengths.shape[0], max(map(max, call.windows))
        if last >= clip:
            raise AnimateDiffError(
                f"a context window names frame {last} of a clip of {clip} frames.",
                "windows of the clip that is sampled",
                "replace the node that makes the windows by Context Windows.",
            )
        active = [
            float(fitted.use.steps.contains(call.model_sampling, call.sigmas))
            for fitted in self.uses
        ]
        frames = torch.tensor([list(window) for window in call.windows])
        return self.strengths[frames] * torch.tensor(active)

    def _hook_transformer(
        self, undo: ExitStack, transformer: nn.Module, site: str, strengths: CallStrengths
    ) -> None:
        prefix = f"{site}.temporal_transformer."
        undo.enter_context(strengths.watching(transformer))
        for key in dict.fromkeys(key for fitted in self.uses for key in fitted.pairs):
            if key.startswith(prefix):
                linear = transformer.get_submodule(key.removeprefix(prefix).removesuffix(".weight"))
                hook = _LinearHook(self, key, strengths)
                undo.callback(linear.register_forward_hook(hook).remove)

    def factors(self, key: str, like: torch.Tensor) -> Factors:
        """Of the weight with this key, on the device and in the dtype of a layer's input."""
        found = self._factors.get(key)
        if found is None or found.down.device != like.device or found.down.dtype != like.dtype:
            found = self._factors[key] = self._side_by_side(key, like)
        return found

    def _side_by_side(self, key: str, like: torch.Tensor) -> Factors:
        pairs = [(i, f.pairs[key]) for i, f in enumerate(self.uses) if key in f.pairs]
        return Factors(
            torch.cat([pair.down.to(like) for _, pair in pairs]),
            torch.cat([pair.up.to(like) * pair.scale for _, pair in pairs], dim=1),
            torch.tensor([i for i, pair in pairs for _ in range(pair.rank)], device=like.device),
        )


class _LinearHook:
    """Adds to the output of one linear layer what the MotionLoRAs add to its weight."""

    def __init__(self, run: RunningFrameLoras, key: str, strengths: CallStrengths):
        self.run, self.key, self.strengths = run, key, strengths

    def __call__(self, _linear, args: tuple[torch.Tensor, ...], out: torch.Tensor) -> torch.Tensor:
        """args: (x [sequences, frames, in],); out: [sequences, frames, out]."""
        x = args[0]
        factors = self.run.factors(self.key, x)
        strengths = self.strengths.now().to(x.dtype)[..., factors.owner]  # [..., frames, R]
        return out + F.linear(F.linear(x, factors.down) * strengths, factors.up)
