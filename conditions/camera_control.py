"""CameraCtrl beside a motion module: an effect.

He et al., "CameraCtrl" (arXiv 2404.02101), section 3.3: the first attention of every temporal block
but the mid block's takes n + e (W (n + c) + b) in place of n, which is its normalised input with
the positions; c is the encoder's map of the block's size, W and b are the block's own. The poses
are those of the frames that see each other, relative to the first of them, as in
AnimateDiff-Evolved.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F

from ..motion.call import MotionCall, SiteCall
from ..motion.config import resolution_of
from ..motion.effects import AlongFrames, Effect, Rows
from ..motion.errors import AnimateDiffError, counted
from ..motion.frame_strengths import FrameStrengths
from ..motion.load import MotionModule
from ..motion.run import MotionRun
from .camera_encoder import PATCH, CameraNetwork, camera_sites
from .camera_poses import CameraPath
from .camera_rays import camera_rays

log = logging.getLogger("animatediff_native")

MOST_KEPT = 1 << 29  # bytes of maps; of 16 frames at 512 px in fp16 they are 76 MB
Maps = list[torch.Tensor]  # per level [F, C, h, w]


class CameraControl(Effect):
    """companion: the network of a CameraCtrl file, in a patcher; amount: e; frames: factors of it
    by frame. A training gives `path` anew before every step."""

    def __init__(
        self,
        companion: Any,
        path: CameraPath,
        amount: float = 1.0,
        frames: FrameStrengths | None = None,
    ):
        self.companion = companion
        self.path = path
        self.amount = amount
        self.frames = frames
        self.said = f"camera path of {counted(len(path), 'pose')}"

    def for_run(self, run: MotionRun) -> RunCamera:
        factors = [1.0] * run.frames if self.frames is None else self.frames.over(run.frames)
        if len(self.path) < run.frames:
            log.warning(
                "AnimateDiff: the camera path has %s for a clip of %s: the last pose is held. "
                "Set frames of the path's node to the clip's length.",
                counted(len(self.path), "pose"),
                counted(run.frames, "frame"),
            )
        return RunCamera(self, torch.tensor(factors) * self.amount)


class RunCamera(Effect):
    """The same in a run; strengths: [frames of a clip]."""

    def __init__(self, settings: CameraControl, strengths: torch.Tensor):
        self.settings = settings
        self.strengths = strengths
        self.maps = Kept(MOST_KEPT)
        self._said_views = False

    def for_call(self, call: MotionCall) -> CallCamera | None:
        """None where no frame of the call has any strength."""
        strengths = call.per_frame(self.strengths)
        if not strengths.any():
            return None
        network: Any = call.companion(self.settings.companion)
        self._say_views(call.frames, network.rows)
        return CallCamera(self, network, strengths)

    def _say_views(self, frames: int, rows: int) -> None:
        if frames > rows and not self._said_views:
            self._said_views = True
            log.info(
                "AnimateDiff: CameraCtrl's encoder knows %d positions, and %d frames are seen at "
                "once: it sees them in overlapping parts.",
                rows,
                frames,
            )

    def maps_of(self, network: CameraNetwork, frames: tuple[int, ...], x: torch.Tensor) -> Maps:
        """The encoder's maps of frames of a clip, for latents of the size of x [.., .., h, w]."""

        def make() -> Maps:
            size = [PATCH * side for side in x.shape[-2:]]
            rays = camera_rays(self.settings.path.at(frames), *size, device=x.device)
            return network(rays.to(x.dtype))

        key = (frames, tuple(x.shape[-2:]), x.device, x.dtype)
        return self.maps.get(key, make)


class CallCamera(Effect):
    """The same in a call; strengths: [parts, F]."""

    def __init__(self, run: RunCamera, network: CameraNetwork, strengths: torch.Tensor):
        self.run = run
        self.network = network
        self.strengths = strengths
        self._maps: list[Maps] = []  # by part
        self._tokens: dict[Hashable, torch.Tensor] = {}

    def entry(self, call: MotionCall, x: torch.Tensor) -> torch.Tensor:
        """x has the latents' size; it goes on as it is."""
        self._maps = [self.run.maps_of(self.network, part.frames, x) for part in call.parts]
        return x

    def attention(
        self, site: SiteCall, index: int, attention: AlongFrames, x: torch.Tensor, rows: Rows
    ) -> torch.Tensor:
        merge = self.network.merge(site.site) if index == 0 else None
        if merge is None:
            return attention(site, x, rows)
        (block,) = site.call.network.at(site.site).transformer_blocks  # type: ignore[misc]
        table = block.attention_blocks[0].pos_encoder  # type: ignore[union-attr]
        seen = x + site.positions(table, x, rows).to(x.dtype)  # type: ignore[arg-type]
        for sequences, part, pixels in site.pieces():
            seen[sequences] += self._seen(site, part)[pixels]
        added = merge(seen)
        strengths = site.at_hand(self.strengths).to(added)[..., None]
        for sequences, part, _ in site.pieces():
            added[sequences] *= strengths[part]
        return attention(site, x + added, rows)

    def _seen(self, site: SiteCall, part: int) -> torch.Tensor:
        """[h w, F, C]: the map of a part at this site, of the frames at hand."""
        level, size = resolution_of(site.site, len(self.network.widths)), (site.height, site.width)
        key = (part, level, size)
        if key not in self._tokens:
            seen = self._maps[part][level]
            if seen.shape[-2:] != size:  # another node has the UNet work at another size there
                seen = F.interpolate(seen, size, mode="bilinear", align_corners=False)
            self._tokens[key] = seen.permute(2, 3, 0, 1).flatten(0, 1)
        tokens = self._tokens[key]
        return tokens if site.view is None else tokens[:, list(site.view)]


class Kept:
    """What was made last, as long as it is not too large together. Windows that move are others
    in every step."""

    def __init__(self, most: int):
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Maps] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Maps]) -> Maps:
        with self._lock:
            found = self._kept.pop(key, None)
            self._kept[key] = found = make() if found is None else found
            while len(self._kept) > 1 and sum(map(_bytes, self._kept.values())) > self._most:
                self._kept.popitem(last=False)
            return found


def _bytes(maps: Maps) -> int:
    return sum(each.numel() * each.element_size() for each in maps)


def with_camera(module: MotionModule, effect: CameraControl, file: str) -> MotionModule:
    """The motion module also with this effect, beneath all others: those that show an attention
    only some of the frames are around it. file: of the effect's network."""
    require_places(module, effect.companion.model, file)
    return replace(module, effects=(effect, *module.effects))


def require_places(module: MotionModule, network: CameraNetwork, file: str) -> None:
    """AnimateDiffError unless the motion module has the blocks that the file is for."""
    wanted = {site: network.channels(site) for site in camera_sites(len(network.widths))}
    found = {s: c for s, c in module.config.channels.items() if s.block != "mid"}
    if wanted == found:
        return
    site = next(s for s in (*wanted, *found) if wanted.get(s) != found.get(s))
    raise AnimateDiffError(
        f"'{file}' does not fit '{module.file}': at {site.key} it is for "
        f"{_channels(wanted.get(site))}, and the motion module has {_channels(found.get(site))}.",
        "a CameraCtrl file and a motion module of the same structure",
        "choose an SD1.5 motion module: v3_sd15_mm.ckpt, which CameraCtrl was trained with.",
    )


def _channels(number: int | None) -> str:
    return "nothing" if number is None else counted(number, "channel")
