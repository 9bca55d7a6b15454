"""What is made anew of a clip's pictures: a mask as users give it, room around them, soft edges."""

from typing import NamedTuple

import torch
from torch.nn import functional

from ..motion.errors import AnimateDiffError

CELL = 8  # pixels of a latent's
LARGEST = 16384  # pixels, as the host's


class Padding(NamedTuple):
    """Pixels beside the pictures."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    def in_cells(self) -> "Padding":
        """Each rounded up: the pictures' own cells stay cells of the latent."""
        return Padding(*(-(-size // CELL) * CELL for size in self))

    def around(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the whole."""
        whole = (self.left + width + self.right, self.top + height + self.bottom)
        if max(whole) > LARGEST:
            raise AnimateDiffError(
                f"the images are {width} x {height} pixels, and with left, top, right and bottom "
                f"{whole[0]} x {whole[1]}.",
                f"at most {LARGEST} pixels in each direction",
                "lower left, top, right or bottom, or make the images smaller by width and height.",
            )
        return whole

    def inside(self, width: int, height: int) -> tuple[slice, slice]:
        """Where the pictures are: rows and columns."""
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


NO_PADDING = Padding()


def masks_of(region: torch.Tensor, width: int, height: int) -> torch.Tensor:
    """[n, height, width] in 0..1 of a mask of any size, stretched as the host does it."""
    region = region.reshape(-1, *region.shape[-2:]).float().clamp(0.0, 1.0)
    if region.shape[1:] == (height, width):
        return region
    return functional.interpolate(region[:, None], (height, width), mode="bilinear")[:, 0]


def feathered(mask: torch.Tensor, feather: int) -> torch.Tensor:
    """mask: [n, h, w]. Beside what is made it falls to 0 within so many pixels, evenly; diagonal
    neighbours count as next to each other. What is made itself stays as it is."""
    soft, reached = mask, mask[:, None]
    farthest = min(feather, max(mask.shape[1:]))  # from there on nothing new is reached
    for distance in range(1, farthest + 1):
        reached = functional.max_pool2d(reached, 3, stride=1, padding=1)
        soft = torch.maximum(soft, reached[:, 0] - distance / (feather + 1))
    return soft


def cells_of(mask: torch.Tensor) -> torch.Tensor:
    """[n, h / 8, w / 8]: what the host makes of a mask [n, h, w] for the latent."""
    height, width = mask.shape[-2:]
    size = (height // CELL, width // CELL)
    return functional.interpolate(mask[:, None], size, mode="bilinear")[:, 0]
