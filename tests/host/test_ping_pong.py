"""A clip forth and back."""

import pytest
import torch
from animatediff_native.nodes.ping_pong import PingPong


@pytest.mark.parametrize(
    ("frames", "order"),
    [(1, [0]), (2, [0, 1]), (3, [0, 1, 2, 1]), (5, [0, 1, 2, 3, 4, 3, 2, 1])],
)
def test_the_ends_come_once(frames, order):
    """Repeated, no frame stands still."""
    images = torch.arange(frames).float().reshape(-1, 1, 1, 1).expand(-1, 2, 3, 3)
    (there_and_back,) = PingPong.execute(images).args
    assert there_and_back[:, 0, 0, 0].tolist() == order
