"""Where a camera is and looks in every frame of a clip: moves by name, and paths put together.

x is to the right, y down, z ahead, as the camera sees them. A pose is [R | T], from the world to
the camera (w2c): the camera's place is -R^T T, and a move to the left is a T to the right. The
moves are those of AnimateDiff-Evolved, in its sizes: 16 frames of speed 1 go 1.5 units sideways,
or turn by 60 degrees. An orbit goes around a point 1.5 units ahead, which stays in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

from ..motion.clip_part import ClipPart, clip_part
from ..motion.errors import AnimateDiffError, counted
from ..motion.frame_strengths import read_strengths

WIDTH, HEIGHT = 1280, 720  # of the pictures that poses are of, where nothing says otherwise
FOCAL_X, FOCAL_Y = 0.474812461, 0.844111024  # of most clips of RealEstate10K; shares of the size
FRAMES, WAY, ANGLE = 16, 1.5, np.pi / 3  # a move of speed 1 has this way and angle in 16 frames
AHEAD = 1.5  # the point that an orbit goes around


class Join(str, Enum):
    """How a move and the path before it become one."""

    TOGETHER = "at the same time"
    AFTERWARDS = "afterwards"


# T and angles about x, y and z, per way and angle
_STRAIGHT = {
    "still": ((0, 0, 0), (0, 0, 0)),
    "pan left": ((1, 0, 0), (0, 0, 0)),
    "pan right": ((-1, 0, 0), (0, 0, 0)),
    "pan up": ((0, 1, 0), (0, 0, 0)),
    "pan down": ((0, -1, 0), (0, 0, 0)),
    "zoom in": ((0, 0, -2), (0, 0, 0)),
    "zoom out": ((0, 0, 2), (0, 0, 0)),
    "tilt up": ((0, 0, 0), (-1, 0, 0)),
    "tilt down": ((0, 0, 0), (1, 0, 0)),
    "tilt left": ((0, 0, 0), (0, 1, 0)),
    "tilt right": ((0, 0, 0), (0, -1, 0)),
    "roll clockwise": ((0, 0, 0), (0, 0, -1)),
    "roll anticlockwise": ((0, 0, 0), (0, 0, 1)),
}
_AROUND = {
    "orbit left": (0, -1, 0),
    "orbit right": (0, 1, 0),
    "orbit up": (1, 0, 0),
    "orbit down": (-1, 0, 0),
}
MOVES = (*_STRAIGHT, *_AROUND)


@dataclass(frozen=True, eq=False)
class CameraPath:
    """intrinsics: [F, 4], fx, fy, cx, cy as shares of the picture's width and height; w2c:
    [F, 3, 4]; width, height: of the pictures that the intrinsics are of."""

    intrinsics: np.ndarray
    w2c: np.ndarray
    width: int = WIDTH
    height: int = HEIGHT

    def __len__(self) -> int:
        return len(self.w2c)

    @property
    def square(self) -> np.ndarray:
        """[F, 4, 4]"""
        return squared(self.w2c)

    def at(self, frames: Sequence[int]) -> CameraPath:
        """The poses of these frames; behind the last one it is held."""
        places = np.minimum(np.asarray(frames), len(self) - 1)
        return replace(self, intrinsics=self.intrinsics[places], w2c=self.w2c[places])

    def of_size(self, width: int, height: int) -> CameraPath:
        """Of pictures of another size; 0 leaves it."""
        return replace(self, width=width or self.width, height=height or self.height)


def squared(w2c: np.ndarray) -> np.ndarray:
    """[..., 3, 4] as [..., 4, 4]."""
    square = np.zeros((*w2c.shape[:-2], 4, 4))
    square[..., :3, :] = w2c
    square[..., 3, 3] = 1
    return square


def camera_move(
    move: str,
    frames: int,
    speed: float = 1.0,
    factors: Sequence[float] = (1.0,),
    focal: tuple[float, float] = (FOCAL_X, FOCAL_Y),
    first: int = 0,
) -> CameraPath:
    """A path of one move, which is `first` steps on where it begins.

    factors: of the speed, one or as many as frames; the way between two frames has the mean of
    theirs.
    """
    if move not in MOVES:
        raise AnimateDiffError(
            f"the camera move is '{move}'.", ", ".join(MOVES), "choose one of these."
        )
    done = speed * _progress(frames, factors, first) / FRAMES
    w2c = np.stack([_pose(move, share) for share in done])
    intrinsics = np.tile((*focal, 0.5, 0.5), (frames, 1))
    return CameraPath(intrinsics, w2c)


def _progress(frames: int, factors: Sequence[float], first: int) -> np.ndarray:
    """[frames]: how many steps of speed 1 are done in each frame."""
    if len(factors) == 1:
        return factors[0] * np.arange(first, first + frames, dtype=float)
    if len(factors) != frames:
        raise AnimateDiffError(
            f"speed_by_frame has {counted(len(factors), 'value')} for a camera path of "
            f"{counted(frames, 'frame')}.",
            f"{counted(frames, 'value')}, or one number for all frames",
            f"make the list as long as the path: Frame Strengths makes it with frames {frames}.",
        )
    speeds = np.asarray(factors, dtype=float)
    steps = (speeds[1:] + speeds[:-1]) / 2
    return first * speeds[0] + np.concatenate(([0.0], np.cumsum(steps)))


def _pose(move: str, share: float) -> np.ndarray:
    """[3, 4] after this share of way and angle."""
    if move in _AROUND:
        turn = turned(share * ANGLE * np.array(_AROUND[move]))
        point = np.array((0.0, 0.0, AHEAD))
        return np.column_stack((turn, point - turn @ point))
    way, angles = (np.array(each, dtype=float) for each in _STRAIGHT[move])
    return np.column_stack((turned(share * ANGLE * angles), share * WAY * way))


def turned(angles: np.ndarray) -> np.ndarray:
    """[3, 3] = Rz Ry Rx, for angles about x, y and z."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array(((1, 0, 0), (0, cx, -sx), (0, sx, cx)))
    about_y = np.array(((cy, 0, sy), (0, 1, 0), (-sy, 0, cy)))
    about_z = np.array(((cz, -sz, 0), (sz, cz, 0), (0, 0, 1)))
    return about_z @ about_y @ about_x


def at_the_same_time(path: CameraPath, move: CameraPath) -> CameraPath:
    """Both at once: the move is one of the camera that the path has brought there and turned.
    Focal lengths are the path's; the shorter of the two is held at its last pose."""
    frames = range(max(len(path), len(move)))
    path, move = path.at(frames), move.at(frames)
    return replace(path, w2c=(move.square @ path.square)[:, :3])


def afterwards(path: CameraPath, move: CameraPath) -> CameraPath:
    """The move from where the path ends."""
    w2c = (move.square @ path.square[-1])[:, :3]
    return replace(
        path,
        intrinsics=np.concatenate((path.intrinsics, move.intrinsics)),
        w2c=np.concatenate((path.w2c, w2c)),
    )


def along(
    move: str,
    frames: int | ClipPart,
    speed: float = 1.0,
    factors: Sequence[float] = (1.0,),
    focal: tuple[float, float] = (FOCAL_X, FOCAL_Y),
    previous: CameraPath | None = None,
    join: Join = Join.TOGETHER,
) -> CameraPath:
    """One move, or a part of it, joined to a path before it; afterwards it goes on at once,
    without a frame in which the camera stands. factors: of the whole move."""
    part = clip_part(frames) if isinstance(frames, int) else frames
    after = previous is not None and join is Join.AFTERWARDS
    own = camera_move(move, part.whole, speed, factors, focal, first=1 if after else 0)
    own = own.at(part.of_the_whole)
    if previous is None:
        return own
    return afterwards(previous, own) if after else at_the_same_time(previous, own)


def read_speeds(given: Any) -> tuple[float, ...]:
    """Of speed_by_frame, a FLOAT input; None is no change of the speed."""
    if given is None:
        return (1.0,)
    try:
        return read_strengths(given)
    except AnimateDiffError as error:
        wrong = error.given.replace("frame_strengths", "speed_by_frame")
        raise AnimateDiffError(wrong, error.expected, error.remedy) from None
