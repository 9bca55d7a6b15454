"""Where the clips come from: a batch of images, or a folder of videos."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from ..motion.errors import AnimateDiffError
from .augment import Augmentation, augmented
from .clips import split_clips, take_clip
from .videos import read_videos, video_files

ONE_SOURCE = "either images or video_folder"


class Footage(NamedTuple):
    """Clips that have names already and are read one after the other."""

    names: list[str]
    read: Callable[[], Iterator[torch.Tensor]]  # each [F, H, W, C] in 0 to 1

    def cropped(
        self,
        augmentation: Augmentation,
        width: int,
        height: int,
        on_clip: Callable[[], None],
        still: bool = False,
    ) -> list[torch.Tensor]:
        """All clips, [F, height, width, 3]; fp16, which is eight times as fine as 8 bits.

        still: with the camera held still, see `augmented`.
        """
        clips = []
        for clip in self.read():
            clips.append(augmented(clip[..., :3], augmentation, width, height, still).half())
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
        return Footage([f"number {i + 1}" for i in range(len(clips))], lambda: iter(clips))
    if folder is None:
        raise AnimateDiffError(
            "there is nothing to train on: images is not connected, and video_folder is empty.",
            ONE_SOURCE,
            "connect the frames of the clips to images, or write the name of a folder with "
            "videos into video_folder.",
        )

    def read() -> Iterator[torch.Tensor]:
        for name, frames in read_videos(folder):
            yield take_clip(frames, frames_per_clip, stride, name)

    return Footage([file.name for file in video_files(folder)], read)
