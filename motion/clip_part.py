"""Which frames of a longer clip a clip is."""

from dataclasses import dataclass
from typing import Any

from .errors import AnimateDiffError


@dataclass(frozen=True)
class ClipPart:
    """Frames `first` to `first` + `frames` - 1 of a whole of `whole` frames."""

    frames: int
    first: int
    whole: int

    @property
    def of_the_whole(self) -> range:
        return range(self.first, self.first + self.frames)

    @property
    def is_all(self) -> bool:
        return self.frames == self.whole


def clip_part(
    frames: int | None, latent: dict[str, Any] | None = None, first: int = 0, total: int = 0
) -> ClipPart:
    """Of a node's inputs; a latent's batch counts more than `frames`, which may be missing then.
    total 0: the part is the whole, or its end."""
    if latent is not None:
        frames = int(latent["samples"].shape[0])
    if frames is None:
        raise AnimateDiffError(
            "neither frames nor latent is given: it is not known how long the clip is.",
            "one of the two",
            "connect the clip's latent to latent, or set frames to its batch_size.",
        )
    end = first + frames
    if total and end > total:
        raise AnimateDiffError(
            f"this clip is frames {first} to {end - 1} of a whole, and total_frames is {total}.",
            f"first_frame + frames of at most {total}",
            "make total_frames the length of all parts together, or correct first_frame or the "
            "number of frames.",
        )
    return ClipPart(frames, first, total or end)
