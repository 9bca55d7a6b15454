"""How well the things of a clip follow paths: `trajectory_error CLIP ... --points TEXT`.

TrajError: the distance from where a thing is to where its path is in that frame, mean and median
over frames and paths, in pixels and in percents of the width; and the cosine between the way made
and the way asked for. Where a thing is: corners in the path's box of the first frame, followed by
OpenCV's pyramidal Lucas-Kanade tracking; the thing goes as their median does. A corner that does
not come back where it was when it is tracked backwards counts no longer; without corners a path is
lost, and its further frames count in nothing. Clips are videos, or folders of pictures.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from animatediff_native.motion.clip_part import ClipPart
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.trajectories.trajectory import Trajectory
from animatediff_native.trajectories.trajectory_text import read_paths
from animatediff_native.trajectories.trajectory_times import Interpolation, Timing, trajectory_of
from PIL import Image

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
ENDS = 3  # frames at each end whose mean place is where a thing begins or ends
CORNERS, QUALITY, APART = 40, 0.02, 3  # of a box; against the best one; pixels
WINDOW, LEVELS = 21, 3  # of Lucas and Kanade: pixels of a side, and halvings of the picture
BACK = 1.0  # pixels from where it was, that a corner may come back to
STILL = 1.0  # pixels: a path that ends nearer has no direction
MIDDLE = 0.5  # OpenCV's places are middles of pixels

# [K, 2] in one frame to [K, 2] in another, and [K] whether it was found there
Flow = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Error:
    """mean, median: pixels; cosine: of the paths that go anywhere, their mean, or None; seen: share
    of the frames asked for in which a thing was found."""

    mean: float
    median: float
    cosine: float | None
    seen: float
    width: int

    def __str__(self) -> str:
        percents = (100 * value / self.width for value in (self.mean, self.median))
        direction = "none asked" if self.cosine is None else f"{self.cosine:.2f}"
        return (
            f"{self.mean:.2f} / {self.median:.2f} px (mean / median), "
            f"{' / '.join(f'{each:.2f}' for each in percents)} % of the width; direction cosine "
            f"{direction}; found in {100 * self.seen:.0f} % of the frames"
        )


def error_of(places: np.ndarray, found: np.ndarray, asked: Trajectory) -> Error:
    """places: [F, N, 2], pixels; found: [F, N]; frames in which nothing is asked do not count."""
    counted = found & asked.visible
    away = np.linalg.norm(places - asked.pixels, axis=2)[counted]
    nothing = float("nan")
    cosines = [
        cosine
        for path in range(asked.paths)
        if (cosine := _cosine(places[:, path], asked.pixels[:, path], counted[:, path])) is not None
    ]
    return Error(
        float(away.mean()) if away.size else nothing,
        float(np.median(away)) if away.size else nothing,
        float(np.mean(cosines)) if cosines else None,
        float(counted.sum() / max(asked.visible.sum(), 1)),
        asked.width,
    )


def _cosine(places: np.ndarray, asked: np.ndarray, counted: np.ndarray) -> float | None:
    """Between the ways from the first frames to the last ones; of a thing that is not found at an
    end or does not move it is 0, and None where none is asked."""
    way = asked[-ENDS:].mean(0) - asked[:ENDS].mean(0)
    if np.linalg.norm(way) < STILL:
        return None
    begin, end = counted[:ENDS], counted[-ENDS:]
    if not (begin.any() and end.any()):
        return 0.0
    made = places[-ENDS:][end].mean(0) - places[:ENDS][begin].mean(0)
    length = np.linalg.norm(made)
    return float(made @ way / (length * np.linalg.norm(way))) if length > 0 else 0.0


def tracked(frames: Sequence[np.ndarray], asked: Trajectory) -> tuple[np.ndarray, np.ndarray]:
    """Places [F, N, 2] in pixels, and [F, N] whether the thing was found. frames: [H, W] bytes."""
    cv2 = _opencv()
    places = np.repeat(asked.pixels[:1], len(frames), axis=0)
    found = np.zeros(places.shape[:2], dtype=bool)
    edges = asked.box_edges()
    size = (asked.width, asked.height) * 2
    for path in range(asked.paths):
        begin = int(asked.visible[:, path].argmax())
        corners = _corners(cv2, frames[begin], edges[begin, path] * size)
        start = asked.pixels[begin, path]
        there = followed(frames[begin:], start, corners, _lucas_kanade(cv2))
        places[begin : begin + len(there), path] = there
        found[begin : begin + len(there), path] = True
    return places, found


def followed(
    frames: Sequence[np.ndarray], start: np.ndarray, corners: np.ndarray, flow: Flow
) -> np.ndarray:
    """[F, 2]: where a thing is that begins at `start`, as far as its corners, [K, 2], are found."""
    places = [np.asarray(start, dtype=float)]
    for before, after in pairwise(frames):
        there, good = flow(before, after, corners)
        back, returned = flow(after, before, there)
        good = good & returned & (np.linalg.norm(back - corners, axis=1) < BACK)
        if not good.any():
            break
        places.append(places[-1] + np.median(there[good] - corners[good], axis=0))
        corners = there[good]
    return np.array(places)


def _lucas_kanade(cv2: Any) -> Flow:
    def flow(
        before: np.ndarray, after: np.ndarray, points: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        given = points.astype(np.float32).reshape(-1, 1, 2)
        there, status, _ = cv2.calcOpticalFlowPyrLK(
            before, after, given, None, winSize=(WINDOW, WINDOW), maxLevel=LEVELS
        )
        return there.reshape(-1, 2).astype(float), status.reshape(-1) > 0

    return flow


def _corners(cv2: Any, frame: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """[K, 2] in a box of left, top, right, bottom; its middle where there is no corner."""
    left, top, right, bottom = np.rint(edges).astype(int)
    mask = np.zeros(frame.shape, dtype=np.uint8)
    mask[top:bottom, left:right] = 255
    found = cv2.goodFeaturesToTrack(frame, CORNERS, QUALITY, APART, mask=mask)
    if found is None:
        return np.array([[(left + right) / 2, (top + bottom) / 2]]) - MIDDLE
    return found.reshape(-1, 2).astype(float)


def _opencv() -> Any:
    try:
        return importlib.import_module("cv2")
    except ImportError:
        raise SystemExit(
            "trajectory_error tracks points with OpenCV, which is not there.\n"
            "Get it with: pip install opencv-python-headless"
        ) from None


def grey_frames(file: Path) -> list[np.ndarray]:
    """[H, W] bytes each, of a video or of a folder's pictures by name."""
    if file.is_dir():
        pictures = sorted(each for each in file.iterdir() if each.suffix.lower() in PICTURES)
        if not pictures:
            raise SystemExit(f"the folder '{file}' has no pictures ({', '.join(PICTURES)})")
        frames = [Image.open(each).convert("RGB") for each in pictures]
    else:
        from animatediff_native.training.videos import frames_of, pixels_of

        frames = [Image.fromarray(pixels_of(file, each).numpy()) for each in frames_of(file)]
    return [np.asarray(frame.convert("L")) for frame in frames]


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks trajectory_error",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP", help="video, or folder")
    told = "what points of the node Trajectory holds (or its output coordinates), or a file of it"
    parser.add_argument("--points", required=True, help=told)
    told = "of the picture that points in pixels are of; by itself the clip's"
    parser.add_argument("--size", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"), help=told)
    parser.add_argument("--box", type=float, default=0.3, help="as on the node; 0.3")
    for name, of in (("timing", Timing), ("interpolation", Interpolation)):
        options = [each.value for each in of]
        first = Timing.AS_DRAWN if of is Timing else Interpolation.SMOOTH
        parser.add_argument(f"--{name}", choices=options, default=first.value)
    given = parser.parse_args(arguments)
    text = _text(given.points)
    for clip in given.clips:
        try:
            frames = grey_frames(clip)
            print(f"{clip.name}: {error_of_clip(frames, text, given)}", flush=True)
        except (AnimateDiffError, OSError) as problem:
            raise SystemExit(f"{clip.name}: {problem}") from problem


def error_of_clip(frames: Sequence[np.ndarray], text: str, given: argparse.Namespace) -> Error:
    height, width = frames[0].shape
    part = ClipPart(len(frames), 0, len(frames))
    of_width, of_height = given.size or (width, height)
    paths = read_paths(text, of_width, of_height, part.whole)
    if not paths:
        raise SystemExit("the text has no points: nothing is asked")
    how, timing = Interpolation(given.interpolation), Timing(given.timing)
    asked = trajectory_of(paths, part, (width, height), given.box, how, timing)
    return error_of(*tracked(frames, asked), asked)


def _text(given: str) -> str:
    """Itself, or what a file of this name holds."""
    try:
        return Path(given).read_text(encoding="utf-8") if Path(given).is_file() else given
    except (OSError, ValueError):  # a text too long for a name
        return given
