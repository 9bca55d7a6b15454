"""What a camera sees, as the encoder of CameraCtrl wants it: a ray per pixel, in Pluecker
coordinates.

He et al., "CameraCtrl" (arXiv 2404.02101), section 3.2: (o x d, d) of the ray through the middle
of a pixel, o the camera's place and d the ray's direction, both as the first of the frames sees
them. The order of operations is that of hehao13/CameraCtrl.
"""

import numpy as np
import torch

from .camera_poses import CameraPath


def camera_rays(
    path: CameraPath, height: int, width: int, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """[F, 6, height, width] in fp32, for all poses of the path, relative to its first."""
    fx, fy, cx, cy = _on(device, fitted_intrinsics(path, height, width)).T[:, :, None, None]
    world = _on(device, relative_poses(path))
    x = torch.arange(width, device=device) + 0.5
    y = (torch.arange(height, device=device) + 0.5)[:, None]
    across, down = torch.broadcast_tensors((x - cx) / fx, (y - cy) / fy)  # [F, height, width]
    ahead = torch.stack((across, down, torch.ones_like(down)), dim=1)
    ahead = ahead / ahead.norm(dim=1, keepdim=True)
    rays = torch.einsum("fij,fjhw->fihw", world[:, :3, :3], ahead)
    places = world[:, :3, 3, None, None].expand_as(rays)
    return torch.cat((torch.linalg.cross(places, rays, dim=1), rays), dim=1)


def _on(device: torch.device | str, numbers: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(numbers.astype(np.float32)).to(device)


def fitted_intrinsics(path: CameraPath, height: int, width: int) -> np.ndarray:
    """[F, 4] in pixels: fx, fy, cx, cy of pictures of this size that are cut out of the middle of
    the path's."""
    theirs, ours = path.width / path.height, width / height
    fx, fy, cx, cy = path.intrinsics.T
    if theirs > ours:
        fx = fx * (height * theirs) / width
    else:
        fy = fy * (width / theirs) / height
    return np.stack((fx * width, fy * height, cx * width, cy * height), axis=1)


def relative_poses(path: CameraPath) -> np.ndarray:
    """[F, 4, 4]: from each camera to the first one, whose own is the identity to the bit."""
    square = path.square
    relative = square[0] @ np.linalg.inv(square)
    relative[0] = np.eye(4)
    return relative
