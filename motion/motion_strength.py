"""How strongly a motion module takes part: a number x frames x area x steps x blocks.

Two kinds, of which a chain holds any number; their values are multiplied, kind by kind.

- output: x + s (T(x) - x), s by pixel and frame: how much of the motion is added.
- attention: the keys of the temporal attention times s, by pixel and key frame, so that
  softmax(s q k / sqrt(d)): below 1 a frame looks at all frames more alike, above 1 more at those
  that are like it. The scale of AnimateDiff-Evolved; 0 averages over the frames and is not "off".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import torch
import torch.nn.functional as F

from .block_factors import factor_of, require_blocks
from .call import MotionCall, SiteCall
from .effects import Attend, Effect
from .errors import AnimateDiffError, counted
from .frame_strengths import FrameStrengths
from .keyframes import Keyframes, value_at, values_along
from .run import MotionRun


class Kind(str, Enum):
    """What is multiplied."""

    OUTPUT = "output"
    ATTENTION = "attention"


@dataclass(frozen=True, eq=False)
class StrengthField:
    """(outside + area (strength - outside)) x keyframes x frames x steps x blocks.

    area: [1 or F, H, W] in 0 to 1, of any size; None: strength everywhere. keyframes: by frame of
    the clip; frames: the same as a list; steps: by percent of the sampling; blocks: see
    block_factors.
    """

    strength: float = 1.0
    kind: Kind = Kind.OUTPUT
    keyframes: Keyframes = ()
    frames: FrameStrengths | None = None
    steps: Keyframes = ()
    blocks: Mapping[str, float] = field(default_factory=dict)
    area: torch.Tensor | None = None
    outside: float = 0.0

    @property
    def constant(self) -> float | None:
        """The one value that it has everywhere and always, if there is one."""
        frames = 1.0 if self.frames is None else self.frames.constant
        varies = self.keyframes or self.steps or self.blocks or self.area is not None
        return None if varies or frames is None else self.strength * frames

    def by_frame(self, frames: int) -> torch.Tensor | None:
        """[F] factors; None where all are 1. AnimateDiffError for another number of frames."""
        factors = torch.ones(frames)
        if self.keyframes:
            factors = factors * torch.tensor(self._along(frames))
        if self.frames is not None:
            factors = factors * torch.tensor(self.frames.over(frames))
        return None if bool((factors == 1).all()) else factors

    def _along(self, frames: int) -> list[float]:
        """The keyframes; where one is of no such clip, only a run shows it."""
        try:
            return values_along(self.keyframes, frames)
        except AnimateDiffError as error:
            raise AnimateDiffError(
                f"keyframes of Motion Strength, for a clip of {counted(frames, 'frame')}: "
                f"{error.given}",
                error.expected,
                "correct the text in keyframes of Motion Strength.",
            ) from error

    @property
    def even(self) -> bool:
        """Whether the strength is the same at all pixels."""
        return self.area is None or self.strength == self.outside

    def by_pixel(self, frames: int) -> torch.Tensor | None:
        """[1 or F, H, W]; None where it is even. AnimateDiffError for another number of masks."""
        if self.area is None:
            return None
        if len(self.area) not in (1, frames):
            raise AnimateDiffError(
                f"area of Motion Strength has {counted(len(self.area), 'mask')} for a clip of "
                f"{counted(frames, 'frame')}.",
                f"one mask, or {frames}",
                "connect one mask to area of Motion Strength, or as many as the clip has frames.",
            )
        if self.even:
            return None
        return self.outside + self.area.float() * (self.strength - self.outside)


MotionStrength = tuple[StrengthField, ...]


def constant_strength(chain: MotionStrength) -> float:
    """The product of the output strengths that are numbers."""
    product = 1.0
    for each in chain:
        if each.kind is Kind.OUTPUT and each.constant is not None:
            product *= each.constant
    return product


def strength_effects(chain: MotionStrength) -> tuple[Effect, ...]:
    """All of the chain but what `constant_strength` says, as effects."""
    found = []
    for kind, effect in ((Kind.OUTPUT, OutputStrength), (Kind.ATTENTION, AttentionStrength)):
        fields = [each for each in chain if each.kind is kind and each.constant != 1]
        if kind is Kind.OUTPUT:
            fields = [each for each in fields if each.constant is None]
        if fields:
            found.append(effect(fields))
    return tuple(found)


class _Strength(Effect):
    """Fields of one kind, as settings."""

    in_call: type["_CallStrength"]

    def __init__(self, fields: Sequence[StrengthField]):
        self.fields = tuple(fields)
        self.said = f"{self.fields[0].kind.value} strength by {_said(self.fields)}"

    def for_run(self, run: MotionRun) -> "_RunningStrength":
        for each in self.fields:
            require_blocks(each.blocks, run.application.config, run.application.file)
        return _RunningStrength(self, run)


class _RunningStrength(Effect):
    """The same in one sampling run."""

    def __init__(self, settings: _Strength, run: MotionRun):
        self.settings, self.run = settings, run
        self.by_frame = [each.by_frame(run.frames) for each in settings.fields]
        self.by_pixel = [each.by_pixel(run.frames) for each in settings.fields]
        self.black = [area is not None and not area.any() for area in self.by_pixel]

    def for_call(self, call: MotionCall) -> "_CallStrength":
        return self.settings.in_call(self, call)

    def scaled(self, index: int, height: int, width: int, like: torch.Tensor) -> torch.Tensor:
        """The index-th field's values by pixel at the size of a site, [1 or F, h, w]."""
        values = self.by_pixel[index]
        assert values is not None
        return self.run.kept(
            (id(self), index, height, width, like.device),
            lambda: _resized(values, height, width).to(like.device),
        )


class _CallStrength(Effect):
    """The same in one call of the UNet."""

    def __init__(self, running: _RunningStrength, call: MotionCall):
        self.running, self.call = running, call
        self.numbers = [self._number(each) for each in running.settings.fields]
        self._kept: dict[tuple[int, int], torch.Tensor | None] = {}

    def _number(self, each: StrengthField) -> float:
        """What is the same for all frames, pixels and blocks."""
        step = value_at(each.steps, self.call.percent) if each.steps else 1.0
        return step * (each.strength if each.even else 1.0)

    def at(self, site: SiteCall) -> float | torch.Tensor:
        """The product at a block: a number, or [clips, F, 1, h or 1, w or 1]."""
        number = 1.0
        for factor, each in zip(self.numbers, self.running.settings.fields, strict=True):
            number *= factor * factor_of(each.blocks, site.site)
        if number == 0:
            return 0.0
        size = site.height, site.width
        if size not in self._kept:
            self._kept[size] = self._by_place(*size)
        values = self._kept[size]
        return number if values is None else values * number if number != 1 else values

    def _by_place(self, height: int, width: int) -> torch.Tensor | None:
        """[clips, F, 1, h or 1, w or 1]; None where no field differs by frame or pixel."""
        product: torch.Tensor | None = None
        sigmas = self.call.sigmas
        for index, by_frame in enumerate(self.running.by_frame):
            if by_frame is not None:
                values = self.call.per_frame(by_frame)[:, :, None, None].to(sigmas.device)
                product = values if product is None else product * values
            if self.running.by_pixel[index] is not None:
                values = self.running.scaled(index, height, width, sigmas)
                many = len(values) > 1
                values = self.call.per_frame(values) if many else values[None]
                product = values if product is None else product * values
        if product is None:
            return None
        repeats = len(sigmas) // (self.call.frames * len(self.call.parts))
        parts = product.expand(len(self.call.parts), *product.shape[1:])
        return parts.repeat(repeats, 1, 1, 1)[:, :, None]


class CallOutputStrength(_CallStrength):
    """x + s (T(x) - x)."""

    def __init__(self, running: _RunningStrength, call: MotionCall):
        super().__init__(running, call)
        self.off = any(map(self._is_zero, range(len(self.numbers))))

    def _is_zero(self, index: int) -> bool:
        """Whether a field is 0 at all frames of this call, all blocks and pixels."""
        each = self.running.settings.fields[index]
        by_frame = self.running.by_frame[index]
        blocks = (factor_of(each.blocks, site) for site in self.call.network.config.sites)
        return (
            self.numbers[index] == 0
            or (by_frame is not None and not self.call.per_frame(by_frame).any())
            or self.running.black[index]
            or not any(blocks)
        )

    def strength(self, site: SiteCall) -> float | torch.Tensor:
        values = self.at(site)
        by_frame = isinstance(values, torch.Tensor) and values.shape[1] > 1
        return site.at_hand(values) if by_frame else values  # type: ignore[arg-type]


class CallAttentionStrength(_CallStrength):
    """Keys times s."""

    def attend(self, site: SiteCall, index: int, attend: Attend, q, k, v) -> torch.Tensor:
        values = self.at(site)
        if isinstance(values, torch.Tensor):
            values = values.expand(-1, site.call.frames, -1, site.height, site.width)
            values = values.squeeze(2).permute(0, 2, 3, 1).flatten(0, 2)  # [(clips h w), F]
            values = site.at_hand(values[site.first : site.behind_last])[:, None, :, None].to(k)
        return attend(q, k * values, v)


class OutputStrength(_Strength):
    in_call = CallOutputStrength


class AttentionStrength(_Strength):
    in_call = CallAttentionStrength


def _said(fields: Sequence[StrengthField]) -> str:
    by = {
        "frame": any(each.keyframes or each.frames for each in fields),
        "area": any(each.area is not None for each in fields),
        "step": any(each.steps for each in fields),
        "block": any(each.blocks for each in fields),
    }
    return ", ".join(name for name, there in by.items() if there) or "a number"


def _resized(values: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """[n, h, w] of [n, H, W]."""
    return F.interpolate(values[:, None], size=(height, width), mode="bilinear")[:, 0]
