"""Where the shape of sampled clips is, and how it goes."""

import torch

from . import judge


class Track:
    """Where the shape is and how large, over the frames of some clips."""

    def __init__(self, clips: torch.Tensor):
        """clips: [N, F, 3, H, W]."""
        count, frames = clips.shape[:2]
        found = judge.find(clips.flatten(0, 1))
        self.found = found
        self.place = found.place.unflatten(0, (count, frames))  # [N, F, 2]
        self.area = found.area.unflatten(0, (count, frames))

    @property
    def per_frame(self) -> torch.Tensor:
        """[N], pixels from a frame to the next, mean of the clip."""
        return (self.place[:, 1:] - self.place[:, :-1]).norm(dim=2).mean(1)

    @property
    def shift(self) -> torch.Tensor:
        """[N, 2], pixels from the first three frames to the last three; frames without a shape
        left the picture and do not count."""
        return self.place[:, -3:].mean(1) - self.place[:, :3].mean(1)

    @property
    def growth(self) -> torch.Tensor:
        """[N], area of the last three frames over that of the first three."""
        return self.area[:, -3:].mean(1) / self.area[:, :3].mean(1).clamp(min=1)

    @property
    def way(self) -> float:
        """How far that is, the median of the clips."""
        return self.shift.norm(dim=1).median().item()

    @property
    def jitter(self) -> torch.Tensor:
        """[N]: mean of |p(i + 1) - 2 p(i) + p(i - 1)| over the places."""
        place = self.place
        return (place[:, 2:] - 2 * place[:, 1:-1] + place[:, :-2]).norm(dim=2).mean(1)
