"""A folder of videos, decoded frame by frame with what the host decodes with. The host's own class
has whole videos in memory, in fp32."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import torch

from ..motion.errors import AnimateDiffError
from ..motion.load import out_of_memory

ENDINGS = (".mp4", ".webm", ".mkv", ".mov", ".avi", ".gif", ".m4v")
EXPECTED_FOLDER = f"a folder with videos ({', '.join(ENDINGS)})"
EXPECTED_VIDEO = "a video that this ComfyUI can decode"


def video_files(folder: Path) -> list[Path]:
    """The videos of a folder, by name; AnimateDiffError where there is none."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise AnimateDiffError(
            f"the folder '{folder}' {what}.",
            EXPECTED_FOLDER,
            "correct the path; it is one on the machine that ComfyUI runs on.",
        )
    files = sorted(path for path in folder.iterdir() if path.is_file())
    videos = [file for file in files if file.suffix.lower() in ENDINGS]
    if not videos:
        raise AnimateDiffError(
            f"the folder '{folder}' has no video (other files in it: {len(files)}).",
            EXPECTED_FOLDER,
            "put the videos themselves into it; folders inside it are not searched.",
        )
    return videos


def frames_of(file: Path) -> Iterator[av.VideoFrame]:
    """All frames in their order, each decoded when it is asked for; AnimateDiffError where a
    frame cannot be, or where there is none."""
    decoded, count = _decoded(file), 0
    while True:
        with _video_errors(file):
            frame = next(decoded, None)
        if frame is None:
            break
        count += 1
        yield frame
    if count == 0:
        raise AnimateDiffError(
            f"'{file.name}' is a video with no frames.",
            EXPECTED_VIDEO,
            "record or download it again, or take it out of the folder.",
        )


def pixels_of(file: Path, frame: av.VideoFrame) -> torch.Tensor:
    """[H, W, 3] of bytes, without transparency, the right way up."""
    with _video_errors(file):
        pixels = frame.to_ndarray(format="rgb24")
        quarters = round(getattr(frame, "rotation", 0) / 90)  # to turn counter-clockwise
        return torch.from_numpy(np.rot90(pixels, quarters).copy() if quarters else pixels)


def _decoded(file: Path) -> Iterator[av.VideoFrame]:
    with av.open(str(file)) as container:
        if not container.streams.video:
            raise ValueError(f"No video stream found in file '{file.name}'")
        try:
            yield from container.decode(video=0)
        except PermissionError:  # of the decoder, not of the file: it was given nothing to decode
            return


@contextmanager
def _video_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the decoders raise whatever they raise
        if out_of_memory(error):
            raise
        raise AnimateDiffError(
            f"'{file.name}' cannot be read as a video ({_first_line(error)}).",
            EXPECTED_VIDEO,
            "look whether it plays elsewhere; then convert it to an H.264 .mp4, or else take it "
            "out of the folder.",
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else repr(error)
