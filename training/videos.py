"""A folder of videos, decoded by the host."""

from collections.abc import Iterator
from pathlib import Path

import torch
from comfy_api.latest import InputImpl

from ..motion.errors import AnimateDiffError

ENDINGS = (".mp4", ".webm", ".mkv", ".mov", ".avi", ".gif", ".m4v")
EXPECTED_FOLDER = f"a folder with videos ({', '.join(ENDINGS)})"
EXPECTED_VIDEO = "a video that this ComfyUI can decode"


def read_videos(folder: Path) -> Iterator[tuple[str, torch.Tensor]]:
    """File name and frames, [T, H, W, 3] in 0 to 1, of every video of a folder, by name.

    A video is decoded when it is asked for and not kept; the folder's own faults show at once.
    """
    files = video_files(folder)
    return ((file.name, _read(file)) for file in files)


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


def _read(file: Path) -> torch.Tensor:
    try:
        frames = _decoded(file)
    except Exception as error:  # the decoders raise whatever they raise
        raise AnimateDiffError(
            f"'{file.name}' cannot be read as a video ({_first_line(error)}).",
            EXPECTED_VIDEO,
            "look whether it plays elsewhere; then convert it to an H.264 .mp4, or else take it "
            "out of the folder.",
        ) from error
    if len(frames) == 0:
        raise AnimateDiffError(
            f"'{file.name}' is a video with no frames.",
            EXPECTED_VIDEO,
            "record or download it again, or take it out of the folder.",
        )
    return frames


def _decoded(file: Path) -> torch.Tensor:
    """All frames: the host's class decodes whole files, and only its newer versions less."""
    video = InputImpl.VideoFromFile(str(file))
    video.get_dimensions()  # in every version an error in words where there is no picture
    try:
        return video.get_components().images
    except PermissionError:  # of the decoder, not of the file: it was given nothing to decode
        return torch.zeros(0, 0, 0, 3)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else repr(error)
