"""Camera poses as text, in the form of RealEstate10K's files.

A first line that is an address (or any remark), or none; then a line per frame of 19 numbers:
time, fx, fy, cx, cy (shares of the picture's size), two that are 0, and the pose [R | T] from the
world to the camera by rows. AnimateDiff-Evolved has the picture's width and height in place of the
two, which holds here too.
"""

import math
import re

import numpy as np

from ..motion.errors import AnimateDiffError, counted
from ..motion.keyed_text import shortened
from .camera_poses import HEIGHT, WIDTH, CameraPath

NUMBERS = 19
MOST_LINES, LARGEST = 100_000, 1e6
EXPECTED = (
    "camera poses as RealEstate10K writes them: 19 numbers a line (time, fx, fy, cx, cy, 0, 0, and "
    "the 12 of the pose from the world to the camera)"
)
NOT_ROTATED = 0.05  # how far R R^T may be from 1: the files' numbers have nine decimals


def read_poses(text: str) -> CameraPath:
    """AnimateDiffError, which names the line, for any other text."""
    lines = [(n, line.strip()) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    if lines and _is_address(lines[0][1]):
        lines = lines[1:]
    if not lines:
        raise AnimateDiffError(
            "the text has no camera poses.", EXPECTED, "put the contents of a pose file there."
        )
    if len(lines) > MOST_LINES:
        raise AnimateDiffError(
            f"the text has {len(lines)} lines.", f"at most {MOST_LINES}", "shorten the text."
        )
    rows = np.array([_numbers(number, line) for number, line in lines])
    poses = rows[:, 7:].reshape(-1, 3, 4)
    for (number, _), row, pose in zip(lines, rows, poses, strict=True):
        _require_camera(number, row, pose)
    width, height = _size(rows)
    return CameraPath(rows[:, 1:5], poses, width, height)


def _is_address(line: str) -> bool:
    words = _words(line)
    return len(words) != NUMBERS and _number(words[0] if words else "") is None


def _words(line: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", line) if word]


def _numbers(line: int, text: str) -> list[float]:
    words = _words(text)
    numbers = [_number(word) for word in words]
    if None in numbers:
        wrong = shortened(words[numbers.index(None)])
        raise _wrong(line, f"has '{wrong}', which is no number")
    if len(numbers) != NUMBERS:
        raise _wrong(line, f"has {counted(len(numbers), 'number')}")
    return numbers  # type: ignore[return-value]


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _require_camera(line: int, row: np.ndarray, pose: np.ndarray) -> None:
    if min(row[1], row[2]) <= 0:
        raise _wrong(line, f"has focal lengths of {row[1]:g} and {row[2]:g}, not above 0")
    if abs(row[1:]).max() > LARGEST:
        raise _wrong(line, f"has a number beyond {LARGEST:g}")
    turn = pose[:, :3]
    if abs(turn @ turn.T - np.eye(3)).max() > NOT_ROTATED or np.linalg.det(turn) < 0:
        raise _wrong(line, "has a pose that is no rotation: its numbers are in another order")


def _size(rows: np.ndarray) -> tuple[int, int]:
    """Of the pictures, where all lines name one."""
    width, height = (int(side) for side in np.rint(rows[0, 5:7]))
    if min(width, height) < 1 or (np.rint(rows[:, 5:7]) != (width, height)).any():
        return WIDTH, HEIGHT
    return width, height


def _wrong(line: int, what: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"line {line} of the camera poses {what}.",
        EXPECTED,
        "correct this line, or leave it out; a pose file can be pasted as it is.",
    )


def write_poses(path: CameraPath) -> str:
    """The text of a path; its lines name the picture's size where it is not the usual one."""
    usual = (path.width, path.height) == (WIDTH, HEIGHT)
    size = (0, 0) if usual else (path.width, path.height)
    lines = ["# camera poses"]  # other readers skip the first line
    for frame, (intrinsics, pose) in enumerate(zip(path.intrinsics, path.w2c, strict=True)):
        numbers = (*intrinsics, *size, *pose.flatten())
        lines.append(" ".join((str(frame), *(f"{number:.9f}" for number in numbers))))
    return "\n".join(lines) + "\n"
