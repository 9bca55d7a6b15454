"""Where the temporal blocks of a motion module go in a model, and whether they fit there.

A placement knows one kind of model. SD1.5's UNet is one (unet_placement.py). ControlNets with
motion modules of their own and the blocks of a DiT can be others: whoever attaches a motion module
asks its placement and knows no layout. SDXL's is in sdxl_placement.py.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from torch import nn

from .config import MotionConfig, Site
from .errors import AnimateDiffError
from .frame_sharing import FrameSharing


class Slot(Protocol):
    """A parameterless module that stands for a temporal block for the length of a forward."""

    name: str
    site: Site


class Placement(Protocol):
    """One kind of model. A host is what the placement's model computes with: the UNet."""

    expected: str  # the kind in words, for a user who brought another one

    def takes(self, config: MotionConfig) -> bool:
        """Whether motion modules of this structure are for this kind of model."""
        ...

    def accepts(self, model: Any) -> bool:
        """Whether the patched model is of this kind."""
        ...

    def host(self, model: Any) -> nn.Module:
        """What the blocks go into, of the model that is running (no patcher: its `.model`)."""
        ...

    def channels(self, host: nn.Module) -> Mapping[Site, int]:
        """Every site that this host has, and how many channels it has there."""
        ...

    def inserted(self, host: nn.Module, slots: Iterable[Any]) -> AbstractContextManager[None]:
        """The host with these slots in place, whose modules run when their turn comes;
        afterwards, also after an exception, without them. One slot can be at ENTRY: behind the
        layer through which latents come in."""
        ...

    def routed(self, transformer_options: dict) -> dict:
        """Options of one call under which this kind of host runs its slots."""
        ...

    def pooled_over_frames(
        self, host: nn.Module, frames: int, sharing: FrameSharing | None = None
    ) -> AbstractContextManager[None]:
        """The norms that v1 pooled over the frames do so: see cross_frame_norm.py. sharing: of the
        frames, where the host's deep levels have fewer of them."""
        ...


def require_kind(model: Any, placement: Placement) -> None:
    """Raise AnimateDiffError unless the patched model is of the kind."""
    if not placement.accepts(model):
        raise wrong_kind(model, placement)


def wrong_kind(
    model: Any, placement: Placement, file: str = "", fitting: str = ""
) -> AnimateDiffError:
    """file: a motion module for the placement's kind; fitting: one for the model's."""
    config = getattr(model.model, "model_config", None)
    kind = type(config).__name__ if config is not None else type(model.model).__name__
    other = f", or choose a motion module for this one, such as {fitting}" if fitting else ""
    wanted = f" for '{file}'" if file else ""
    return AnimateDiffError(
        f"the model is of the kind {kind}.",
        f"{placement.expected}{wanted} (motion modules fit one kind of model each)",
        f"load {placement.expected} in Load Checkpoint{other}.",
    )


def require_fit(channels: Mapping[Site, int], config: MotionConfig, file: str) -> None:
    """Raise AnimateDiffError unless every site of the file is among those of the model."""
    for site, wanted in config.channels.items():
        if site not in channels:
            raise _no_fit(file, f"the UNet has no place for {site.key}")
        if channels[site] != wanted:
            found = f"{wanted} channels where the UNet has {channels[site]}"
            raise _no_fit(file, f"{site.key} has {found}")


def _no_fit(file: str, what: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"'{file}' does not fit this model: {what}.",
        "a motion module and a checkpoint of the same architecture",
        "use a full checkpoint, none that was made smaller, and a motion module for its kind of "
        "model; one of the two has other shapes.",
    )
