"""The rays of a camera path, against one pixel after the other in plain NumPy."""

import numpy as np
import pytest
import torch
from animatediff_native.conditions.camera_poses import CameraPath, along
from animatediff_native.conditions.camera_rays import camera_rays
from animatediff_native.conditions.camera_text import read_poses, write_poses


def by_hand(path: CameraPath, height: int, width: int) -> np.ndarray:
    first = np.vstack((path.w2c[0], (0, 0, 0, 1)))
    pose_ratio, ratio = path.width / path.height, width / height
    out = np.zeros((len(path), 6, height, width))
    for frame, (pose, (fx, fy, cx, cy)) in enumerate(zip(path.w2c, path.intrinsics, strict=True)):
        if pose_ratio > ratio:
            fx = fx * height * pose_ratio / width
        else:
            fy = fy * (width / pose_ratio) / height
        to_first = first @ np.linalg.inv(np.vstack((pose, (0, 0, 0, 1))))
        if frame == 0:
            to_first = np.eye(4)
        for j in range(height):
            for i in range(width):
                seen = np.array(
                    (
                        (i + 0.5 - cx * width) / (fx * width),
                        (j + 0.5 - cy * height) / (fy * height),
                        1.0,
                    )
                )
                d = to_first[:3, :3] @ (seen / np.sqrt((seen**2).sum()))
                o = to_first[:3, 3]
                out[frame, :3, j, i] = (
                    o[1] * d[2] - o[2] * d[1],
                    o[2] * d[0] - o[0] * d[2],
                    o[0] * d[1] - o[1] * d[0],
                )
                out[frame, 3:, j, i] = d
    return out


PATHS = {
    "pan and tilt": along("tilt left", 5, 2.0, previous=along("pan up", 5)),
    "not from the origin": along("orbit left", 9, 3.0, previous=along("zoom in", 9)).at([4, 5, 8]),
    "of a wide picture": along("zoom out", 3).of_size(2000, 500),
    "of a tall picture": along("roll clockwise", 3, focal=(0.9, 0.5)).of_size(500, 900),
}


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize(("height", "width"), [(16, 24), (24, 16), (8, 8)])
def test_as_one_pixel_after_the_other(name, height, width):
    rays = camera_rays(PATHS[name], height, width)
    assert rays.dtype == torch.float32
    assert np.abs(rays.numpy() - by_hand(PATHS[name], height, width)).max() < 1e-6


def test_a_path_that_starts_elsewhere_gives_the_same_rays():
    path = along("orbit up", 6, 2.0, previous=along("pan left", 6))
    turned = along("zoom in", 6, 4.0).square[-1] @ along("tilt left", 6, 4.0).square[-1]
    moved = CameraPath(path.intrinsics, (path.square @ turned)[:, :3])
    assert (camera_rays(path, 8, 8) - camera_rays(moved, 8, 8)).abs().max() < 1e-6


def test_the_first_frames_rays_meet_in_the_origin():
    rays = camera_rays(read_poses(write_poses(along("pan left", 2))), 8, 8)
    assert rays[0, :3].abs().max() == 0
    assert torch.allclose(rays[:, 3:].norm(dim=1), torch.ones(2, 8, 8))
