"""Where the clips come from: a batch of images, or a folder of videos."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from ..motion.errors import AnimateDiffError
from .augment import Augmentation, views
from .clips import split_clips, take_clip
from .videos import frames_of, pixels_of, video_files

ONE_SOURCE = "either images or video_folder"


class Footage(NamedTuple):
    """Clips that have names already and are read one after the other, frame by frame."""

    names: list[str]
    frames: int  # of each clip
    read: Callable[[], Iterator[Iterable[torch.Tensor]]]  # frames as `views` takes them

    def cropped(
        self,
        augmentation: Augmentation,
        width: int,
        height: int,
        on_clip: Callable[[], None],
        stills: list[torch.Tensor] | None = None,
    ) -> list[torch.Tensor]:
        """All clips, [F, height, width, 3]; fp16, which is eight times as fine as 8 bits.

        stills: a list that the same clips are put into with the camera held still, see `views`.
        """
        moving, still = (
            views(augmentation, self.frames, width, height, held) for held in (False, True)
        )
        clips = []
        for clip in self.read():
            seen, held = [], []
            for frame, view, still_view in zip(clip, moving, still, strict=True):
                seen.append(view(frame[..., :3]).half())
                if stills is not None:
                    held.append(still_view(frame[..., :3]).half())
            clips.append(torch.stack(seen))
            on_clip()
            if stills is not None:
                stills.append(torch.stack(held))
                on_clip()
        return clips


def find_footage(
    images: torch.Tensor | None, folder: Path | None, frames_per_clip: int, stride: int
) -> Footage:
    """The one source that was given; its faults that show without decoding show here."""
    if images is not None and folder is not None:
        raise AnimateDiffError(
            f"images is connected, and video_folder is '{folder}'.",
            ONE_SOURCE,
            "unplug images, or empty video_folder.",
        )
    if images is not None:
        clips = split_clips(images, frames_per_clip)
        names = [f"number {i + 1}" for i in range(len(clips))]
        return Footage(names, frames_per_clip, lambda: iter(clips))
    if folder is None:
        raise AnimateDiffError(
            "there is nothing to train on: images is not connected, and video_folder is empty.",
            ONE_SOURCE,
            "connect the frames of the clips to images, or write the name of a folder with "
            "videos into video_folder.",
        )

    files = video_files(folder)

    def read() -> Iterator[Iterable[torch.Tensor]]:
        for file in files:
            clip = take_clip(frames_of(file), frames_per_clip, stride, file.name)
            yield map(partial(pixels_of, file), clip)

    return Footage([file.name for file in files], frames_per_clip, read)
