"""Clips as files: writing those that a server takes, and reading back those that it wrote."""

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageSequence


def webp_frames(file: Path) -> list[np.ndarray]:
    """The frames of an animated picture, each [height, width, 3]."""
    with Image.open(file) as image:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]


def video_frames(file: Path) -> list[np.ndarray]:
    """The frames of a video, each [height, width, 3]."""
    with av.open(str(file)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def write_video(file: Path, frames: Sequence[np.ndarray] | np.ndarray, rate: int = 8) -> None:
    """frames: [height, width, 3] each, 8 bits."""
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def complaint(frames: list[np.ndarray]) -> str | None:
    """What keeps the frames from being a moving picture, if anything does."""
    if len(frames) < 2:
        return f"expected several frames, found {len(frames)}"
    if all(np.array_equal(frames[0], frame) for frame in frames[1:]):
        return f"all {len(frames)} frames are equal"
    if all(frame.min() == frame.max() for frame in frames):
        return "every frame is of a single colour"
    return None
