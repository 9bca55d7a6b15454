"""What takes part in a motion module's calls beside its weights: effects, at eight points of a
temporal block and at the UNet's entry.

An effect overrides the points that it uses; a point that nobody uses costs nothing. Where several
effects use one point, each is around the one before it. What an effect holds are settings, the
same for every run: what it prepares for a sampling run or for a call is another effect, made by
`for_run` and `for_call`, that goes when the run or the call is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from .config import Version

if TYPE_CHECKING:
    from .call import MotionCall, SiteCall
    from .run import MotionRun

Layer = Callable[[torch.Tensor], torch.Tensor]
Attend = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
Rows = torch.Tensor | None  # see Effect.rows
AlongFrames = Callable[["SiteCall", torch.Tensor, Rows], torch.Tensor]
POINTS = (
    "entry",
    "strength",
    "before",
    "attentions",
    "attention",
    "rows",
    "linear",
    "attend",
    "after",
)
NO_LIMIT = 1 << 20  # frames; more than any clip has


class Effect:
    """One that does nothing. `site` tells each point where it is: frames, pixels and clips.

    S: the sequences (pixels of clips) of the slice at work; F: frames that see each other;
    C: channels of the site.

    companion: a model of the effect's own, in a patcher, which the host loads with the motion
    module; MotionCall.companion gives its network.
    picture_for: the version of motion modules that this effect gives their picture.
    off: of what for_call gives out, whether the motion module takes no part in that call.
    whole_clips: whether the slices have to be of whole clips, all pixels of them.
    said: what the log of a run says of it.
    """

    companion: Any = None
    picture_for: Version | None = None
    off = False
    whole_clips = False
    said = ""

    def require(self, file: str, rows: int) -> None:
        """AnimateDiffError, where a motion module is applied, if it cannot be with this file, whose
        position table has so many rows."""

    def require_host(self, file: str, host: nn.Module) -> None:
        """The same for the model: host is what the motion module's placement computes with."""

    def for_run(self, run: MotionRun) -> Effect:
        """This effect in a sampling run; AnimateDiffError, before sampling, where it cannot be."""
        return self

    def for_call(self, call: MotionCall) -> Effect | None:
        """This effect in a call of the UNet; None where it takes no part in it."""
        return self

    def frames_at_once(self, frames: int) -> int:
        """How many frames the motion module can see at once, where it is this many without."""
        return frames

    def entry(self, call: MotionCall, x: torch.Tensor) -> torch.Tensor:
        """Once per call: what goes on into the UNet in place of x [(clips F), C, h, w], which its
        first layer made of the latents."""
        return x

    def strength(self, site: SiteCall) -> float | torch.Tensor:
        """Once per block, first: a factor of what the block adds to its input.

        A number, or a tensor that broadcasts to [clips, F, 1, h, w].
        """
        return 1.0

    def before(self, site: SiteCall, x: torch.Tensor) -> torch.Tensor:
        """Once per block: what goes into it in place of x, [(clips F), C, h, w]."""
        return x

    def attentions(
        self, site: SiteCall, attentions: AlongFrames, x: torch.Tensor, rows: Rows
    ) -> torch.Tensor:
        """Once per slice: what x [S, F, C] is after both attentions, with what they are added to.
        It may call with some of the frames and `site.in_view` of them; x is used up by a call."""
        return attentions(site, x, rows)

    def attention(
        self, site: SiteCall, index: int, attention: AlongFrames, x: torch.Tensor, rows: Rows
    ) -> torch.Tensor:
        """Once per slice and attention, the index-th of the block: what it adds, [S, F, C], for
        x of that shape, normalised. x is used up by a call."""
        return attention(site, x, rows)

    def rows(self, site: SiteCall, rows: torch.Tensor) -> torch.Tensor:
        """Once per slice and attention, for the table that the frames' positions come from.

        rows: [F, L]: how much of each of the table's L rows every frame has. None where the
        F frames have the first F rows, and nobody uses this point.
        """
        return rows

    def linear(self, site: SiteCall, name: str, layer: Layer, x: torch.Tensor) -> torch.Tensor:
        """Once per slice and linear layer: its output [S, F, out] for x [S, F, in].

        name: the layer's place in the temporal transformer, as in state-dict keys.
        """
        return layer(x)

    def attend(self, site: SiteCall, index: int, attend: Attend, q, k, v) -> torch.Tensor:
        """Once per slice and attention, the index-th of the block: the attended values
        [S, heads, F, C / heads] for q, k and v of that shape."""
        return attend(q, k, v)

    def after(self, site: SiteCall, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Once per block, last: what leaves it in place of y; x: what went into it, y: that and
        what the block added. Both [(clips F), C, h, w]."""
        return y


class CallEffects:
    """The effects that take part in one call, by the points that they use."""

    def __init__(self, effects: Iterable[Effect]):
        effects = tuple(effects)
        (
            self.entry,
            self.strength,
            self.before,
            self.attentions,
            self.attention,
            self.rows,
            self.linear,
            self.attend,
            self.after,
        ) = (tuple(effect for effect in effects if _uses(effect, point)) for point in POINTS)
        self.whole_clips = any(effect.whole_clips for effect in effects)

    def __bool__(self) -> bool:
        return any(getattr(self, point) for point in POINTS)


def _uses(effect: Effect, point: str) -> bool:
    return getattr(type(effect), point) is not getattr(Effect, point)
