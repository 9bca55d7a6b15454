"""One call of the UNet, and one temporal block in it: which frames, pixels and clips are at hand.

The batch of a call is [(conditionings parts F), C, h, w]: for every conditioning the same parts of
the clips, each of them F frames that see each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import torch
from torch import nn

from .application import frames_at_once
from .block import PlainSite, TemporalAttention, TemporalBlock
from .call_frames import Part
from .config import Site
from .effects import AlongFrames, CallEffects, Rows
from .errors import AnimateDiffError, counted
from .frame_sharing import FrameSharing
from .network import MotionNetwork


def percent_of(model_sampling: Any, sigmas: torch.Tensor) -> float:
    """How far the sampling is at sigmas [1 or more], 0 to 1; the inverse of the host's
    percent_to_sigma. Waits for the device."""
    return 1.0 - float(model_sampling.timestep(sigmas[:1])[0]) / 999.0


def nearest_step(sample_sigmas: torch.Tensor | None, sigmas: torch.Tensor) -> int:
    """The run's step whose sigma is nearest: samplers also call the model between two steps."""
    if sample_sigmas is None:
        return 0
    return int((sample_sigmas.to(sigmas) - sigmas[0]).abs().argmin())


@dataclass(frozen=True, eq=False)
class MotionCall:
    """One call of the UNet in which a motion module takes part.

    frames: F, of each part; parts: the same for every conditioning; clip_frames: how long each
    clip is; conds: for every conditioning in the batch, in its order, its place in the guider's
    list (0 is the positive one of CFG, 1 the negative), empty where another node split the batch;
    sigmas: [batch]; sample_sigmas: of the run's steps, where the host tells them; companions: the
    effects' own networks, by the patchers that the effects have; sharing: of frames in the UNet's
    deep levels, in this call.
    """

    network: MotionNetwork
    frames: int
    parts: tuple[Part, ...]
    clip_frames: int
    conds: tuple[int, ...]
    sigmas: torch.Tensor
    model_sampling: Any
    sample_sigmas: torch.Tensor | None = None
    companions: Mapping[Any, nn.Module] = field(default_factory=dict)
    sharing: FrameSharing | None = None

    def companion(self, patcher: Any) -> nn.Module:
        """The network of an effect's companion, as the model that runs has it."""
        return self.companions[patcher]

    def at_hand_at(self, site: Site) -> range:
        """Which of the F frames are at hand at a block."""
        stride = 1 if self.sharing is None else self.sharing.stride_at(site)
        return range(0, self.frames, stride)

    @cached_property
    def sigma(self) -> float:
        """How noisy the call's latents are. Waits for the device."""
        return float(self.sigmas[0])

    @cached_property
    def percent(self) -> float:
        """How far the sampling is, 0 to 1. Waits for the device."""
        return percent_of(self.model_sampling, self.sigmas)

    @cached_property
    def step(self) -> int:
        """The number of the run's step; 0 where it is unknown. Waits for the device."""
        return nearest_step(self.sample_sigmas, self.sigmas)

    def part_of(self, clip: int) -> int:
        """Which part the clip-th F frames of the batch are."""
        return clip % len(self.parts)

    def cond_of(self, clip: int) -> int | None:
        """Which conditioning the clip-th F frames of the batch have; None where it is unknown."""
        index = clip // len(self.parts)
        return self.conds[index] if index < len(self.conds) else None

    def per_frame(self, values: torch.Tensor) -> torch.Tensor:
        """[parts, F, ...] of values [clip_frames, ...]."""
        last = max(max(part.frames) for part in self.parts)
        if last >= len(values):
            raise AnimateDiffError(
                f"a context window names frame {last} of a clip of "
                f"{counted(len(values), 'frame')}.",
                "windows of the clip that is sampled",
                "replace the node that makes the windows by Context Windows.",
            )
        return values[torch.tensor([part.frames for part in self.parts], device=values.device)]


@dataclass(frozen=True, eq=False)
class SiteCall(PlainSite):
    """One temporal block in a call, with the effects at work there.

    first, behind_last: the sequences of the slice at work. The block takes the pixels of all
    parts in the batch in the order [(conditionings parts), h, w], a slice of them at a time.
    view: which of the F frames of a part are at hand; None: all.
    """

    call: MotionCall
    site: Site
    height: int
    width: int
    effects: CallEffects
    first: int = 0
    behind_last: int = 0
    view: tuple[int, ...] | None = None

    @property
    def pixels(self) -> int:
        return self.height * self.width

    def part(self, first: int, behind_last: int) -> SiteCall:
        return replace(self, first=first, behind_last=behind_last)

    @property
    def whole_clips(self) -> bool:  # type: ignore[override]
        return self.effects.whole_clips

    def in_view(self, view: tuple[int, ...]) -> SiteCall:
        """The same with only some of the frames at hand."""
        at_hand = view if self.view is None else tuple(self.view[frame] for frame in view)
        return replace(self, view=at_hand)

    def at_hand(self, values: torch.Tensor) -> torch.Tensor:
        """Of values [parts, F, ...] those of the frames at hand."""
        return values if self.view is None else values[:, list(self.view)]

    def by_part(self) -> Iterator[tuple[slice, int]]:
        """The slice at work as runs of sequences that are of one part: which of the sequences,
        and the number of the part."""
        if len(self.call.parts) == 1:
            yield slice(None), 0
            return
        for sequences, part, _ in self.pieces():
            yield sequences, part

    def pieces(self) -> Iterator[tuple[slice, int, slice]]:
        """The slice at work clip by clip: which of its sequences, the number of the part, and its
        pixels."""
        begin = self.first
        while begin < self.behind_last:
            clip = begin // self.pixels
            start = clip * self.pixels
            end = min(start + self.pixels, self.behind_last)
            sequences = slice(begin - self.first, end - self.first)
            yield sequences, self.call.part_of(clip), slice(begin - start, end - start)
            begin = end

    def strength(self) -> float | torch.Tensor:
        """The product of all effects' strengths."""
        product: float | torch.Tensor = 1.0
        for effect in self.effects.strength:
            product = product * effect.strength(self)
        return product

    def before(self, x: torch.Tensor) -> torch.Tensor:
        for effect in self.effects.before:
            x = effect.before(self, x)
        return x

    def attentions(self, block: TemporalBlock, x: torch.Tensor) -> torch.Tensor:
        attentions: AlongFrames = block.attend_along
        for effect in self.effects.attentions:
            attentions = _around(effect.attentions, attentions)
        return attentions(self, x, self._rows_in_view())

    def _rows_in_view(self) -> Rows:
        """Of the position table those of the frames at hand; where it has none for the last of
        them, an effect shows more frames than it has, and places count from 0."""
        if self.view is None or self.view[-1] >= self.table_length:
            return None
        return torch.eye(self.table_length)[list(self.view)]

    def attention(
        self, index: int, attention: TemporalAttention, x: torch.Tensor, rows: Rows
    ) -> torch.Tensor:
        def plain(site: SiteCall, x: torch.Tensor, rows: Rows) -> torch.Tensor:
            return attention(x, site, rows)

        attend: AlongFrames = plain
        for effect in self.effects.attention:
            attend = _around_one(effect.attention, index, attend)
        return attend(self, x, rows)

    @property
    def table_length(self) -> int:
        """Rows of the position table, as whoever gives rows of it sees it."""
        return frames_at_once(self.call.network.config, self.effects.rows)

    def positions(self, table, x: torch.Tensor, rows: Rows) -> torch.Tensor:
        if rows is None and not self.effects.rows:
            return super().positions(table, x, None)
        every = torch.arange(self.call.network.config.position_length, device=x.device)
        rows = torch.eye(x.shape[1], self.table_length) if rows is None else rows
        for effect in reversed(self.effects.rows):
            rows = effect.rows(self, rows)
        # few enough for fp32, which the table has too
        return rows.to(x.device, torch.float32) @ table(every).float()

    def linear(self, name: str, layer, x: torch.Tensor) -> torch.Tensor:
        for effect in self.effects.linear:
            layer = partial(effect.linear, self, name, layer)
        return layer(x)

    def attend(self, index: int, q, k, v) -> torch.Tensor:
        attend = partial(super().attend, index)
        for effect in self.effects.attend:
            attend = partial(effect.attend, self, index, attend)
        return attend(q, k, v)

    def after(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        for effect in self.effects.after:
            y = effect.after(self, x, y)
        return y


def _around(effect: Any, inner: AlongFrames) -> AlongFrames:
    return lambda site, x, rows: effect(site, inner, x, rows)


def _around_one(effect: Any, index: int, inner: AlongFrames) -> AlongFrames:
    return lambda site, x, rows: effect(site, index, inner, x, rows)
