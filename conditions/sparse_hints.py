"""The pictures of a SparseCtrl along a clip, and what its network sees of them."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import NamedTuple

import torch
import torch.nn.functional as F

from ..motion.call_frames import Part
from ..motion.errors import AnimateDiffError, counted
from .sparse_files import SparseKind
from .sparse_windows import EmptyWindows, pictures_of

PIXELS = 8  # of a picture to one of a latent, along each side
Encode = Callable[[torch.Tensor], torch.Tensor]  # [n, 3, H, W] in 0..1 to latents [n, 4, h, w]
Size = tuple[int, int]  # of the latents: height, width


class Seen(NamedTuple):
    """hint: [k + 1, channels, ...]: the k pictures that a call needs, mask last, and a frame
    without one; rows: for each frame of the call which of them it has; taking_part: 1 in frames
    of parts that have a picture, 0 in others, None where all have."""

    hint: torch.Tensor
    rows: torch.Tensor
    taking_part: torch.Tensor | None = None


class SparseHints:
    """Pictures [n, 3 or 4, H, W] of a clip's n frames, or of its first frame alone. A fourth
    channel is the mask: frames in which it is 0 everywhere have no picture.

    What the network sees is made once per size and kept, for all copies of a control, until
    somebody clears it. It lies where the pictures do.
    """

    def __init__(self, images: torch.Tensor, kind: SparseKind):
        if images.ndim != 4 or images.shape[1] not in (3, 4):
            raise AnimateDiffError(
                f"the images of a SparseCtrl have the shape {list(images.shape)}.",
                "pictures in colour, or what Sparse Frames makes of them",
                "connect Sparse Frames, or pictures, to image of Apply ControlNet.",
            )
        self.images, self.kind = images, kind
        self._made: dict[Size, torch.Tensor] = {}
        self._making = Lock()  # newer hosts sample on several devices at a time
        masked = images.shape[1] == 4
        shown = images[:, 3].flatten(1).amax(dim=1) > 0 if masked else torch.ones(len(images))
        self._place = {n: k for k, n in enumerate(shown.nonzero().flatten().tolist())}

    def anew(self) -> "SparseHints":
        """The same pictures with nothing made of them yet."""
        return SparseHints(self.images, self.kind)

    def clear(self) -> None:
        self._made = {}

    def require_length(self, frames: int, clips: int) -> None:
        """AnimateDiffError unless there is a picture for every frame, or one."""
        count = self.images.shape[0]
        if count in (1, frames, frames * clips):
            return
        of = " of Sparse Frames" if self.images.shape[1] == 4 else ""
        raise AnimateDiffError(
            f"a SparseCtrl has {counted(count, 'image')}{of}, and the clip has "
            f"{counted(frames, 'frame')}.",
            f"{counted(frames, 'image')}{of}, or one, which is the first frame",
            "put Sparse Frames between the images and Apply ControlNet: it says which frames they "
            f"are. Set its frames to {frames}, or connect the clip's latent to it.",
        )

    def seen(
        self,
        size: Size,
        parts: Sequence[Part],
        frames: int,
        encode: Encode,
        like: torch.Tensor,
        empty: EmptyWindows = EmptyWindows.NEAREST,
    ) -> Seen | None:
        """What the network sees of these parts of clips with so many frames, None where that is no
        picture; like: where, and as what kind of numbers."""
        places = [pictures_of(p.frames, self._shown_in(p.clip, frames), empty) for p in parts]
        used = sorted({place for part in places for place in part if place is not None})
        if not used:
            return None
        made = self._made_for(size, encode)
        hint = made[[*used, len(made) - 1]]
        rows = [len(used) if p is None else used.index(p) for part in places for p in part]
        with_picture = [any(p is not None for p in part) for part in places]
        taking_part = None
        if not all(with_picture):
            by_frame = torch.tensor(with_picture).repeat_interleave(len(places[0]))
            taking_part = by_frame.to(like)[:, None, None, None]
        return Seen(hint.to(like), torch.tensor(rows, device=like.device), taking_part)

    def _shown_in(self, clip: int, frames: int) -> dict[int, int]:
        """The pictures of a clip by its frames; a single one is the first frame of every clip."""
        first = 0 if self.images.shape[0] in (1, frames) else clip * frames
        return {
            index - first: place
            for index, place in self._place.items()
            if first <= index < first + frames
        }

    def _made_for(self, size: Size, encode: Encode) -> torch.Tensor:
        """[pictures + 1, channels, ...]; the last is of a frame without one."""
        with self._making:
            if size not in self._made:
                self._made[size] = self._make(size, encode)
            return self._made[size]

    def _make(self, size: Size, encode: Encode) -> torch.Tensor:
        pixels = (size[0] * PIXELS, size[1] * PIXELS)
        rgb = self.kind is SparseKind.RGB
        fine = size if rgb else pixels
        made = self.images.new_zeros([len(self._place) + 1, self.kind.channels + 1, *fine])
        if self._place:
            images = _cropped(self.images[list(self._place)].float(), pixels)
            shown = _resized(images[:, :3], pixels)
            made[:-1, :-1] = encode(shown) if rgb else as_drawings(shown)
            mask = images[:, 3:] if images.shape[1] == 4 else torch.ones_like(images[:, :1])
            made[:-1, -1:] = F.interpolate(mask, fine, mode="nearest-exact")
        return made


def as_drawings(images: torch.Tensor) -> torch.Tensor:
    """[n, 3, H, W] as the authors' `normalize_condition_images`: each picture grey, its darkest
    pixel 0 and its brightest 1; one without contrast is 0 everywhere."""
    grey = images.mean(dim=1, keepdim=True)
    grey = grey - grey.amin(dim=(2, 3), keepdim=True)
    most = grey.amax(dim=(2, 3), keepdim=True)
    return (grey / most.masked_fill(most == 0, 1)).expand(-1, 3, -1, -1)


def _cropped(images: torch.Tensor, size: Size) -> torch.Tensor:
    """The middle of pictures [n, c, H, W], in the proportions of the size."""
    height, width = images.shape[2:]
    kept_height = min(height, max(1, round(width * size[0] / size[1])))
    kept_width = min(width, max(1, round(height * size[1] / size[0])))
    top, left = (height - kept_height) // 2, (width - kept_width) // 2
    return images[:, :, top : top + kept_height, left : left + kept_width]


def _resized(images: torch.Tensor, size: Size) -> torch.Tensor:
    """Thin lines stay where pictures become smaller."""
    if images.shape[2:] == size:
        return images
    return F.interpolate(images, size, mode="bilinear", antialias=True)
