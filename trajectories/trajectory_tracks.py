"""ComfyUI's tracks (its type TRACKS) as paths."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..motion.errors import AnimateDiffError
from .drawn_path import DrawnPath, in_samples, require_near
from .trajectory_text import MOST_PATHS, MOST_POINTS

EXPECTED = (
    "tracks as ComfyUI's nodes for tracks make them: track_path of frames x tracks x 2 pixels, and "
    "track_visibility of frames x tracks"
)


def read_tracks(tracks: Any, width: int, height: int) -> list[DrawnPath]:
    """Of {"track_path": [F, N, 2] in pixels of a picture of this size, "track_visibility":
    [F, N]}."""
    if not isinstance(tracks, dict) or "track_path" not in tracks:
        raise _wrong("hold no track_path")
    path: Any = _array(tracks["track_path"], "track_path")
    shape = list(path.shape)
    if len(shape) != 3 or shape[2] != 2 or not shape[0]:
        raise _wrong(f"have a track_path of {_shape(path)}")
    seen = tracks.get("track_visibility")
    visible: Any = np.ones(path.shape[:2]) if seen is None else _array(seen, "track_visibility")
    if visible.ndim == 3 and visible.shape[2] == 1:
        visible = visible[..., 0]
    if visible.shape not in (path.shape[:2], (len(path), 1)):
        raise _wrong(f"have a track_path of {_shape(path)} and a track_visibility of "
                     f"{_shape(visible)}")  # fmt: skip
    if len(path) > MOST_POINTS or path.shape[1] > MOST_PATHS:
        raise _wrong(
            f"have a track_path of {_shape(path)}",
            f"at most {MOST_POINTS} frames and {MOST_PATHS} tracks",
        )
    visible = np.broadcast_to(visible > 0, path.shape[:2])
    return [
        _path(path[:, number], visible[:, number], number + 1, np.array((width, height)))
        for number in range(path.shape[1])
    ]


def _path(pixels: np.ndarray, visible: np.ndarray, number: int, size: np.ndarray) -> DrawnPath:
    """What is not visible may be anywhere: it stays where the track was seen last."""
    wrong = visible & ~np.isfinite(pixels).all(1)
    if wrong.any():
        raise _wrong(f"have no number for track {number} at frame {int(wrong.argmax())}")
    if not visible.any():
        return in_samples(np.zeros_like(pixels), visible)
    last_seen = np.maximum.accumulate(np.where(visible, np.arange(len(visible)), -1))
    last_seen[last_seen < 0] = visible.argmax()
    points = pixels[last_seen] / size
    require_near(points, number)
    return in_samples(points, visible)


def _array(value: Any, name: str) -> np.ndarray:
    try:
        return torch.as_tensor(value).detach().cpu().double().numpy()
    except (TypeError, ValueError, RuntimeError):
        raise _wrong(f"have a {name} that holds no numbers") from None


def _shape(array: np.ndarray) -> str:
    return " x ".join(map(str, array.shape)) or "one number"


def _wrong(what: str, expected: str = EXPECTED) -> AnimateDiffError:
    return AnimateDiffError(
        f"the tracks {what}.", expected, "connect such tracks, or leave tracks unconnected."
    )
