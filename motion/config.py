"""What a motion module file holds, read off its keys and shapes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

HEADS = 8  # every published motion module; the files do not record it
DOWN_LEVELS, DOWN_SITES = 4, 2  # SD1.5: four levels with two ResBlocks each ...
UP_LEVELS, UP_SITES = 4, 3  # ... and three on the way up
SDXL_LEVELS = 3  # SDXL: one level less, with as many


class Version(str, Enum):
    """The families of motion modules, told apart by structure alone."""

    V1 = "v1"
    V2 = "v2"
    V3 = "v3"
    ANIMATE_LCM = "AnimateLCM"
    PIA = "PIA"  # v1's structure and norms with v3's table, and a part for a picture
    ANIMATE_LCM_I2V = "AnimateLCM-I2V"  # AnimateLCM with a part for a picture
    HOTSHOT_XL = "HotshotXL"
    SDXL_BETA = "SDXL beta"
    SPACE_TIME = "space-time"


class Norms(str, Enum):
    """How the UNet's resnet norms see a clip: as the motion module was trained."""

    AUTO = "auto"
    PER_FRAME = "per frame"
    OVER_ALL_FRAMES = "over all frames"
    OF_V1_FOR_V2 = "over all frames for v1 and v2"


class Layout(str, Enum):
    """How the file names its tensors."""

    ORIGINAL = "original"
    DIFFUSERS = "diffusers"
    HOTSHOT_XL = "HotshotXL"


class Site(NamedTuple):
    """One place for a temporal block, in AnimateDiff's own numbering."""

    block: str  # "down", "mid" or "up"
    level: int
    index: int

    @property
    def key(self) -> str:
        """Prefix of this site's tensors in the original layout."""
        if self.block == "mid":
            return f"mid_block.motion_modules.{self.index}"
        return f"{self.block}_blocks.{self.level}.motion_modules.{self.index}"


def resolution_of(site: Site, levels: int) -> int:
    """At which of a UNet's resolutions a site is; 0 is the finest, of the latents."""
    return {"up": levels - 1 - site.level, "mid": levels - 1}.get(site.block, site.level)


ENTRY = Site("in", 0, 0)  # no temporal block's: behind the layer through which latents come in


def unet_sites(levels: int, mid_block: bool) -> Iterator[Site]:
    """The sites of a UNet's motion module, in the order they run: of SD1.5 20 and of SDXL 15, and
    one more with a mid block."""
    yield from (Site("down", level, i) for level in range(levels) for i in range(DOWN_SITES))
    if mid_block:
        yield Site("mid", 0, 0)
    yield from (Site("up", level, i) for level in range(levels) for i in range(UP_SITES))


def sd15_sites(mid_block: bool) -> Iterator[Site]:
    """The 20 sites of an SD1.5 motion module, 21 with a mid block, in the order they run."""
    return unet_sites(DOWN_LEVELS, mid_block)


@dataclass(frozen=True)
class MotionConfig:
    """Structure of a motion module.

    channels: channel count per site, in the order they run; position_length: rows of the
    position table, the most frames the module can see at once; cross_frame_norm: the UNet's
    resnet norms pool over the frames, as v1 (guoyww/AnimateDiff, `use_inflated_groupnorm: false`)
    and HotshotXL were trained; own_table: the file has a position table; attentions: of
    each block, one after the other; own_norm_over_frames: each block's own first norm pools over
    the frames, as in guoyww/AnimateDiff's branch sdxl; space_time: a space-time U-Net's part, with
    convolutions in place of attention in all but the coarsest resolution (see space_time.py).
    """

    version: Version
    layout: Layout
    channels: Mapping[Site, int]
    position_length: int
    cross_frame_norm: bool
    heads: int = HEADS
    own_table: bool = True
    attentions: int = 2
    own_norm_over_frames: bool = False
    space_time: bool = False

    def __post_init__(self):
        uneven = {s.key: c for s, c in self.channels.items() if c % self.heads or c % 32}
        if uneven:
            raise ValueError(f"channels must divide by {self.heads} heads and 32 groups: {uneven}")
        if self.position_length < 2:
            raise ValueError(f"a position table of {self.position_length} rows cannot hold a clip")

    def with_norms(self, norms: Norms) -> "MotionConfig":
        """The same structure, for a UNet whose norms are these."""
        if norms is Norms.AUTO or (norms is Norms.OF_V1_FOR_V2 and self.version is not Version.V2):
            return self
        return replace(self, cross_frame_norm=norms is not Norms.PER_FRAME)

    @property
    def mid_block(self) -> bool:
        return any(site.block == "mid" for site in self.channels)

    @property
    def levels(self) -> int:
        """How many resolutions the UNet has that it is made for."""
        return 1 + max(site.level for site in self.channels)

    @property
    def sites(self) -> list[Site]:
        return list(self.channels)

    def attends_at(self, site: Site) -> bool:
        """Whether a block attends along the frames there, or convolves."""
        return not self.space_time or resolution_of(site, self.levels) == self.levels - 1

    def __str__(self) -> str:
        norms = ", norms over all frames" if self.cross_frame_norm else ""
        return (
            f"{self.version.value}, {len(self.channels)} modules, "
            f"up to {self.position_length} frames at once{norms}"
        )
