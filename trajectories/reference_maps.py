"""What a reference motion is: where each frame of each pixel attends most, and how much.

MotionClone (Ling et al. 2024, arXiv 2406.05338), section 3.2: of the temporal attention's
probabilities only the greatest of each query counts, since the others are noise and appearance.
Taken of both attentions of the blocks on the way up at a quarter of the latents' size (SD1.5's
up_blocks.1, as the authors have it).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NamedTuple

import torch

from ..motion.call import MotionCall, SiteCall
from ..motion.config import MotionConfig, Site, resolution_of
from ..motion.effects import Effect
from ..motion.run import MotionRun

RESOLUTION = 2  # halvings of the latents' height and width
SCALE = 2000.0  # the authors', of the sum of mean squared differences
QUERIES = 16 * 16 * 16  # theirs: pixels and frames at 512 x 512


class Place(NamedTuple):
    """One attention of one motion module. view: of the frames, which are at hand there."""

    application: str
    site: Site
    index: int
    view: tuple[int, ...] | None


class Strongest(NamedTuple):
    """Of every query the key with the greatest probability: [S, heads, F] each, for the S
    sequences of a call's parts."""

    value: torch.Tensor
    key: torch.Tensor

    def at(self, first: int, behind_last: int) -> Strongest:
        """Of these sequences of a batch, which holds the parts once per conditioning."""
        rows = torch.arange(first, behind_last, device=self.value.device) % len(self.value)
        return Strongest(self.value[rows], self.key[rows].long())


Maps = dict[Place, Strongest]


def observed_sites(config: MotionConfig, resolution: int = RESOLUTION) -> tuple[Site, ...]:
    """Those of a motion module whose attention is looked at; none where it has none there."""
    return tuple(
        site
        for site in config.sites
        if site.block == "up"
        and resolution_of(site, config.levels) == resolution
        and config.attends_at(site)
    )


def probabilities(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """[S, heads, F, F] of q and k [S, heads, F, c], in fp32."""
    return (q.float() @ k.float().transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(dim=-1)


class Enough(Exception):
    """Ends a call of the UNet from within, where nothing behind is of interest."""


@dataclass(eq=False)
class Observation:
    """One call of the UNet that is looked at. Ends it, by `Enough`, when all that is expected was
    seen."""

    resolution: int = RESOLUTION
    expected: set[tuple[str, Site]] = field(default_factory=set)
    passed: set[tuple[str, Site]] = field(default_factory=set)

    def see(self, place: Place, site: SiteCall, q: torch.Tensor, k: torch.Tensor) -> None:
        raise NotImplementedError

    def behind(self, application: str, site: Site) -> None:
        """After a block."""
        self.passed.add((application, site))
        if self.passed >= self.expected:
            self.complete()
            raise Enough

    def complete(self) -> None:
        """All was seen, and the call is still under way."""


@dataclass(eq=False)
class Noting(Observation):
    """What the reference's maps are."""

    slices: dict[Place, list[Strongest]] = field(default_factory=dict)

    def see(self, place: Place, site: SiteCall, q: torch.Tensor, k: torch.Tensor) -> None:
        value, key = probabilities(q, k).max(dim=-1)
        small = torch.uint8 if q.shape[-2] <= 256 else torch.int16
        self.slices.setdefault(place, []).append(Strongest(value, key.to(small)))

    @property
    def maps(self) -> Maps:
        return {
            place: Strongest(*(torch.cat(each) for each in zip(*slices, strict=True)))
            for place, slices in self.slices.items()
        }


@dataclass(eq=False)
class Comparing(Observation):
    """How far a call is from the reference, and with x, which it was given, which way it is
    nearer.

    The gradient is that of the authors' loss at their size: so that it does not depend on the
    size, nor on how many frames there are, it is a sum over pixels and frames divided by theirs.
    """

    x: torch.Tensor | None = None
    maps: Maps = field(default_factory=dict)
    sums: dict[Place, list[torch.Tensor]] = field(default_factory=dict)
    queries: dict[Place, int] = field(default_factory=dict)
    gradient: torch.Tensor | None = None
    found: list[torch.Tensor] = field(default_factory=list)
    done: bool = False

    def see(self, place: Place, site: SiteCall, q: torch.Tensor, k: torch.Tensor) -> None:
        reference = self.maps.get(place)
        if reference is None:
            return
        wanted = reference.at(site.first, site.behind_last)
        found = probabilities(q, k).gather(-1, wanted.key[..., None])[..., 0]
        off = (found - wanted.value).square()
        if not self.done:  # layers are computed again in the backward pass
            self.sums.setdefault(place, []).append(off.sum() / off.shape[1])
            self.queries[place] = self.queries.get(place, 0) + off.shape[0] * off.shape[2]

    def complete(self) -> None:
        if self.sums and self.x is not None:
            self.done = True
            total = torch.stack([torch.stack(sums).sum() for sums in self.sums.values()]).sum()
            self.gradient = torch.autograd.grad(total * (SCALE / QUERIES), self.x)[0]
            self.found = [
                torch.stack(sums).sum().detach() / self.queries[place]
                for place, sums in self.sums.items()
            ]

    @property
    def loss(self) -> float:
        """The authors'. Waits for the device."""
        return SCALE * float(sum(self.found))

    def forget(self) -> None:
        """What leads to the layers of a call, which lead here: nobody would let go of the two."""
        self.sums.clear()
        self.x = None


_looking: ContextVar[Observation | None] = ContextVar("animatediff_native_looking", default=None)


@contextmanager
def looking(observation: Observation) -> Iterator[None]:
    """Calls of the UNet in this thread are looked at, for as long as the block lasts."""
    token = _looking.set(observation)
    try:
        yield
    finally:
        _looking.reset(token)


@dataclass(frozen=True, eq=False)
class ObservedAttention(Effect):
    """Of a model whose calls can be looked at: nothing else is done, and nothing at other calls.

    application: whose run it is in.
    """

    application: str = ""

    def for_run(self, run: MotionRun) -> Effect:
        return ObservedAttention(run.application.id)

    def for_call(self, call: MotionCall) -> Effect | None:
        looked = _looking.get()
        if looked is None:
            return None
        sites = observed_sites(call.network.config, looked.resolution)
        looked.expected.update((self.application, site) for site in sites)
        return _Observed(self.application, frozenset(sites), looked) if sites else None


@dataclass(frozen=True, eq=False)
class _Observed(Effect):
    application: str
    sites: frozenset[Site]
    looked: Observation

    def attend(self, site: SiteCall, index: int, attend, q, k, v) -> torch.Tensor:
        if site.site in self.sites:
            place = Place(self.application, site.site, index, site.view)
            self.looked.see(place, site, q, k)
        return attend(q, k, v)

    def after(self, site: SiteCall, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if site.site in self.sites:
            self.looked.behind(self.application, site.site)
        return y
