"""A camera path as pictures: where the camera is, and how it is turned, frame by frame."""

import numpy as np
import torch

from ..motion.plot import Chart, Colour, whole_ticks
from .camera_poses import CameraPath
from .camera_rays import relative_poses

BLUE, GREEN, RED = (28, 92, 168), (32, 140, 80), (196, 60, 48)
COLOURS: tuple[Colour, ...] = (BLUE, GREEN, RED)
STILL = 1e-6  # units or degrees


def places(path: CameraPath) -> np.ndarray:
    """[F, 3]: how far right, up and ahead of the first pose the camera is."""
    return relative_poses(path)[:, :3, 3] * (1, -1, 1)


def turns(path: CameraPath) -> np.ndarray:
    """[F, 3]: by how many degrees it is turned right, up and clockwise."""
    pose = relative_poses(path)
    right = np.arctan2(pose[:, 0, 2], pose[:, 2, 2])
    up = np.arcsin(np.clip(-pose[:, 1, 2], -1, 1))
    clockwise = np.arctan2(pose[:, 1, 0], pose[:, 1, 1])
    return np.degrees(np.unwrap(np.stack((right, up, clockwise), axis=1), axis=0))


def plot_path(path: CameraPath) -> torch.Tensor:
    """An IMAGE, [1 or 2, H, W, 3]: of places and of turns what there is."""
    where, how = places(path), turns(path)
    pictures = []
    if abs(where).max() > STILL or abs(how).max() <= STILL:
        pictures.append(_curves(where, "Camera: right blue, up green, ahead red"))
    if abs(how).max() > STILL:
        pictures.append(_curves(how, "Degrees: right blue, up green, clockwise red"))
    return torch.cat(pictures)


def _curves(values: np.ndarray, title: str) -> torch.Tensor:
    frames = len(values)
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    room = 0.05 * (high - low) or 1.0
    across = 0, max(frames - 1, 1)
    chart = Chart(title, "frame", across, (low - room, high + room), whole_ticks(0, frames))
    for column, colour in zip(values.T, COLOURS, strict=True):
        chart.line(range(frames), column.tolist(), colour, 3)
    return chart.image()
