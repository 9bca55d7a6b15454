"""From images and videos to clips of one length."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import torch

from ..motion.errors import AnimateDiffError, counted

Frame = TypeVar("Frame")


def split_clips(images: torch.Tensor, frames_per_clip: int) -> list[torch.Tensor]:
    """A batch that holds clips one after the other; [N, H, W, 3] to [frames_per_clip, H, W, 3]."""
    _require_frames_per_clip(frames_per_clip)
    _require_finite(images)
    count, over = divmod(len(images), frames_per_clip)
    if count == 0:
        raise AnimateDiffError(
            f"images has {counted(len(images), 'frame')}, and one clip needs {frames_per_clip}.",
            f"{frames_per_clip} frames for every clip",
            "connect more frames to images, or lower frames_per_clip.",
        )
    if over:
        raise AnimateDiffError(
            f"images has {len(images)} frames: {counted(count, 'clip')} of {frames_per_clip}, and "
            f"{over} left over.",
            f"a number of frames that {frames_per_clip} divides",
            f"take {counted(over, 'frame')} out or add {frames_per_clip - over}, so that every "
            "clip begins where the one before it ends, or correct frames_per_clip.",
        )
    return list(images.split(frames_per_clip))


def take_clip(
    frames: Iterable[Frame], frames_per_clip: int, stride: int, name: str
) -> Iterator[Frame]:
    """Of the video with this name, the first clip's frames, every stride-th one (AnimateDiff
    trains with stride 4). No frame is asked for after the last of them."""
    _require_frames_per_clip(frames_per_clip)
    if stride < 1:
        raise AnimateDiffError(f"stride is {stride}.", "at least 1", "set it to 4.")
    return _taken(iter(frames), frames_per_clip, stride, name)


def _taken(
    frames: Iterator[Frame], frames_per_clip: int, stride: int, name: str
) -> Iterator[Frame]:
    span = (frames_per_clip - 1) * stride + 1
    count = 0
    for frame in islice(frames, span):
        if count % stride == 0:
            yield frame
        count += 1
    if count < span:
        raise AnimateDiffError(
            f"the video '{name}' has {counted(count, 'frame')}, and a clip of {frames_per_clip}, "
            f"with a stride of {stride}, needs {span}.",
            f"at least {counted(span, 'frame')} in every video",
            f"{_what_would_fit(count, frames_per_clip, stride)}take a longer video.",
        )


def require_same_size(clips: Sequence[torch.Tensor], names: Sequence[str]) -> None:
    """AnimateDiffError unless all clips, [F, H, W, 3], have one width and height."""
    for clip, name in zip(clips, names, strict=True):
        if clip.shape[1:3] != clips[0].shape[1:3]:
            raise AnimateDiffError(
                f"the clips have different sizes: '{names[0]}' is {_size(clips[0])}, '{name}' is "
                f"{_size(clip)}.",
                "clips of one size",
                "resize them, or set width and height on the node, which then resizes them.",
            )


def _size(clip: torch.Tensor) -> str:
    return f"{clip.shape[2]}x{clip.shape[1]}"


def _require_frames_per_clip(frames_per_clip: int) -> None:
    if frames_per_clip < 2:
        raise AnimateDiffError(
            f"frames_per_clip is {frames_per_clip}.",
            "at least 2 frames, as one frame has no motion",
            "set it to 16.",
        )


def _require_finite(images: torch.Tensor) -> None:
    finite = images.isfinite().flatten(1).all(1)
    if not finite.all():
        broken = (~finite).nonzero().flatten().tolist()
        raise AnimateDiffError(
            f"{len(broken)} of {counted(len(images), 'image')}, the first of them number "
            f"{broken[0] + 1}, hold pixels that are infinite or not a number.",
            "finite pixel values",
            "look at what made these images: a VAE in fp16 can do this, and then fp32 helps.",
        )


def _what_would_fit(frames: int, frames_per_clip: int, stride: int) -> str:
    """What to lower, and to which number, for a video of so many frames."""
    most_frames = (frames - 1) // stride + 1
    most_stride = (frames - 1) // (frames_per_clip - 1)
    ways = []
    if most_frames >= 2:
        ways.append(f"lower frames_per_clip to {most_frames}, ")
    if most_stride >= 1:
        ways.append(f"lower stride to {most_stride}, ")
    return "".join(ways) + ("or " if ways else "")
